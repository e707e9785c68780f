import { HTTPError, isHopByHop, type Environ } from "@gateway/core";
import { emptyInput, namedByConnection } from "@gateway/core/gateway";
import { headerName } from "./header-key.ts";

/** Handlers may be given others, see `useLightObjects`. */
const NativeRequest: typeof Request = Request;

/** A body that is a stream is sent while the answer comes (Fetch standard, "duplex"). */
interface StreamedInit extends RequestInit {
  duplex?: "half";
}

/**
 * The one that the platform knows.
 *
 * @param headers those that somebody has been given already.
 */
export function realRequest(environ: Environ, url: string, headers: Headers | undefined): Request {
  const init: StreamedInit = { method: environ.REQUEST_METHOD, signal: environ["gateway.exchange"].signal };
  if (headers !== undefined) init.headers = headers;
  if (hasBody(environ)) {
    init.body = bodyOf(environ);
    init.duplex = "half";
  }
  let request: Request;
  try {
    request = new NativeRequest(url, init);
  } catch (cause) {
    throw new HTTPError(400, "the request has no URL that can be parsed", { cause });
  }
  if (headers === undefined) setHeaders(request.headers, environ);
  return request;
}

/** The headers of a request without the rest of it. */
export function headersOf(environ: Environ): Headers {
  const headers = new Headers();
  setHeaders(headers, environ);
  return headers;
}

/** In place: a `Request` that is given headers checks and copies them once more. */
function setHeaders(headers: Headers, environ: Environ): void {
  const connection = environ["HTTP_CONNECTION"];
  const named = connection === undefined ? undefined : namedByConnection(connection);
  for (const key in environ) {
    const name = headerName(key);
    if (name === "") continue;
    const value = environ[key as `HTTP_${string}`];
    // What belongs to the connection to the server is nothing to a handler, which may send the request on.
    if (value === undefined || isHopByHop(name) || named?.includes(name) === true) continue;
    headers.append(name, value);
  }
}

/**
 * GET and HEAD have none in a `Request`. Of another, a length or a transfer coding tells; where there is neither, a layer may have decoded the body,
 * and HTTP/2 has no transfer codings: then it has one, perhaps of no bytes.
 */
function hasBody(environ: Environ): boolean {
  const { REQUEST_METHOD, CONTENT_LENGTH, HTTP_TRANSFER_ENCODING } = environ;
  if (REQUEST_METHOD === "GET" || REQUEST_METHOD === "HEAD") return false;
  if (CONTENT_LENGTH !== undefined) return CONTENT_LENGTH !== "0";
  return HTTP_TRANSFER_ENCODING !== undefined || environ["wsgi.input"] !== emptyInput;
}

/** Reads as it is read, and no further. */
function bodyOf(environ: Environ): ReadableStream<Uint8Array> {
  const input = environ["wsgi.input"][Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await input.next();
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
    },
    { highWaterMark: 0 },
  );
}
