import { isAsync, leave, type BodyIterator } from "./chunks.ts";
import type { ResponseBody } from "./contract.ts";
import { isThenable } from "./thenable.ts";

/**
 * A body that gives the chunks that were pulled already, then what is left of the iterator; `undefined` when it had ended.
 * As synchronous as the body is.
 *
 * @param failed is told what `return()` throws when the body is closed without having been iterated.
 */
export function replay(
  chunks: readonly Uint8Array[],
  rest: BodyIterator | undefined,
  body: ResponseBody,
  failed: (error: unknown) => void,
): ResponseBody {
  const iterator = new Replay(chunks, rest);
  const close = (): void | Promise<void> => {
    iterator.abandon(failed);
    return body.close?.();
  };
  if (isAsync(body)) return { [Symbol.asyncIterator]: () => new AsyncReplay(iterator), close };
  return { [Symbol.iterator]: () => iterator as Iterator<Uint8Array>, close };
}

class Replay {
  readonly #chunks: readonly Uint8Array[];
  readonly #rest: BodyIterator | undefined;
  #given = 0;
  /** Who uses an iterator also calls its `return()`. */
  #used = false;

  constructor(chunks: readonly Uint8Array[], rest: BodyIterator | undefined) {
    this.#chunks = chunks;
    this.#rest = rest;
  }

  next(): IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>> {
    this.#used = true;
    const chunk = this.#chunks[this.#given];
    if (chunk !== undefined) {
      this.#given++;
      return { done: false, value: chunk };
    }
    return this.#rest === undefined ? { done: true, value: undefined } : this.#rest.next();
  }

  return(): IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>> {
    this.#used = true;
    this.#given = this.#chunks.length;
    return this.#rest?.return?.() ?? { done: true, value: undefined };
  }

  /** Closed before anybody asked for a chunk: a generator that was begun to learn the head must still run its `finally`. */
  abandon(failed: (error: unknown) => void): void {
    if (!this.#used && this.#rest !== undefined) leave(this.#rest, failed);
    this.#used = true;
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
