import { isThenable, type ResponseBody } from "@gateway/core";
import type { TimedRequest } from "./timed-request.ts";

type BodyIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

/**
 * The same stream, of the same kind, until the time of its request is over: then a `next()` that is pending rejects, and else the one that
 * follows throws. Before the first chunk that becomes a 503, after it the response is broken off.
 */
export function timedBody(body: ResponseBody, request: TimedRequest): ResponseBody {
  const close = (): void | Promise<void> => {
    request.finish();
    return body?.close?.();
  };
  if (isAsync(body)) {
    return { [Symbol.asyncIterator]: () => new AsyncTimed(body[Symbol.asyncIterator](), request), close };
  }
  // What is no body at all fails where it is iterated.
  return { [Symbol.iterator]: () => new SyncTimed((body as Iterable<Uint8Array>)[Symbol.iterator](), request), close };
}

class SyncTimed implements Iterator<Uint8Array> {
  readonly #source: Iterator<Uint8Array>;
  readonly #request: TimedRequest;
  #ended = false;

  constructor(source: Iterator<Uint8Array>, request: TimedRequest) {
    this.#source = source;
    this.#request = request;
  }

  next(): IteratorResult<Uint8Array> {
    const { failure } = this.#request;
    if (failure !== undefined && !this.#ended) {
      this.#ended = true;
      leave(this.#source, this.#request);
      throw failure;
    }
    const step = this.#source.next();
    if (step.done === true) this.#request.finish();
    return step;
  }

  return(): IteratorResult<Uint8Array> {
    this.#ended = true;
    return this.#source.return?.() ?? { done: true, value: undefined };
  }
}

class AsyncTimed implements AsyncIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #request: TimedRequest;
  #ended = false;

  constructor(source: AsyncIterator<Uint8Array>, request: TimedRequest) {
    this.#source = source;
    this.#request = request;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const request = this.#request;
    if (request.failure !== undefined && !this.#ended) {
      this.#leave();
      return Promise.reject(request.failure);
    }
    return new Promise((resolve, reject) => {
      const step = this.#source.next();
      request.onExpire = (failure) => {
        this.#leave();
        reject(failure);
      };
      step.then(
        (step) => {
          request.onExpire = undefined;
          if (step.done === true) request.finish();
          resolve(step);
        },
        (error: unknown) => {
          request.onExpire = undefined;
          if (request.failure === undefined) reject(error);
          else request.report(error);
        },
      );
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#ended = true;
    this.#request.onExpire = undefined;
    return this.#source.return?.() ?? Promise.resolve({ done: true, value: undefined });
  }

  #leave(): void {
    this.#ended = true;
    leave(this.#source, this.#request);
  }
}

/** Whoever breaks off calls `return()`; nobody waits for it. */
function leave(source: BodyIterator, request: TimedRequest): void {
  try {
    const returned = source.return?.();
    if (isThenable(returned)) Promise.resolve(returned).then(undefined, (error: unknown) => request.report(error));
  } catch (error) {
    request.report(error);
  }
}

function isAsync(body: ResponseBody): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
