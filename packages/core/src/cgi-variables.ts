import type { Environ, ErrorStream, InputStream } from "./contract.ts";
import { detachedExchange } from "./detached-exchange.ts";
import { FileWrapper } from "./file-wrapper.ts";
import { isToken } from "./header-fields.ts";
import { HTTPError } from "./http-error.ts";

/** What a gateway knows besides the variables that its front server sent. */
export interface CgiGateway {
  readonly input: InputStream;
  readonly errors: ErrorStream;
  /** Where the gateway listens, for front servers that do not say what they listen on themselves. */
  readonly serverName: string;
  readonly serverPort: string;
  readonly multiprocess: boolean;
  readonly runOnce: boolean;
  /**
   * Where the application is mounted, as {@link parseMounts} gives it: SCRIPT_NAME + PATH_INFO is split again at the longest of these that it
   * lies under. For front servers that cannot split the path. `undefined` leaves the split as it came.
   */
  readonly mounts: readonly string[] | undefined;
}

/** The variables of one request, as a front server sends them: names and values in turn, octets as latin-1, repeated ones repeated. */
export type CgiVariables = readonly string[];

/** One of the variables: of repeated ones the last counts. */
export function cgiVariable(variables: CgiVariables, name: string): string | undefined {
  for (let i = variables.length - (variables.length % 2) - 2; i >= 0; i -= 2) if (variables[i] === name) return variables[i + 1];
  return undefined;
}

/**
 * The prefixes of a `mount` option, the longest first.
 *
 * @throws {TypeError} for a prefix that is not `""` and does not begin with `/`, or ends with one.
 */
export function parseMounts(mounts: readonly string[]): readonly string[] {
  if (!Array.isArray(mounts)) throw new TypeError('mounts is an array of prefixes, like ["/app"]');
  for (const mount of mounts) {
    if (typeof mount !== "string" || (mount !== "" && (!mount.startsWith("/") || mount.endsWith("/")))) {
      throw new TypeError(
        `a mount is "" or a path like "/app", decoded and without a slash at its end, not ${JSON.stringify(mount)}`,
      );
    }
  }
  return mounts.toSorted((a, b) => b.length - a.length);
}

/**
 * How long the body is, as CGI says it: digits. Front servers also leave the variable out, send it empty, or send `-1` for a body whose
 * length they do not know.
 *
 * @returns the number of bytes; `undefined` where the front does not say.
 * @throws {HTTPError} 413 for more than can be counted.
 */
export function cgiContentLength(value: string | undefined): number | undefined {
  if (value === undefined || !/^[0-9]+$/.test(value)) return undefined;
  const length = Number(value);
  if (!Number.isSafeInteger(length)) throw new HTTPError(413, "the Content-Length is more than can be counted");
  return length;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const version: readonly [1, 0] = Object.freeze([1, 0] as const);
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/** Sent by some fronts beside the variables without the prefix; and `Proxy`, which programs take for a setting of theirs (httpoxy). */
const dropped: ReadonlySet<string> = new Set(["HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_PROXY"]);

/**
 * The environ of a request that came through CGI, FastCGI, SCGI or uwsgi (RFC 3875 section 4.1, PEP 3333 "environ Variables").
 *
 * Paths are not percent-decoded, for the front server has done that, and are read as UTF-8; everything else stays latin-1. Repeated
 * headers are joined (Cookie with `"; "`, others with `", "`); of other repeated variables the last counts. Variables that a front
 * has left out, and PEP 3333 requires, are filled in.
 *
 * @throws {HTTPError} 400 for variables that cannot be a request.
 */
export function cgiEnviron(variables: CgiVariables, gateway: CgiGateway): Environ {
  const given = collect(variables);
  const { scriptName, pathInfo } = paths(given, gateway.mounts);
  const method = given.get("REQUEST_METHOD") ?? "";
  if (!isToken(method)) throw new HTTPError(400, "the front server sent no REQUEST_METHOD, or one that is none");
  if (pathInfo === "*" && method !== "OPTIONS") throw new HTTPError(400, "only OPTIONS can ask for *");
  const host = given.get("HTTP_HOST") || undefined;
  if (host !== undefined && !isHost(host, true)) throw new HTTPError(400, "the Host header is no host");
  const length = cgiContentLength(given.get("CONTENT_LENGTH"));
  const environ: Environ = {
    REQUEST_METHOD: method,
    SCRIPT_NAME: scriptName,
    PATH_INFO: pathInfo,
    QUERY_STRING: queryOf(given.get("QUERY_STRING") ?? ""),
    CONTENT_TYPE: given.get("CONTENT_TYPE") || undefined,
    CONTENT_LENGTH: length === undefined ? undefined : given.get("CONTENT_LENGTH"),
    SERVER_NAME: serverNameOf(given.get("SERVER_NAME")) ?? gateway.serverName,
    SERVER_PORT: portOf(given.get("SERVER_PORT")) ?? gateway.serverPort,
    SERVER_PROTOCOL: protocolOf(given.get("SERVER_PROTOCOL")) ?? "HTTP/1.0",
    REQUEST_URI: targetOf(given.get("REQUEST_URI")),
    REMOTE_ADDR: given.get("REMOTE_ADDR"),
    REMOTE_PORT: given.get("REMOTE_PORT") || undefined,
    HTTP_HOST: host,
    "wsgi.version": version,
    "wsgi.url_scheme": schemeOf(given),
    "wsgi.input": gateway.input,
    "wsgi.errors": gateway.errors,
    "wsgi.multithread": false,
    "wsgi.multiprocess": gateway.multiprocess,
    "wsgi.run_once": gateway.runOnce,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": fileWrapper,
    "gateway.exchange": detachedExchange,
  };
  const others = [...given].filter(([name]) => !Object.hasOwn(environ, name));
  return Object.assign(environ, Object.fromEntries(others));
}

/** By name; repeated headers joined. What is no name of a variable, or one of ours, is left out. */
function collect(variables: CgiVariables): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i + 1 < variables.length; i += 2) {
    const name = variables[i] ?? "";
    const value = variables[i + 1] ?? "";
    if (!name.startsWith("HTTP_")) {
      if (!isVariable(name)) continue;
      if (name === "CONTENT_TYPE") checkHeader(value);
      given.set(name, value);
    } else if (isHeader(name)) {
      checkHeader(value);
      const before = given.get(name);
      given.set(name, before === undefined ? value : before + (name === "HTTP_COOKIE" ? "; " : ", ") + value);
    }
  }
  return given;
}

