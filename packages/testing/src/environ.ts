import { decodePath, FileWrapper, HTTPError, type Environ, type HeaderList } from "@gateway/core";
import { detachedExchange, emptyInput, inputStream, type ChunkSource } from "@gateway/core/gateway";
import { errorsTo } from "./errors-to.ts";

/** What {@link buildEnviron} makes an environ of: a request as it stands on the wire. */
export interface EnvironRequest {
  /** The method, case kept (default `"GET"`). */
  method?: string | undefined;
  /** The request target as it is sent: `"/a%20b?c"`, `"http://host/path"` or `"*"` (default `"/"`). Latin-1. */
  target?: string | undefined;
  /** The request headers, in order, repeated ones too; values in latin-1 (default: none). */
  headers?: Readonly<HeaderList> | undefined;
  /** `"http"` or `"https"` (default `"http"`). */
  scheme?: string | undefined;
  /** The part of the path that leads to the application, decoded, such as `"/shop"` (default `""`). */
  scriptName?: string | undefined;
  /** Where the body comes from (default: there is none). */
  source?: ChunkSource | undefined;
  /** Gets what is written to `wsgi.errors` (default: it is dropped). */
  errors?: ((text: string) => void) | undefined;
  /** Keys that are set last, over everything else. */
  overrides?: Partial<Environ> | undefined;
}

/**
 * Makes the environ that a strict HTTP server makes of a request: the path decoded once as UTF-8, `REQUEST_URI` as it was sent,
 * repeated headers joined with `", "` (`Cookie` with `"; "`), headers with an underscore in their name and `Proxy` dropped
 * (httpoxy), `Content-Type` and `Content-Length` under their own keys. `HTTP_HOST` is `localhost` unless the headers or an absolute
 * target say else. The server is `localhost`, its port that of the scheme, the peer 127.0.0.1.
 *
 * For tests of layers. It does not check the request as a server does, and `gateway.exchange` is one that never ends, until `run` or
 * the client puts a real one there.
 *
 * @throws {HTTPError} with 400 where a gateway answers so: a path that does not decode, or holds a NUL.
 * @throws {RangeError} if the path does not begin with `scriptName`.
 */
export function buildEnviron(request: EnvironRequest = {}): Environ {
  const { method = "GET", target = "/", headers = [], scriptName = "", source, errors = () => {}, overrides } = request;
  const { authority, path, query } = splitTarget(target);
  const scheme = overrides?.["wsgi.url_scheme"] ?? request.scheme ?? "http";
  const decoded = decodePath(path);
  if (decoded === undefined) throw new HTTPError(400, "The path of the request cannot be decoded.");
  const environ: Environ = {
    REQUEST_METHOD: method,
    SCRIPT_NAME: scriptName,
    PATH_INFO: below(scriptName, decoded),
    QUERY_STRING: query,
    SERVER_NAME: "localhost",
    SERVER_PORT: scheme === "https" ? "443" : "80",
    SERVER_PROTOCOL: "HTTP/1.1",
    REQUEST_URI: target,
    REMOTE_ADDR: "127.0.0.1",
    REMOTE_PORT: "50000",
    HTTP_HOST: "localhost",
    "wsgi.version": [1, 0],
    "wsgi.url_scheme": scheme,
    "wsgi.input": source === undefined ? emptyInput : inputStream(source),
    "wsgi.errors": errorsTo(errors),
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": (file, blockSize) => new FileWrapper(file, blockSize),
    "gateway.exchange": detachedExchange,
  };
  if (scheme === "https") environ.HTTPS = "on";
  addHeaders(environ, headers);
  // An absolute target overrules the Host header (RFC 9112, section 3.2.2).
  if (authority !== "") environ.HTTP_HOST = authority;
  return Object.assign(environ, overrides);
}

/** Adds request headers to an environ, joined and dropped as DESIGN says. */
function addHeaders(environ: Environ, headers: Readonly<HeaderList>): void {
  const seen = new Set<string>();
  for (const [name, given] of headers) {
    const upper = name.toUpperCase();
    if (upper.includes("_") || upper === "PROXY") continue;
    const value = given.replaceAll(/^[ \t]+|[ \t]+$/g, "");
    if (upper === "CONTENT-TYPE") environ.CONTENT_TYPE = value;
    else if (upper === "CONTENT-LENGTH") environ.CONTENT_LENGTH = value;
    else {
      const key = `HTTP_${upper.replaceAll("-", "_")}` as const;
      environ[key] = seen.has(key) ? `${environ[key]}${upper === "COOKIE" ? "; " : ", "}${value}` : value;
      seen.add(key);
    }
  }
}

/** The parts of a request target (RFC 9112, section 3.2): authority (of an absolute one), raw path, raw query. */
function splitTarget(target: string): { authority: string; path: string; query: string } {
  const question = target.indexOf("?");
  const hierarchy = question === -1 ? target : target.slice(0, question);
  const query = question === -1 ? "" : target.slice(question + 1);
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/]*)(.*)$/.exec(hierarchy);
  if (absolute === null) return { authority: "", path: hierarchy, query };
  const [, authority = "", path = ""] = absolute;
  return { authority, path: path === "" ? "/" : path, query };
}

function below(scriptName: string, path: string): string {
  if (scriptName === "") return path;
  if (path === scriptName || path.startsWith(`${scriptName}/`)) return path.slice(scriptName.length);
  throw new RangeError(`the application is mounted at ${scriptName}: ask for a path below it, not for ${JSON.stringify(path)}`);
}
