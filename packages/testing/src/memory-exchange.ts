import type { Application, Ending, Environ } from "@gateway/core";
import { run, type Running } from "@gateway/core/gateway";
import { MemorySink } from "./memory-sink.ts";

/** A request that runs in memory: core's `run` and a {@link MemorySink}, as a gateway would join them. */
export class MemoryExchange {
  readonly sink: MemorySink;
  /** Resolves when the head has come, or never will: the client left, or the exchange is over without one. */
  readonly head: Promise<void>;
  /** Resolves when all is over, `close()` included. */
  readonly ended: Promise<Ending>;

  readonly #headSettled: () => void;
  #running: Running | undefined = undefined;
  #started = false;
  #early: { readonly reason: unknown } | undefined = undefined;

  /** Calls the application at once. */
  constructor(app: Application, environ: Environ, streamed: boolean) {
    const head = deferred<void>();
    const ended = deferred<Ending>();
    this.head = head.promise;
    this.#headSettled = () => head.resolve();
    this.ended = ended.promise;
    this.sink = new MemorySink(streamed, this.#headSettled);
    // The first listener is ours, so the times that it is told begin before the application.
    const watched: Application = (given, startResponse) => {
      given["gateway.exchange"].onEnd((ending) => {
        this.#headSettled();
        ended.resolve(ending);
      });
      return app(given, startResponse);
    };
    this.#running = run(watched, environ, this.sink);
    this.#started = true;
    if (this.#early !== undefined) this.leave(this.#early.reason);
  }

  /** The client leaves: what a gateway does then. */
  leave(reason: unknown): void {
    if (!this.#started) {
      // From inside the application's first call: `run` has not handed over yet what takes it.
      this.#early ??= { reason };
      return;
    }
    if (this.sink.state !== "open" && this.sink.unsentBytes === 0) return;
    this.#running?.gone(reason, this.sink.unsentBytes);
    this.sink.leave(reason);
    this.#headSettled();
  }

  /** Aborts the signal of the exchange and nothing else. */
  cancel(reason: unknown): void {
    this.#running?.cancel(reason);
  }
}

/** A promise and what settles it (`Promise.withResolvers`, which Node 20 lacks). */
function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(reason: unknown): void } {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
