import type { ResponseBody } from "@gateway/core";
import { verdictOf, type Lease, type Verdict } from "./lease.ts";

type Source = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A stream that may use the connection of its request until it ends. In a transaction it is one chunk behind its source, so that the
 * last chunk goes out when the commit has succeeded; an empty chunk lets go of the one that is held.
 */
export class LeasedBody<Connection> implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #body: ResponseBody;
  readonly #lease: Lease<Connection>;
  /** What becomes of the connection when the stream has ended by itself. */
  readonly #verdict: Verdict;
  readonly #hasTransaction: boolean;
  #iterator: Source | undefined = undefined;
  #held: Uint8Array | undefined = undefined;
  /** An empty chunk that came behind the one held. */
  #flush: Uint8Array | undefined = undefined;
  #isEnded = false;
  #isClosed = false;
  /** What the source is doing. */
  #running: Promise<unknown> = Promise.resolve();
  #returning: Promise<unknown> | undefined = undefined;
  /** What the source threw after it was closed. */
  #failure: { readonly error: unknown } | undefined = undefined;

  constructor(body: ResponseBody, lease: Lease<Connection>, verdict: Verdict, hasTransaction: boolean) {
    this.#body = body;
    this.#lease = lease;
    this.#verdict = verdict;
    this.#hasTransaction = hasTransaction;
  }

  [Symbol.asyncIterator](): this {
    this.#iterator = iterate(this.#body);
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const next = this.#next();
    this.#running = next;
    return next;
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    const flush = this.#flush;
    this.#flush = undefined;
    if (flush !== undefined) return { done: false, value: flush };
    while (!this.#isEnded && !this.#isClosed) {
      let step: IteratorResult<Uint8Array>;
      try {
        step = await (this.#iterator as Source).next();
      } catch (error) {
        this.#isEnded = true;
        // Else close() is waiting for it.
        if (this.#isClosed) this.#failure = { error };
        else await this.#lease.settle(verdictOf(error, this.#hasTransaction)).catch(() => {});
        throw error;
      }
      if (this.#isClosed) break;
      if (step.done === true) {
        this.#isEnded = true;
        await this.#lease.settle(this.#verdict);
        break;
      }
      const given = this.#give(step.value);
      if (given !== undefined) return { done: false, value: given };
    }
    const last = this.#isClosed ? undefined : this.#held;
    this.#held = undefined;
    return last === undefined ? over : { done: false, value: last };
  }

  /** @returns the chunk that goes out now, if one does. */
  #give(chunk: Uint8Array): Uint8Array | undefined {
    const held = this.#held;
    if (chunk.byteLength === 0) {
      this.#held = undefined;
      if (held === undefined) return chunk;
      this.#flush = chunk;
      return held;
    }
    if (held === undefined && !(this.#hasTransaction && this.#lease.isUsed)) return chunk;
    this.#held = chunk;
    return held;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#returning = Promise.resolve(this.#iterator?.return?.());
      await this.#returning;
    }
    return over;
  }

  close(): void | Promise<void> {
    this.#isClosed = true;
    let closing: void | Promise<void>;
    try {
      closing = this.#body.close?.();
    } catch (error) {
      return this.#end(Promise.reject(error));
    }
    if (this.#lease.isUsed || closing !== undefined) return this.#end(closing);
    void this.#lease.settle("rollback");
  }

  /** What the source still does, in `next()`, in its `finally` and in `close()`, comes to its end first. */
  async #end(closing: void | Promise<void>): Promise<void> {
    const running = Promise.allSettled([this.#running, this.#returning, closing]);
    await this.#lease.abandon(
      running.then(() => (this.#failure === undefined ? "rollback" : verdictOf(this.#failure.error, this.#hasTransaction))),
    );
    await closing;
  }
}

function iterate(body: ResponseBody): Source {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}
