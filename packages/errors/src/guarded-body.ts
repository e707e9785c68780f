import { isThenable, type ResponseBody } from "@gateway/core";

type BodyIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
type Step = IteratorResult<Uint8Array>;

/** What is sent instead of a body whose first pull threw. Throws where nothing can be sent instead. */
export type Instead<R> = (error: unknown) => R;

/**
 * The same stream, with an eye on what it throws before its first byte: then `instead` says what is sent. Behind the first byte everything
 * passes.
 */
export function guardSync(body: Iterable<Uint8Array> & ResponseBody, instead: Instead<readonly Uint8Array[]>): ResponseBody {
  return { [Symbol.iterator]: () => new SyncGuard(() => body[Symbol.iterator](), instead), close: closeOf(body) };
}

/** The same for an asynchronous stream, or for any where `instead` has to be waited for. */
export function guardAsync(
  body: ResponseBody,
  instead: Instead<readonly Uint8Array[] | Promise<readonly Uint8Array[]>>,
): ResponseBody {
  const open = (): BodyIterator => (Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]());
  return { [Symbol.asyncIterator]: () => new AsyncGuard(open, instead), close: closeOf(body) };
}

function closeOf(body: ResponseBody): () => void | Promise<void> {
  return () => body.close?.();
}

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Has it given a byte, so that the head is on its way? */
function isByte(step: Step): boolean {
  return step?.done !== true && step?.value?.byteLength !== 0;
}

class SyncGuard implements Iterator<Uint8Array> {
  readonly #instead: Instead<readonly Uint8Array[]>;
  readonly #open: () => Iterator<Uint8Array>;
  #source: Iterator<Uint8Array> | undefined = undefined;
  #begun = false;

  constructor(open: () => Iterator<Uint8Array>, instead: Instead<readonly Uint8Array[]>) {
    this.#open = open;
    this.#instead = instead;
  }

  next(): Step {
    if (this.#begun && this.#source !== undefined) return this.#source.next();
    try {
      this.#source ??= this.#open();
      const step = this.#source.next();
      this.#begun = isByte(step);
      return step;
    } catch (error) {
      // What threw has ended by itself: it is not returned to.
      this.#begun = true;
      this.#source = undefined;
      this.#source = this.#instead(error).values();
      return this.#source.next();
    }
  }

  return(): Step {
    return this.#source?.return?.() ?? over;
  }
}

class AsyncGuard implements AsyncIterator<Uint8Array> {
  readonly #instead: Instead<readonly Uint8Array[] | Promise<readonly Uint8Array[]>>;
  readonly #open: () => BodyIterator;
  #source: BodyIterator | undefined = undefined;
  #begun = false;

  constructor(open: () => BodyIterator, instead: Instead<readonly Uint8Array[] | Promise<readonly Uint8Array[]>>) {
    this.#open = open;
    this.#instead = instead;
  }

  next(): Promise<Step> {
    return this.#begun && this.#source !== undefined ? later(this.#source.next()) : this.#first();
  }

  async #first(): Promise<Step> {
    try {
      this.#source ??= this.#open();
      const step = await this.#source.next();
      this.#begun = isByte(step);
      return step;
    } catch (error) {
      this.#begun = true;
      this.#source = undefined;
      const chunks = (await this.#instead(error)).values();
      this.#source = chunks;
      return chunks.next();
    }
  }

  async return(): Promise<Step> {
    return (await this.#source?.return?.()) ?? over;
  }
}

function later(step: Step | Promise<Step>): Promise<Step> {
  return isThenable(step) ? step : Promise.resolve(step);
}
