import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { encodePath, isHopByHop, rawPath, type Environ } from "@gateway/core";
import { namedByConnection } from "@gateway/core/gateway";
import type { ExchangeSocket } from "./exchange-socket.ts";
import { headerSpelling } from "./header-key.ts";

const environKey: unique symbol = Symbol.for("@gateway/node.environ");

/** The environ of a request that came through `fromNode()`, with all that the layers outside have put there; `undefined` for any other. */
export function environOf(request: IncomingMessage): Environ | undefined {
  return (request as { [environKey]?: Environ })[environKey];
}

/**
 * The request of an environ, as `node:http` would have made it.
 *
 * @param failed is called when its body cannot be read on, before the request is destroyed.
 */
export function incomingRequest(environ: Environ, socket: ExchangeSocket, failed: (error: unknown) => void): IncomingMessage {
  // Of a socket, a request uses what every Duplex has.
  const request = new IncomingMessage(socket as unknown as Socket);
  const { url, originalUrl, baseUrl } = urlsOf(environ);
  const [major = 1, minor = 1] = (environ.SERVER_PROTOCOL.match(/\d+/g) ?? []).map(Number);
  request.method = environ.REQUEST_METHOD;
  request.url = url;
  request.httpVersionMajor = major;
  request.httpVersionMinor = major > 1 ? 0 : minor;
  request.httpVersion = `${major}.${request.httpVersionMinor}`;
  setHeaders(request, environ);
  Object.assign(request, baseUrl === "" ? undefined : { originalUrl, baseUrl }, { [environKey]: environ });
  if (hasBody(environ)) {
    // Not by a class of its own: Express gives requests another prototype.
    request._read = readFrom(environ, request, failed);
  } else {
    request.complete = true;
    request.push(null);
  }
  return request;
}

interface Urls {
  readonly url: string;
  readonly originalUrl: string;
  readonly baseUrl: string;
}

/** As Express has them where it has mounted something: without its prefix, whole, and the prefix. */
function urlsOf(environ: Environ): Urls {
  const { REQUEST_URI, SCRIPT_NAME, PATH_INFO, QUERY_STRING } = environ;
  const raw = rawPath(environ);
  const query = QUERY_STRING === "" ? "" : `?${QUERY_STRING}`;
  if (SCRIPT_NAME === "") {
    // The very target, where nobody has changed it.
    const isTarget = REQUEST_URI !== undefined && raw !== undefined && queryOf(REQUEST_URI) === QUERY_STRING;
    const url = isTarget ? REQUEST_URI : (raw ?? (PATH_INFO === "*" ? "*" : encodePath(PATH_INFO))) + query;
    return { url, originalUrl: url, baseUrl: "" };
  }
  const baseUrl = encodePath(SCRIPT_NAME);
  // Where the client has spelled the prefix in another way, the rest of the path begins nobody knows where.
  const path = raw?.startsWith(baseUrl) === true ? raw.slice(baseUrl.length) : encodePath(PATH_INFO);
  return { url: `${path.startsWith("/") ? path : `/${path}`}${query}`, originalUrl: baseUrl + path + query, baseUrl };
}

function queryOf(target: string): string {
  const mark = target.indexOf("?");
  return mark === -1 ? "" : target.slice(mark + 1);
}

function setHeaders(request: IncomingMessage, environ: Environ): void {
  const raw: string[] = [];
  const headers: Record<string, string> = {};
  const distinct: Record<string, string[]> = {};
  const connection = environ["HTTP_CONNECTION"];
  const named = connection === undefined ? undefined : namedByConnection(connection);
  for (const key in environ) {
    const spelling = headerSpelling(key);
    if (spelling === "") continue;
    const value = environ[key as `HTTP_${string}`];
    const name = spelling.toLowerCase();
    // Parsers of bodies look at Transfer-Encoding to see that there is one. The others belong to the connection to the server.
    if (value === undefined || (isHopByHop(name) && name !== "transfer-encoding") || named?.includes(name) === true) continue;
    raw.push(spelling, value);
    headers[name] = value;
    distinct[name] = [value];
  }
  request.rawHeaders = raw;
  request.headers = headers;
  request.headersDistinct = distinct;
}

/** One of these tells of each body, see `settleBody`. */
function hasBody({ CONTENT_LENGTH, HTTP_TRANSFER_ENCODING }: Environ): boolean {
  return CONTENT_LENGTH === undefined ? HTTP_TRANSFER_ENCODING !== undefined : CONTENT_LENGTH !== "0";
}

/** Reads a chunk when the handler wants one. */
function readFrom(environ: Environ, request: IncomingMessage, failed: (error: unknown) => void): (size: number) => void {
  const read = request._read.bind(request);
  let input: AsyncIterator<Uint8Array> | undefined;
  let isReading = false;
  return (size) => {
    // The original notes that somebody reads; without that, no more is asked for after the first chunk.
    read(size);
    if (isReading) return;
    isReading = true;
    input ??= environ["wsgi.input"][Symbol.asyncIterator]();
    input.next().then(
      (step) => {
        isReading = false;
        if (step.done === true) request.complete = true;
        request.push(step.done === true ? null : step.value);
      },
      (error: unknown) => {
        failed(error);
        request.destroy(error instanceof Error ? error : new Error("the request body failed", { cause: error }));
      },
    );
  };
}
