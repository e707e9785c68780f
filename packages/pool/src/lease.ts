import { isHTTPError, type Environ } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { Leases } from "./leases.ts";

/** What became of a request, as far as its connection is concerned. */
export type Verdict =
  /** All went well: commits. */
  | "commit"
  /** It failed, or its client left, and the code that used the connection has come to its end. */
  | "rollback"
  /** Something that nobody expected: without a transaction that could be rolled back, nobody knows the state of the connection. */
  | "unknown";

const nothing: Promise<void> = Promise.resolve();

/**
 * The connection of one request: taken when it is first asked for, given back exactly once, by the first call of `settle` or `abandon`,
 * or when the client has left and the time is over.
 */
export class Lease<Connection> {
  readonly #leases: Leases<Connection>;
  readonly #environ: Environ;
  #opening: Promise<Connection> | undefined = undefined;
  #connection: { readonly it: Connection } | undefined = undefined;
  /** Ends the wait for a connection. */
  #cancel: ((reason: unknown) => void) | undefined = undefined;
  #settled: Promise<void> | undefined = undefined;
  #watch: Watch | undefined = undefined;

  constructor(leases: Leases<Connection>, environ: Environ) {
    this.#leases = leases;
    this.#environ = environ;
  }

  /** Whether it was asked for, and that has not failed. */
  get isUsed(): boolean {
    return this.#opening !== undefined;
  }

