import { HTTPError, isHopByHop, type Environ } from "@gateway/core";
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
  const named = connection === undefined ? undefined : tokens(connection);
  for (const key in environ) {
    const name = headerName(key);
    if (name === "") continue;
    const value = environ[key as `HTTP_${string}`];
    // What belongs to the connection to the server is nothing to a handler, which may send the request on.
    if (value === undefined || isHopByHop(name) || named?.includes(name) === true) continue;
    headers.append(name, value);
  }
}

/** The headers that `Connection` names are hop-by-hop as well (RFC 9110, section 7.6.1). */
function tokens(connection: string): string[] {
  return connection
    .toLowerCase()
    .split(",")
    .map((token) => token.trim());
}

/** GET and HEAD have none in a `Request`; a server of HTTP/1 knows of each body by one of these headers. */
function hasBody({ REQUEST_METHOD, CONTENT_LENGTH, SERVER_PROTOCOL, HTTP_TRANSFER_ENCODING }: Environ): boolean {
  if (REQUEST_METHOD === "GET" || REQUEST_METHOD === "HEAD" || CONTENT_LENGTH === "0") return false;
  return CONTENT_LENGTH !== undefined || HTTP_TRANSFER_ENCODING !== undefined || !SERVER_PROTOCOL.startsWith("HTTP/1.");
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
