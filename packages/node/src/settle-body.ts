import type { Environ } from "@gateway/core";
import { emptyInput, inputStream } from "@gateway/core/gateway";

/**
 * Where neither a length nor a transfer coding tells whether a request has a body, its first piece does: a layer that decodes bodies has dropped the
 * length, and HTTP/2 has no transfer codings. Parsers of bodies look for one of the two, so such a body gets the latter.
 *
 * @returns a promise only where the first piece has to be waited for.
 */
export function settleBody(environ: Environ): void | Promise<void> {
  const { CONTENT_LENGTH, HTTP_TRANSFER_ENCODING, REQUEST_METHOD } = environ;
  if (CONTENT_LENGTH !== undefined || HTTP_TRANSFER_ENCODING !== undefined || environ["wsgi.input"] === emptyInput) return;
  // Nobody sends these with a body whose length is not told.
  if (REQUEST_METHOD === "GET" || REQUEST_METHOD === "HEAD") return;
  return look(environ);
}

async function look(environ: Environ): Promise<void> {
  const input = environ["wsgi.input"][Symbol.asyncIterator]();
  let first: Uint8Array | undefined = await next(input);
  if (first === undefined) {
    environ["wsgi.input"] = emptyInput;
    return;
  }
  environ.HTTP_TRANSFER_ENCODING = "chunked";
  environ["wsgi.input"] = inputStream({
    pull() {
      const chunk = first;
      first = undefined;
      return chunk ?? next(input);
    },
  });
}

async function next(input: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const step = await input.next();
  return step.done === true ? undefined : step.value;
}