  /** The connection, the same each time; in its transaction, where there is one. A failure is not kept: the next call tries again. */
  readonly connection = (): Promise<Connection> => {
    if (this.#settled !== undefined) {
      return Promise.reject(new Error("the connection was given back: the response is over, or its transaction has ended"));
    }
    if (this.#opening === undefined) {
      const opening = this.#open();
      this.#opening = opening;
      opening.catch(() => {
        if (this.#settled === undefined && this.#opening === opening) this.#opening = undefined;
      });
    }
    return this.#opening;
  };

  async #open(): Promise<Connection> {
    const { transaction } = this.#leases.settings;
    const errors = this.#environ["wsgi.errors"];
    const watch = (this.#watch ??= this.#startWatch());
    if (isDeparture(watch.signal)) throw watch.signal.reason;
    const connection = await this.#leases.acquire((cancel) => (this.#cancel = cancel), errors);
    this.#cancel = undefined;
    // Between the arrival and this line the request may have ended.
    if (this.#settled !== undefined) {
      await this.#leases.giveBack(connection, "release", errors);
      throw new Error("the response was over when the connection came");
    }
    this.#connection = { it: connection };
    listen(connection, "on", watch.broke);
    if (transaction === undefined) return connection;
    try {
      await transaction.begin(connection);
    } catch (error) {
      await this.#giveBack("destroy");
      throw error;
    }
    if (this.#settled !== undefined) throw new Error("the response was over when its transaction began");
    return connection;
  }

  #startWatch(): Watch {
    const exchange = this.#environ["gateway.exchange"];
    const watch: Watch = {
      signal: exchange.signal,
      left: () => {
        if (!isDeparture(watch.signal)) return;
        this.#cancel?.(watch.signal.reason);
        if (this.#settled === undefined) this.#startGrace();
      },
      broke: () => {
        watch.isBroken = true;
      },
      isBroken: false,
      grace: undefined,
      told: [],
    };
    watch.signal.addEventListener("abort", watch.left);
    // Whoever forgets to close the body: this is called in any case.
    exchange.onEnd(() => void this.settle("rollback"));
    return watch;
  }

  /** Nobody waits for the response: code that is still running has some time to come to its end, and then loses its connection. */
  #startGrace(): void {
    const watch = this.#watch;
    if (watch === undefined || watch.grace !== undefined) return;
    const destroy = async (): Promise<void> => {
      await this.#giveBack("destroy");
      throw new Error("the connection was destroyed: its client had left, and the time for what was still running was over");
    };
    watch.grace = setTimeout(() => void this.#settleOnce(destroy), this.#leases.settings.graceMilliseconds);
    watch.grace.unref();
  }

  /**
   * Ends it: the code that used it has come to its end. Rejects where there should have been a commit and was none, with the reason.
   */
  settle(verdict: Verdict): Promise<void> {
    return this.#settleOnce(() => this.#settle(verdict));
  }

  /**
   * Ends it when code that may still be using it has come to its end, and without it when that takes too long. Never rejects.
   *
   * @param running says then how that went.
   */
  abandon(running: Promise<Verdict>): Promise<void> {
    this.#cancel?.(new Error("the response is over"));
    const watch = this.#watch;
    if (this.#settled !== undefined || watch === undefined) return this.settle("rollback").catch(() => {});
    this.#startGrace();
    return new Promise((resolve) => {
      watch.told.push(resolve);
      void running.then((verdict) => void this.settle(verdict));
    });
  }

  #settleOnce(how: () => Promise<void>): Promise<void> {
    if (this.#settled !== undefined) return this.#settled;
    const watch = this.#watch;
    // Most requests of a site: nobody asked.
    if (watch === undefined) return (this.#settled = nothing);
    this.#settled = how().finally(() => {
      clearTimeout(watch.grace);
      watch.signal.removeEventListener("abort", watch.left);
      for (const tell of watch.told) tell();
    });
    // Who asked hears of it; an end that nobody asked for must not end the process.
    this.#settled.catch(() => {});
    return this.#settled;
  }

  async #settle(verdict: Verdict): Promise<void> {
    const { transaction } = this.#leases.settings;
    // Asked for and never waited for.
    this.#cancel?.(new Error("the response is over"));
    const held = this.#connection;
    if (held === undefined) return;
    if (transaction === undefined) return this.#giveBack(verdict === "unknown" ? "destroy" : "release");
    const signal = this.#watch?.signal;
    const isCommitted = verdict === "commit" && !isDeparture(signal);
    try {
      await (isCommitted ? transaction.commit(held.it) : transaction.rollback(held.it));
    } catch (error) {
      // A connection that is lost has rolled back; where the client is gone too, that is no news.
      if (!isCommitted && !isDeparture(signal)) this.#environ["wsgi.errors"].write(errorText(error));
      await this.#giveBack("destroy");
      if (isCommitted) throw error;
    }
    await this.#giveBack("release");
    if (verdict === "commit" && !isCommitted) throw signal?.reason;
  }

  /** The first call counts. */
  async #giveBack(how: "release" | "destroy"): Promise<void> {
    const held = this.#connection;
    const watch = this.#watch;
    if (held === undefined || watch === undefined) return;
    this.#connection = undefined;
    listen(held.it, "removeListener", watch.broke);
    await this.#leases.giveBack(held.it, watch.isBroken ? "destroy" : how, this.#environ["wsgi.errors"]);
  }
}

/** What a lease needs once it was asked for. */
interface Watch {
  readonly signal: AbortSignal;
  /** The client left. */
  readonly left: () => void;
  /** The connection failed: an error that nobody listens to would end the process. */
  readonly broke: () => void;
  isBroken: boolean;
  grace: ReturnType<typeof setTimeout> | undefined;
  /** Told when it is settled. */
  readonly told: (() => void)[];
}

/** What is known of a connection after an error: one that says how it is answered was expected, any other leaves it in any state. */
export function verdictOf(error: unknown, hasTransaction: boolean): Verdict {
  return hasTransaction || isHTTPError(error) ? "rollback" : "unknown";
}

/** A server that stops only asks to hurry: the response may still be finished. */
function isDeparture(signal: AbortSignal | undefined): boolean {
  if (signal?.aborted !== true) return false;
  const reason: unknown = signal.reason;
  return !(typeof reason === "object" && reason !== null && "code" in reason && reason.code === "SERVER_STOPPING");
}

function listen(connection: unknown, how: "on" | "removeListener", listener: () => void): void {
  if (typeof connection !== "object" || connection === null) return;
  const method = (connection as Record<string, unknown>)[how];
  if (typeof method === "function")
    (method as (event: string, listener: () => void) => unknown).call(connection, "error", listener);
}
