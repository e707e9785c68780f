import { HTTPError, type Environ } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { Lease } from "./lease.ts";
import type { Source } from "./source.ts";
import type { TransactionControl } from "./transaction.ts";

/** What all leases of one pool have in common. */
interface LeaseSettings<Connection> {
  readonly source: Source<Connection>;
  /** `undefined`: no transactions. */
  readonly transaction: TransactionControl<Connection> | undefined;
  readonly acquireMilliseconds: number;
  readonly retryAfterSeconds: number;
  readonly graceMilliseconds: number;
}

/** The connections of one pool that are out, or asked for. */
export class Leases<Connection> {
  readonly settings: LeaseSettings<Connection>;
  /** How many requests wait for a connection. */
  waiting = 0;
  /** How many connections are out. */
  held = 0;
  /** Asked for, and nobody waits any more: they come late and go back at once. */
  #late = 0;
  #isDraining = false;
  #drained: (() => void)[] = [];

  constructor(settings: LeaseSettings<Connection>) {
    this.settings = settings;
  }

  /** A connection for one request, should it ask. */
  open(environ: Environ): Lease<Connection> {
    return new Lease(this, environ);
  }

  /** Hands out no more, and resolves when all are back. */
  drain(): Promise<void> {
    this.#isDraining = true;
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#check();
    });
  }

  /**
   * Waits for a connection, as long as the time limit and the signal let it. One that comes too late is given back.
   *
   * @param left a promise that rejects when nobody waits any more.
   */
  async acquire(onCancel: (cancel: (reason: unknown) => void) => void, errors: Environ["wsgi.errors"]): Promise<Connection> {
    const { source, acquireMilliseconds } = this.settings;
    if (this.#isDraining) throw this.#unavailable("The server is stopping.");
    this.waiting++;
    const pending = start(source);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    try {
      return await new Promise<Connection>((resolve, reject) => {
        const stop = (reason: unknown): void => {
          if (isOver) return;
          isOver = true;
          this.#late++;
          pending.cancel?.();
          reject(reason);
        };
        onCancel(stop);
        if (acquireMilliseconds !== Infinity) {
          timer = setTimeout(() => stop(this.#unavailable("No connection to the database was free in time.")), acquireMilliseconds);
        }
        pending.promise.then(
          (connection) => {
            if (isOver) return this.#giveBackLate(connection, errors);
            isOver = true;
            this.held++;
            resolve(connection);
          },
          (error: unknown) => {
            if (isOver) return this.#lateIsOver();
            isOver = true;
            reject(error);
          },
        );
      });
    } finally {
      clearTimeout(timer);
      this.waiting--;
      this.#check();
    }
  }

  /** Gives a connection back; or throws it away, where nobody knows what state it is in. */
  async giveBack(connection: Connection, how: "release" | "destroy", errors: Environ["wsgi.errors"]): Promise<void> {
    try {
      await this.settings.source[how](connection);
    } catch (error) {
      errors.write(errorText(error));
    } finally {
      this.held--;
      this.#check();
    }
  }

  #giveBackLate(connection: Connection, errors: Environ["wsgi.errors"]): void {
    this.held++;
    void this.giveBack(connection, "release", errors).then(() => this.#lateIsOver());
  }

  #lateIsOver(): void {
    this.#late--;
    this.#check();
  }

  #check(): void {
    if (!this.#isDraining || this.held + this.waiting + this.#late > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #unavailable(message: string): HTTPError {
    return new HTTPError(503, message, { headers: [["Retry-After", String(this.settings.retryAfterSeconds)]] });
  }
}

/** A pool may throw where it should reject. */
function start<Connection>(source: Source<Connection>): ReturnType<Source<Connection>["acquire"]> {
  try {
    return source.acquire();
  } catch (error) {
    return { promise: Promise.reject(error) };
  }
}
