import { encodePath, HTTPError, rawPath, type Environ } from "@gateway/core";
import { LightRequest } from "./light-request.ts";
import { isLight } from "./light-switch.ts";
import { realRequest } from "./real-request.ts";

/** What to do with the prefix that led to the application. */
export type ScriptNameUse = "remove" | "keep";

/**
 * The `Request` of an environ.
 *
 * @throws {HTTPError} for what a `Request` cannot express: 501 for a method it forbids, 400 for a host that is none.
 */
export function requestOf(environ: Environ, use: ScriptNameUse): Request {
  const url = urlOf(environ, use);
  checkMethod(environ);
  if (!isLight) return realRequest(environ, url, undefined);
  // By its prototype it is one.
  return new LightRequest(environ, isNormal(environ, url) ? url : parsed(url)) as unknown as Request;
}

/** @throws {HTTPError} 501 */
function checkMethod({ REQUEST_METHOD: method }: Environ): void {
  // "get" would become "GET", and layers have decided by what it was.
  if (
    /^(?:connect|trace|track)$/i.test(method) ||
    (method !== method.toUpperCase() && /^(?:delete|get|head|options|post|put)$/i.test(method))
  )
    throw new HTTPError(501, "the method is none that can be handled here");
}

/** Does the parser of URLs leave it as it is? Path and query in plain characters, no dot segments; a host in lower case, with a port that is not the scheme's own. */
function isNormal(environ: Environ, url: string): boolean {
  const { HTTP_HOST } = environ;
  if (HTTP_HOST === undefined || !/^[a-z0-9.-]+(?::(?:[1-9][0-9]{3}|[1-5][0-9]{4}))?$/.test(HTTP_HOST)) return false;
  if (HTTP_HOST.includes("xn--")) return false;
  // A name that ends in a number is an address, and written in another way perhaps.
  if (!/(?:^|\.)[a-z][a-z0-9-]*(?::|$)/.test(HTTP_HOST) && !/^127\.0\.0\.1(?::|$)/.test(HTTP_HOST)) return false;
  const rest = url.slice(environ["wsgi.url_scheme"].length + 3 + HTTP_HOST.length);
  return /^\/[!$&(-;=?-[\]_a-z~%]*$/.test(rest) && !/\/(?:\.|%2e)/i.test(rest);
}

/** @throws {HTTPError} 400 */
function parsed(url: string): string {
  try {
    return new URL(url).href;
  } catch (cause) {
    throw new HTTPError(400, "the request has no URL that can be parsed", { cause });
  }
}

/** Scheme, host, path as it was sent where that is known, and query. */
function urlOf(environ: Environ, use: ScriptNameUse): string {
  const { SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI } = environ;
  const path = PATH_INFO === "*" ? "/" : pathOf(environ, use === "keep" ? SCRIPT_NAME + PATH_INFO : PATH_INFO, use);
  // A mark with nothing behind it is part of the URL.
  const query = QUERY_STRING !== "" || REQUEST_URI?.endsWith("?") === true ? `?${QUERY_STRING}` : "";
  return `${environ["wsgi.url_scheme"]}://${authorityOf(environ)}${path.startsWith("/") ? path : `/${path}`}${query}`;
}

function pathOf(environ: Environ, decoded: string, use: ScriptNameUse): string {
  const raw = rawPath(environ);
  if (raw === undefined) return encodePath(decoded);
  if (use === "keep" || environ.SCRIPT_NAME === "") return raw;
  const prefix = encodePath(environ.SCRIPT_NAME);
  // Where the client has spelled the prefix in another way, the rest of the path begins nobody knows where.
  return raw.startsWith(prefix) ? raw.slice(prefix.length) : encodePath(decoded);
}

function authorityOf({ HTTP_HOST, SERVER_NAME, SERVER_PORT }: Environ): string {
  if (HTTP_HOST !== undefined && HTTP_HOST !== "") return HTTP_HOST;
  return `${SERVER_NAME.includes(":") && !SERVER_NAME.startsWith("[") ? `[${SERVER_NAME}]` : SERVER_NAME}:${SERVER_PORT}`;
}