/** Names with a dot are for the keys of WSGI and its extensions; front servers also send such as `proxy-fcgi-pathinfo`. */
function isVariable(name: string): boolean {
  return name !== "__proto__" && /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name);
}

function isHeader(name: string): boolean {
  return !dropped.has(name) && /^HTTP_[A-Z0-9_!#$%&'*+^`|~]+$/.test(name);
}

/** Other variables may well hold line ends: certificates, `SERVER_SIGNATURE`, decoded paths. */
function checkHeader(value: string): void {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw new HTTPError(400, "a header of the request has a control character in it");
}

/** As clients may write it: what they may not, and some fronts let through, is percent-encoded. */
function queryOf(value: string): string {
  if (/^[\x21\x22\x24-\x7e\x80-\xff]*$/.test(value)) return value;
  return value.replaceAll(
    /[^\x21\x22\x24-\x7e\x80-\xff]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** A name, an address, or an address in brackets (RFC 3986 section 3.2.2), as loose as the settings of front servers are. */
function isHost(value: string, mayHavePort: boolean): boolean {
  const pattern = mayHavePort
    ? /^(?:\[[\w.:%~-]+\]|[\w.~!$&'()*+,;=%-]+)(?::[0-9]*)?$/
    : /^(?:\[[\w.:%~-]+\]|[\w.~!$&'()*+,;=%-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$/;
  return pattern.test(value);
}

/** nginx sends the name of its server block, which may be a regular expression. */
function serverNameOf(value: string | undefined): string | undefined {
  return value !== undefined && isHost(value, false) ? value : undefined;
}

function portOf(value: string | undefined): string | undefined {
  return value !== undefined && /^[0-9]{1,5}$/.test(value) && Number(value) <= 65_535 ? value : undefined;
}

/** Server-side includes come with `INCLUDED` (RFC 3875 section 4.1.16). */
function protocolOf(value: string | undefined): string | undefined {
  return value !== undefined && /^HTTP\/[0-9](?:\.[0-9])?$/.test(value) ? value : undefined;
}

/** Where the front says neither, the connection to it tells nothing of the client's. */
function schemeOf(given: ReadonlyMap<string, string>): string {
  const isHttps = /^(?:yes|on|1)$/i.test(given.get("HTTPS") ?? "") || given.get("REQUEST_SCHEME")?.toLowerCase() === "https";
  return isHttps ? "https" : "http";
}

/** Latin-1 without space and control characters, or nothing: a target that was decoded is none. */
function targetOf(value: string | undefined): string | undefined {
  return value !== undefined && /^[\x21-\x7e\x80-\xff]+$/.test(value) ? value : undefined;
}

function paths(
  given: ReadonlyMap<string, string>,
  mounts: readonly string[] | undefined,
): { scriptName: string; pathInfo: string } {
  let scriptName = text(given.get("SCRIPT_NAME") ?? "");
  let pathInfo = text(given.get("PATH_INFO") ?? "");
  if (pathInfo === "*" && scriptName === "") return { scriptName, pathInfo };
  for (const path of [scriptName, pathInfo]) {
    if ((path !== "" && !path.startsWith("/")) || path.includes("\0"))
      throw new HTTPError(400, "SCRIPT_NAME and PATH_INFO begin with a slash, or are empty, and have no NUL in them");
  }
  // HAProxy cannot send an empty one; mod_proxy_uwsgi sends "/app/" and "/".
  if (scriptName.endsWith("/")) {
    const bare = withoutSlashes(scriptName);
    if (pathInfo === "") pathInfo = scriptName.slice(bare.length);
    scriptName = bare;
  }
  if (scriptName === "" && pathInfo === "") pathInfo = "/";
  if (mounts === undefined) return { scriptName, pathInfo };
  const whole = scriptName + pathInfo;
  const mount = mounts.find((prefix) => whole === prefix || (whole.startsWith(prefix) && whole[prefix.length] === "/"));
  if (mount === undefined) throw new HTTPError(404, "the application is not mounted here");
  return { scriptName: mount, pathInfo: whole.slice(mount.length) };
}

/** Without those at its end; a pattern for that would go over many slashes many times. */
function withoutSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** Octets as latin-1 to the text they are as UTF-8; what is not becomes U+FFFD. */
function text(octets: string): string {
  if (!/[\x80-\xff]/.test(octets)) return octets;
  return utf8.decode(Uint8Array.from(octets, (octet) => octet.charCodeAt(0)));
}
