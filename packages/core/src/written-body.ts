import { discard } from "./body.ts";
import { assertBytes, iteratorOf, type BodyIterator } from "./chunks.ts";
import type { ResponseBody } from "./contract.ts";
import type { Exchange } from "./exchange.ts";

interface Written {
  readonly chunk: Uint8Array;
  readonly taken: () => void;
}

/**
 * The body of an asynchronous application that uses `write()`: what it writes as it writes it, each `write()` held back until the
 * server has taken the chunk, then the body it returns.
 */
export class WrittenBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #exchange: Exchange;
  readonly #report: (error: unknown) => void;
  readonly #queue: Written[];
  #last: Written | undefined = undefined;
  /** What the application did in the end; a body may be anything, also `undefined`. */
  #answer: { readonly body: ResponseBody } | { readonly error: unknown } | undefined = undefined;
  #iterator: BodyIterator | undefined = undefined;
  #closed = false;
  /** What a `write()` threw because the response was over. It often comes back by way of the application. */
  #refusal: unknown = undefined;
  #wake: (() => void) | undefined = undefined;

  /** @param answer what the application will return. @param report is told what fails when nobody can be told any more. */
  constructor(early: readonly Uint8Array[], answer: Promise<ResponseBody>, exchange: Exchange, report: (error: unknown) => void) {
    this.#exchange = exchange;
    this.#report = report;
    this.#queue = early.map((chunk) => ({ chunk, taken: () => {} }));
    answer.then(
      (body) => this.#answered(body),
      (error: unknown) => this.#threw(error),
    );
  }

  write(chunk: Uint8Array): Promise<void> {
    if (this.#closed) throw (this.#refusal ??= this.#whyClosed());
    if (this.#answer !== undefined) throw new Error("write() was called after the body had been returned: yield the bytes from it");
    assertBytes(chunk);
    return new Promise((taken) => {
      // A copy: the server may still be reading the bytes when it asks for the next, and after this promise they may be changed (A27).
      this.#queue.push({ chunk: new Uint8Array(chunk), taken });
      this.#wakeUp();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    this.#last?.taken();
    for (;;) {
      this.#last = this.#queue.shift();
      if (this.#last !== undefined) return { done: false, value: this.#last.chunk };
      if (this.#closed) return { done: true, value: undefined };
      if (this.#answer !== undefined) {
        if ("error" in this.#answer) throw this.#answer.error;
        this.#iterator ??= iteratorOf(this.#answer.body);
        return this.#iterator.next();
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#iterator?.return?.();
    return { done: true, value: undefined };
  }

  close(): void | Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#last?.taken();
    for (const { taken } of this.#queue.splice(0)) taken();
    this.#wakeUp();
    if (this.#answer !== undefined && "body" in this.#answer) return this.#answer.body?.close?.();
  }

  #answered(body: ResponseBody): void {
    this.#answer = { body };
    if (this.#closed) discard(body, this.#report);
    else this.#wakeUp();
  }

  #threw(error: unknown): void {
    this.#answer = { error };
    if (!this.#closed) this.#wakeUp();
    else if (!this.#isNoNews(error)) this.#report(error);
  }

  /** As `run` does it: the reason why the client is gone, where that is why. */
  #whyClosed(): unknown {
    const { signal } = this.#exchange;
    return signal.aborted ? signal.reason : new Error("write() was called after the response had ended");
  }

  #isNoNews(error: unknown): boolean {
    const { signal } = this.#exchange;
    return error !== undefined && (error === this.#refusal || (signal.aborted && error === signal.reason));
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
