import type { IncomingMessage } from "node:http";
import { decodePath, FileWrapper, HTTPError, type Environ, type ErrorStream, type InputStream } from "@gateway/core";
import { detachedExchange } from "@gateway/core/gateway";
import { headerKey } from "./header-key.ts";
import { mountedPath } from "./mounted-path.ts";
import { isHost, parseTarget } from "./target.ts";

/** What is the same for every request of a handler. */
export interface EnvironFacts {
  /** Still in the URL: moved to SCRIPT_NAME. */
  readonly mount: string;
  /** No longer in the URL, and nowhere to be seen: put before SCRIPT_NAME. */
  readonly scriptName: string;
  readonly errors: ErrorStream;
}

const version: readonly [1, 0] = Object.freeze([1, 0] as const);
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/** Hosts of middleware keep here what they cut off. */
interface Mounted {
  readonly originalUrl?: unknown;
  readonly baseUrl?: unknown;
}

/**
 * The environ of a request of `node:http`: made of the raw headers, because the others are merged in ways of their own.
 *
 * @throws {HTTPError} for a request that is not handed to the application.
 */
export function nodeEnviron(request: IncomingMessage, input: InputStream, facts: EnvironFacts): Environ {
  const { socket, method = "GET", url = "/" } = request;
  const { originalUrl, baseUrl } = request as Mounted;
  const whole = typeof originalUrl === "string" ? originalUrl : url;
  const original = parseTarget(method, whole);
  const target = whole === url ? original : parseTarget(method, url);
  if (target === undefined || original === undefined)
    throw new HTTPError(400, "the request target is neither a path nor an http URI (RFC 9112 section 3.2)");
  const { scriptName, pathInfo } = paths(target.path, original.path, typeof baseUrl === "string" ? baseUrl : undefined, facts);
  const isTls = "encrypted" in socket && socket.encrypted === true;
  const environ: Environ = {
    REQUEST_METHOD: method,
    SCRIPT_NAME: scriptName,
    PATH_INFO: pathInfo,
    QUERY_STRING: target.query,
    CONTENT_TYPE: undefined,
    CONTENT_LENGTH: undefined,
    SERVER_NAME: withoutMapping(socket.localAddress ?? "") || "localhost",
    SERVER_PORT: `${socket.localPort ?? 80}`,
    SERVER_PROTOCOL: protocolOf(request),
    REQUEST_URI: whole,
    REMOTE_ADDR: withoutMapping(socket.remoteAddress ?? ""),
    REMOTE_PORT: socket.remotePort === undefined ? undefined : `${socket.remotePort}`,
    HTTP_HOST: undefined,
    "wsgi.version": version,
    "wsgi.url_scheme": isTls ? "https" : "http",
    "wsgi.input": input,
    "wsgi.errors": facts.errors,
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": fileWrapper,
    "gateway.exchange": detachedExchange,
  };
  if (isTls) environ.HTTPS = "on";
  addHeaders(environ, request.rawHeaders);
  const host = original.host ?? authorityOf(request);
  if (host !== undefined) environ.HTTP_HOST = host;
  else if (environ.HTTP_HOST === "") environ.HTTP_HOST = undefined;
  else if (environ.HTTP_HOST !== undefined && !isHost(environ.HTTP_HOST))
    throw new HTTPError(400, "the Host header is not a host and port, or there are two (RFC 9110 section 7.2)");
  return environ;
}

function addHeaders(environ: Environ, rawHeaders: readonly string[]): void {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const { key, joint } = headerKey(rawHeaders[i] ?? "");
    const value = rawHeaders[i + 1];
    if (key === "" || value === undefined) continue;
    const before = environ[key];
    environ[key] = before === undefined ? value : before + joint + value;
  }
}

/** HTTP/2 has the host in a pseudo-header. */
function authorityOf(request: IncomingMessage): string | undefined {
  if (request.httpVersionMajor < 2) return undefined;
  const authority = request.headers[":authority"];
  return typeof authority === "string" && isHost(authority) ? authority : undefined;
}

/** 1.2 and above are served as 1.1 (RFC 9112, section 2.3). */
function protocolOf({ httpVersionMajor, httpVersionMinor }: IncomingMessage): string {
  if (httpVersionMajor > 1) return `HTTP/${httpVersionMajor}`;
  return httpVersionMinor === 0 ? "HTTP/1.0" : "HTTP/1.1";
}

function paths(
  path: string,
  original: string,
  base: string | undefined,
  { mount, scriptName }: EnvironFacts,
): { scriptName: string; pathInfo: string } {
  if (path === "*" && original === "*" && mount === "" && scriptName === "") return { scriptName: "", pathInfo: "*" };
  const { prefix, rest } = mountedPath(path, original, base);
  const decodedPrefix = decodePath(prefix);
  const decoded = decodePath(rest);
  if (decodedPrefix === undefined || decoded === undefined)
    throw new HTTPError(400, "the path has a NUL, or a % without two hexadecimal digits (RFC 3986 section 2.1)");
  if (mount !== "" && decoded !== mount && !(decoded.startsWith(mount) && decoded[mount.length] === "/"))
    throw new HTTPError(404, "the application is not mounted here");
  const script = scriptName + decodedPrefix + mount;
  const pathInfo = decoded.slice(mount.length);
  return { scriptName: script, pathInfo: script === "" && pathInfo === "" ? "/" : pathInfo };
}

/** An IPv4 address that came through an IPv6 socket is an IPv4 address: `::ffff:127.0.0.1` is `127.0.0.1`. */
function withoutMapping(address: string): string {
  const mapped = address.slice(7);
  return address.toLowerCase().startsWith("::ffff:") && /^[0-9.]+$/.test(mapped) ? mapped : address;
}
