import { assertBytes, iteratorOf, type BodyIterator } from "./chunks.ts";
import type { ResponseBody } from "./contract.ts";
import { isThenable } from "./thenable.ts";

interface Written {
  readonly chunk: Uint8Array;
  readonly taken: () => void;
}

/**
 * The body of an asynchronous application that uses `write()`: what it writes as it writes it, each `write()` held back until the
 * server has taken the chunk, then the body it returns.
 */
export class WrittenBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #report: (error: unknown) => void;
  readonly #queue: Written[];
  #last: Written | undefined = undefined;
  #returned = false;
  #failed: { error: unknown } | undefined = undefined;
  #body: ResponseBody | undefined = undefined;
  #iterator: BodyIterator | undefined = undefined;
  #closed = false;
  #wake: (() => void) | undefined = undefined;

  /** @param answer what the application will return. @param report is told what fails when nobody can be told any more. */
  constructor(early: readonly Uint8Array[], answer: PromiseLike<ResponseBody>, report: (error: unknown) => void) {
    this.#report = report;
    this.#queue = early.map((chunk) => ({ chunk, taken: () => {} }));
    answer.then(
      (body) => this.#answered(body),
      (error: unknown) => this.#threw(error),
    );
  }

  write(chunk: Uint8Array): Promise<void> {
    if (this.#closed) throw new Error("write() was called after the response had been closed");
    if (this.#returned) throw new Error("write() was called after the body had been returned: yield the bytes from it");
    assertBytes(chunk);
    return new Promise((taken) => {
      this.#queue.push({ chunk, taken });
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
      if (this.#failed !== undefined) throw this.#failed.error;
      if (this.#body !== undefined) return (this.#iterator ??= iteratorOf(this.#body)).next();
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
    return this.#body?.close?.();
  }

  #answered(body: ResponseBody): void {
    this.#returned = true;
    this.#body = body;
    if (this.#closed) this.#closeLate(body);
    else this.#wakeUp();
  }

  #threw(error: unknown): void {
    this.#returned = true;
    this.#failed = { error };
    if (this.#closed) this.#report(error);
    else this.#wakeUp();
  }

  /** The body came when the response had been given up. */
  #closeLate(body: ResponseBody): void {
    try {
      const closing = body.close?.();
      if (isThenable(closing)) closing.then(undefined, this.#report);
    } catch (error) {
      this.#report(error);
    }
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
