import { closeOnce } from "./body.ts";
import { assertBytes, isAsync, iteratorOf, leave, type BodyIterator } from "./chunks.ts";
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
  const release = (): void | Promise<void> => transform.close?.();
  // What is no body at all fails where it is iterated, and is closed all the same.
  if (transform.async !== true && !isAsync(body)) {
    return { [Symbol.iterator]: () => new SyncTransformed(iteratorOf(body), transform), close: closeOnce(body, release) };
  }
  let transformed: AsyncTransformed | undefined;
  return {
    [Symbol.asyncIterator]: () => (transformed = new AsyncTransformed(iteratorOf(body), transform)),
    close: closeOnce(body, () => (transformed === undefined ? release() : transformed.stop(release))),
  };
}

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };
const nothing = new Uint8Array(0);
/** As for...of does: when a step fails, what then fails in the source's `return()` is not heard of. */
const unheard = (): void => {};

class SyncTransformed implements Iterator<Uint8Array> {
  readonly #source: BodyIterator;
  readonly #transform: BodyTransform;
  #out: Iterator<Uint8Array> | undefined = undefined;
  /** Inside the source: when that fails, it has ended by itself. */
  #pulling = false;
  #ended = false;

  constructor(source: BodyIterator, transform: BodyTransform) {
    this.#source = source;
    this.#transform = transform;
  }

  next(): IteratorResult<Uint8Array> {
    try {
      for (;;) {
        const made = this.#out?.next();
        if (made !== undefined && made.done !== true) return made;
        if (this.#ended) return over;
        this.#pulling = true;
        const step = now(this.#source.next(), "the iterator of a synchronous body gave a promise");
        this.#pulling = false;
        this.#out = begin(this.#take(step));
      }
    } catch (error) {
      if (!this.#pulling && !this.#ended) leave(this.#source, unheard);
      this.#ended = true;
      this.#out = undefined;
      throw error;
    }
  }

  return(): IteratorResult<Uint8Array> {
    const left = this.#ended;
    this.#ended = true;
    this.#out?.return?.();
    this.#out = undefined;
    return left ? over : ((this.#source.return?.() ?? over) as IteratorResult<Uint8Array>);
  }

  #take(step: IteratorResult<Uint8Array>): Chunks {
    const advice = "a step of a BodyTransform returned a promise: say async: true";
    if (step.done === true) {
      this.#ended = true;
      return now(this.#transform.end?.(), advice);
    }
    assertBytes(step.value);
    if (step.value.byteLength === 0) return flushed(now(this.#transform.flush?.(), advice));
    return now(this.#transform.chunk(step.value), advice);
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
  /** Whose turn it is: the transform must not be released under its feet, and a source that failed has ended by itself. */
  #at: "source" | "transform" | "rest" = "rest";
  /** The source has ended. */
  #ended = false;
  /** Left by `return()` or `close()`. */
  #stopped = false;
  #rested: (() => void) | undefined = undefined;

  constructor(source: BodyIterator, transform: BodyTransform) {
    this.#source = source;
    this.#transform = transform;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      for (;;) {
        if (this.#stopped) return over;
        this.#at = "transform";
        const made = this.#out?.next();
        if (made !== undefined && made.done !== true) return made;
        if (this.#ended) return over;
        this.#at = "source";
        this.#asked ??= Promise.resolve(this.#source.next());
        const step = this.#holds && this.#transform.flush !== undefined ? await inThisTurn(this.#asked) : await this.#asked;
        if (this.#stopped) return over;
        this.#at = "transform";
        this.#out = begin(step === undefined ? await this.#flush() : await this.#take(step));
      }
    } catch (error) {
      if (this.#at === "transform" && !this.#ended && !this.#stopped) leave(this.#source, unheard);
      this.#ended = true;
      this.#out = undefined;
      throw error;
    } finally {
      this.#at = "rest";
      this.#rested?.();
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    const left = this.#ended || this.#stopped;
    this.#stopped = true;
    if (this.#at !== "transform") this.#out?.return?.();
    if (!left) await this.#source.return?.();
    return over;
  }

  /** Nothing more is wanted: releases, once the step that is running has settled. */
  stop(release: () => void | Promise<void>): void | Promise<void> {
    this.#stopped = true;
    if (this.#at !== "transform") return release();
    return new Promise<void>((resolve) => (this.#rested = resolve)).then(release);
  }

  #take(step: IteratorResult<Uint8Array>): Chunks | Promise<Chunks> {
    this.#asked = undefined;
    if (step.done === true) {
      this.#ended = true;
      return this.#transform.end?.();
    }
    assertBytes(step.value);
    if (step.value.byteLength === 0) return this.#flush();
    this.#holds = true;
    return this.#transform.chunk(step.value);
  }

  async #flush(): Promise<Chunks> {
    this.#holds = false;
    return flushed(await this.#transform.flush?.());
  }
}

/** What a synchronous source or step gave. */
function now<T>(value: T | PromiseLike<T>, problem: string): T {
  if (isThenable(value)) throw new TypeError(problem);
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
