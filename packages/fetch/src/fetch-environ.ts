import { decodePath, FileWrapper, HTTPError, type Environ, type ErrorStream, type InputStream } from "@gateway/core";
import { detachedExchange } from "@gateway/core/gateway";
import { headerKey } from "./header-key.ts";
import { peerOf } from "./host.ts";

/** What is the same for every request of a handler. */
export interface EnvironFacts {
  /** Still in the URL: moved to SCRIPT_NAME. */
  readonly mount: string;
  /** No longer in the URL: put before SCRIPT_NAME. */
  readonly scriptName: string;
  /** `scriptName` as it is in a URL. */
  readonly rawScriptName: string;
  readonly errors: ErrorStream;
}

const version: readonly [1, 0] = Object.freeze([1, 0] as const);
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/** All that is no visible ASCII: a target has none of it, and the parser of URLs leaves none. */
const notTarget = /[^!-~]/;
/** Control characters, and what is no latin-1. `Headers` refuses only CR, LF and NUL. */
const notField = /[^\t -~\u{80}-\u{FF}]/u;
/** The last that was one, for most requests ask for the same. */
let knownHost = "";
const hostAndPort = /^(?:\[[0-9A-Za-z:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?$/;

/**
 * The environ of a `Request`. What a `Request` does not tell is filled in: `SERVER_PROTOCOL` is `HTTP/1.1`, and the server is the host
 * and port of the URL.
 *
 * @throws {HTTPError} for a request that is not handed to the application.
 */
export function fetchEnviron(request: Request, host: readonly unknown[], input: InputStream, facts: EnvironFacts): Environ {
  const { url } = request;
  const { scheme, authority, path, query, target } = split(url);
  const decoded = notTarget.test(query) ? undefined : decodePath(path);
  if (decoded === undefined)
    throw new HTTPError(400, "the path has a NUL, or a % without two hexadecimal digits (RFC 3986 section 2.1)");
  const { mount } = facts;
  if (mount !== "" && decoded !== mount && !(decoded.startsWith(mount) && decoded[mount.length] === "/"))
    throw new HTTPError(404, "the application is not mounted here");
  const colon = authority.lastIndexOf(":");
  const hasPort = colon !== -1 && !authority.endsWith("]");
  const name = hasPort ? authority.slice(0, colon) : authority;
  const port = hasPort ? authority.slice(colon + 1) : "";
  const peer = host.length === 0 ? undefined : peerOf(request, host);
  const environ: Environ = {
    REQUEST_METHOD: request.method,
    SCRIPT_NAME: facts.scriptName + mount,
    PATH_INFO: decoded.slice(mount.length),
    QUERY_STRING: query,
    CONTENT_TYPE: undefined,
    CONTENT_LENGTH: undefined,
    // An address of IPv6 is in brackets in a URL only.
    SERVER_NAME: (name.startsWith("[") ? name.slice(1, -1) : name) || "localhost",
    SERVER_PORT: port === "" ? (scheme === "https" ? "443" : "80") : port,
    SERVER_PROTOCOL: "HTTP/1.1",
    REQUEST_URI: facts.rawScriptName + target,
    REMOTE_ADDR: peer?.address,
    REMOTE_PORT: peer?.port,
    HTTP_HOST: authority === "" ? undefined : authority,
    "wsgi.version": version,
    "wsgi.url_scheme": scheme,
    "wsgi.input": input,
    "wsgi.errors": facts.errors,
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": fileWrapper,
    "gateway.exchange": detachedExchange,
  };
  if (scheme === "https") environ.HTTPS = "on";
  request.headers.forEach((value, header) => {
    const key = headerKey(header);
    if (key === "") return;
    if (notField.test(value)) throw new HTTPError(400, "a header has a control character (RFC 9110 section 5.5)");
    environ[key] = value;
  });
  check(environ);
  return environ;
}

/** @throws {HTTPError} for headers that mean something to a gateway and make no sense. */
function check({ HTTP_HOST, CONTENT_LENGTH }: Environ): void {
  if (HTTP_HOST !== undefined && HTTP_HOST !== knownHost) {
    if (!hostAndPort.test(HTTP_HOST)) throw new HTTPError(400, "the Host header is not a host and port (RFC 9110 section 7.2)");
    knownHost = HTTP_HOST;
  }
  if (CONTENT_LENGTH !== undefined && (!/^[0-9]+$/.test(CONTENT_LENGTH) || !Number.isSafeInteger(Number(CONTENT_LENGTH))))
    throw new HTTPError(400, "the Content-Length is not a number of bytes (RFC 9110 section 8.6)");
}

interface SplitUrl {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  /** Path and query. */
  readonly target: string;
}

/** The parts of a URL that has been parsed and written again, as that of a `Request` has: `URL` would parse it once more. */
function split(url: string): SplitUrl {
  const colon = url.indexOf("://");
  const scheme = url.slice(0, colon);
  // Others (a data: URL, say) are for clients.
  if (scheme !== "http" && scheme !== "https") throw new HTTPError(400, "the URL of the Request is neither http nor https");
  const fragment = url.indexOf("#");
  const end = fragment === -1 ? url.length : fragment;
  const mark = url.indexOf("?");
  const pathEnd = mark === -1 || mark > end ? end : mark;
  const slash = url.indexOf("/", colon + 3);
  const pathStart = slash === -1 || slash > pathEnd ? pathEnd : slash;
  const root = pathStart === pathEnd ? "/" : "";
  return {
    scheme,
    authority: url.slice(colon + 3, pathStart),
    path: root + url.slice(pathStart, pathEnd),
    query: pathEnd === end ? "" : url.slice(pathEnd + 1, end),
    target: root + url.slice(pathStart, end),
  };
}
