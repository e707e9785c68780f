import { HTTPError, isHTTPError, isThenable, type HeaderList, type ResponseBody } from "@gateway/core";

/**
 * The error as one that is answered with more headers. Of an `HTTPError` a copy, since one object may be thrown for many requests; what is no
 * `HTTPError` becomes the 500 that it would have become anyway, with the error itself as the cause that is reported.
 */
export function withHeaders(error: unknown, headers: HeaderList): HTTPError {
  if (!isHTTPError(error)) return new HTTPError(500, undefined, { headers, cause: error });
  const copy = new HTTPError(Number(error.status.slice(0, 3)), error.message, {
    headers: [...error.headers, ...headers],
    cause: error.cause,
  });
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}

/**
 * The same stream, but that what its `next()` throws is changed: for an application that has not called `startResponse` when it returns its body. An
 * array is handed on as it is.
 */
export function mapErrors(body: ResponseBody, map: (error: unknown) => unknown): ResponseBody {
  if (Array.isArray(body)) return body;
  const fail = (error: unknown): never => {
    throw map(error);
  };
  const close = body.close === undefined ? {} : { close: () => body.close?.() };
  if (Symbol.asyncIterator in body) {
    return { [Symbol.asyncIterator]: () => guarded(body[Symbol.asyncIterator](), fail), ...close };
  }
  return { [Symbol.iterator]: () => guarded(body[Symbol.iterator](), fail), ...close };
}

function guarded<I extends Iterator<Uint8Array> | AsyncIterator<Uint8Array>>(iterator: I, fail: (error: unknown) => never): I {
  const next = (): unknown => {
    try {
      const step = iterator.next();
      return isThenable(step) ? step.then(undefined, fail) : step;
    } catch (error) {
      return fail(error);
    }
  };
  return (iterator.return === undefined ? { next } : { next, return: () => iterator.return?.() }) as I;
}
