import { isAsync, iteratorOf } from "./chunks.ts";
import type { ResponseBody } from "./contract.ts";
import { isThenable } from "./thenable.ts";

/**
 * The same body, with something to do when it is closed: for layers that hold a resource while the body is sent. `release` is called
 * once, after the body's own `close()`, and also when that failed. An array stays an array, a stream the kind of stream it is. If
 * the application throws or rejects there is no body to close: `onEnd` of the exchange is called in any case.
 */
export function onClose(body: ResponseBody, release: () => void | Promise<void>): ResponseBody {
  const close = closeOnce(body, release);
  // A copy: the application's array may be a constant that serves every request.
  if (Array.isArray(body)) return Object.assign([...(body as readonly Uint8Array[])], { close });
  if (isAsync(body)) return { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](), close };
  // What is no body at all fails where it is iterated, and is closed all the same.
  return { [Symbol.iterator]: () => iteratorOf(body) as Iterator<Uint8Array>, close };
}

/** A `close` for a body: the body's own and then `release`, each once, whatever the other does. */
export function closeOnce(body: ResponseBody, release: () => void | Promise<void>): () => void | Promise<void> {
  let closed = false;
  return () => {
    if (closed) return;
    closed = true;
    let closing: void | Promise<void>;
    try {
      closing = body?.close?.();
    } catch (error) {
      return afterwards(release, error);
    }
    if (!isThenable(closing)) return release();
    return Promise.resolve(closing).then(release, (error: unknown) => afterwards(release, error));
  };
}

/** Releases, and then throws what closing threw: that came first. */
function afterwards(release: () => void | Promise<void>, error: unknown): Promise<void> {
  const rethrow = (): never => {
    throw error;
  };
  let released: void | Promise<void>;
  try {
    released = release();
  } catch {
    return rethrow();
  }
  return isThenable(released) ? Promise.resolve(released).then(rethrow, rethrow) : rethrow();
}

/** Closes a body that nobody will send. Nothing waits for it. */
export function discard(body: ResponseBody, failed: (error: unknown) => void): void {
  try {
    const closing = body?.close?.();
    if (isThenable(closing)) Promise.resolve(closing).then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}
