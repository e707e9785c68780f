import { closeOnce } from "./body.ts";
import { iteratorOf, type BodyIterator } from "./chunks.ts";
import type { ResponseBody } from "./contract.ts";
import { isThenable } from "./thenable.ts";

/** Chunks that come out of a step of a {@link BodyTransform}; nothing (`undefined`) when it keeps what it got. */
export type Chunks = Iterable<Uint8Array> | undefined;

/** What a layer does with the bytes of a body: compress, count, rewrite. The steps are called one at a time. */
export interface BodyTransform {
  /** Takes a chunk, never an empty one. */
  chunk(chunk: Uint8Array): Chunks | Promise<Chunks>;
  /** The source pauses, or asks for it with an empty chunk: gives what is held back. */
  flush?(): Chunks | Promise<Chunks>;
  /** The source has ended: gives what is left. */
  end?(): Chunks | Promise<Chunks>;
  /** Releases what the transform holds; called once, never while a step is running, after the body's own `close()`. */
  close?(): void | Promise<void>;
  /** The steps may return promises (default false): the body then is an async iterable even if the source is not. */
  async?: boolean;
}

/**
 * A body with its bytes transformed as they pass. Pulls a chunk when one is asked for and never ahead. Synchronous for a
 * synchronous source (unless the transform is `async`). When an asynchronous source has not given its next chunk by the end
 * of a turn of the event loop, the transform is flushed, so that what was sent is seen: server-sent events work. The layer must drop or
 * correct `Content-Length` itself.
 */
export function transformBody(body: ResponseBody, transform: BodyTransform): ResponseBody {
  const source = iteratorOf(body);
  if (transform.async === true || Symbol.asyncIterator in body) {
    const transformed = new AsyncTransformed(body, source, transform);
    return { [Symbol.asyncIterator]: () => transformed, close: () => transformed.close() };
  }
  const transformed = new SyncTransformed(source, transform);
  return { [Symbol.iterator]: () => transformed, close: closeOnce(body, () => transform.close?.()) };
}

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };
const nothing = new Uint8Array(0);

class SyncTransformed implements Iterator<Uint8Array> {
  readonly #source: BodyIterator;
  readonly #transform: BodyTransform;
  #out: Iterator<Uint8Array> | undefined = undefined;
  #ended = false;

  constructor(source: BodyIterator, transform: BodyTransform) {
    this.#source = source;
    this.#transform = transform;
  }

  next(): IteratorResult<Uint8Array> {
    for (;;) {
      const made = this.#out?.next();
      if (made !== undefined && made.done !== true) return made;
      if (this.#ended) return over;
      const step = now(this.#source.next());
      if (step.done === true) {
        this.#ended = true;
        this.#out = begin(now(this.#transform.end?.()));
      } else if (step.value.byteLength === 0) {
        this.#out = begin(flushed(now(this.#transform.flush?.())));
      } else {
        this.#out = begin(now(this.#transform.chunk(step.value)));
      }
    }
  }

  return(): IteratorResult<Uint8Array> {
    this.#ended = true;
    this.#out = undefined;
    void this.#source.return?.();
    return over;
  }
}

class AsyncTransformed implements AsyncIterator<Uint8Array> {
  readonly #source: BodyIterator;
  readonly #transform: BodyTransform;
  /** What the source was asked for and has not given yet. */
  #asked: Promise<IteratorResult<Uint8Array>> | undefined = undefined;
  #out: Iterator<Uint8Array> | undefined = undefined;
  /** Bytes went in since the last flush. */
  #holds = false;
  #ended = false;
  /** A step of the transform that is running: it must not be released under its feet. */
  #step: Promise<Chunks> | undefined = undefined;
  readonly close: () => void | Promise<void>;

  constructor(body: ResponseBody, source: BodyIterator, transform: BodyTransform) {
    this.#source = source;
    this.#transform = transform;
    this.close = closeOnce(body, () => this.#release());
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const made = this.#out?.next();
      if (made !== undefined && made.done !== true) return made;
      if (this.#ended) return over;
      this.#asked ??= Promise.resolve(this.#source.next());
      const step = this.#holds && this.#transform.flush !== undefined ? await inThisTurn(this.#asked) : await this.#asked;
      if (this.#ended) return over;
      if (step === undefined) await this.#flush();
      else await this.#take(step);
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#ended = true;
    this.#out = undefined;
    await this.#source.return?.();
    return over;
  }

  async #take(step: IteratorResult<Uint8Array>): Promise<void> {
    this.#asked = undefined;
    if (step.done === true) {
      this.#ended = true;
      this.#out = begin(await this.#run(this.#transform.end?.()));
    } else if (step.value.byteLength === 0) {
      await this.#flush();
    } else {
      this.#holds = true;
      this.#out = begin(await this.#run(this.#transform.chunk(step.value)));
    }
  }

  async #flush(): Promise<void> {
    this.#holds = false;
    this.#out = begin(flushed(await this.#run(this.#transform.flush?.())));
  }

  #run(step: Chunks | Promise<Chunks>): Chunks | Promise<Chunks> {
    if (!isThenable(step)) return step;
    this.#step = step;
    return step;
  }

  #release(): void | Promise<void> {
    this.#ended = true;
    const close = (): void | Promise<void> => this.#transform.close?.();
    return this.#step === undefined ? close() : this.#step.then(close, close);
  }
}

/** What a synchronous source or step gave. */
function now<T>(value: T | PromiseLike<T>): T {
  if (isThenable(value)) throw new TypeError("a step of a BodyTransform returned a promise: say async: true");
  return value;
}

function begin(chunks: Chunks): Iterator<Uint8Array> | undefined {
  return chunks?.[Symbol.iterator]();
}

/** An empty chunk behind what was flushed asks the layers further out to let go as well. */
function* flushed(chunks: Chunks): Generator<Uint8Array> {
  if (chunks !== undefined) yield* chunks;
  yield nothing;
}

let turn: Promise<undefined> | undefined;

/** What the promise gives, or `undefined` when it has not by the end of this turn of the loop. One check a turn serves all bodies. */
function inThisTurn<T>(promise: Promise<T>): Promise<T | undefined> {
  turn ??= new Promise((resolve) => {
    afterThisTurn(() => {
      turn = undefined;
      resolve(undefined);
    });
  });
  return Promise.race([promise, turn]);
}

function afterThisTurn(callback: () => void): void {
  if (typeof setImmediate === "function") setImmediate(callback);
  else setTimeout(callback, 0);
}
