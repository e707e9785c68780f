import type { BodyIterator } from "./chunks.ts";
import type { ResponseBody } from "./contract.ts";
import { isThenable } from "./thenable.ts";

/**
 * A body that gives the chunks that were pulled already, then what is left of the iterator; `undefined` when it had ended.
 * As synchronous as the body is.
 */
export function replay(chunks: readonly Uint8Array[], rest: BodyIterator | undefined, body: ResponseBody): ResponseBody {
  const iterator = new Replay(chunks, rest);
  const close = (): void | Promise<void> => body.close?.();
  if (Symbol.asyncIterator in body) return { [Symbol.asyncIterator]: () => new AsyncReplay(iterator), close };
  return { [Symbol.iterator]: () => iterator as Iterator<Uint8Array>, close };
}

class Replay {
  readonly #chunks: readonly Uint8Array[];
  readonly #rest: BodyIterator | undefined;
  #given = 0;

  constructor(chunks: readonly Uint8Array[], rest: BodyIterator | undefined) {
    this.#chunks = chunks;
    this.#rest = rest;
  }

  next(): IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks[this.#given];
    if (chunk !== undefined) {
      this.#given++;
      return { done: false, value: chunk };
    }
    return this.#rest === undefined ? { done: true, value: undefined } : this.#rest.next();
  }

  return(): IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>> {
    return this.#rest?.return?.() ?? { done: true, value: undefined };
  }
}

class AsyncReplay implements AsyncIterator<Uint8Array> {
  readonly #replay: Replay;

  constructor(replay: Replay) {
    this.#replay = replay;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return asPromise(this.#replay.next());
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    return asPromise(this.#replay.return());
  }
}

function asPromise<T>(value: T | Promise<T>): Promise<T> {
  return isThenable(value) ? value : Promise.resolve(value);
}
