import { Kind, kindOf } from "./cgi-variable-kinds.ts";
import { cgiContentLength, type CgiVariables } from "./cgi-variables.ts";
import type { Environ, ErrorStream, InputStream } from "./contract.ts";
import { detachedExchange } from "./detached-exchange.ts";
import { FileWrapper } from "./file-wrapper.ts";
import { isToken } from "./header-fields.ts";
import { HTTPError } from "./http-error.ts";
import { emptyInput } from "./input-stream.ts";

/** What a gateway knows besides the variables that its front server sent. */
export interface CgiGateway {
  readonly errors: ErrorStream;
  /** Where the gateway listens, for front servers that do not say what they listen on themselves. */
  readonly serverName: string;
  readonly serverPort: string;
  readonly multiprocess: boolean;
  readonly runOnce: boolean;
  /**
   * Where the application is mounted, as `parseMounts` gives it: SCRIPT_NAME + PATH_INFO is split again at the longest of these that it
   * lies under. For front servers that cannot split the path. `undefined` leaves the split as it came.
   */
  readonly mounts: readonly string[] | undefined;
}

/** An environ, as what it is beside its types: an object whose keys are names of variables. */
type Slots = Record<string, string | undefined>;

/** An environ that is copied for requests with the same names, and only what differs is set: adding keys one by one is what costs. */
interface Pattern {
  readonly variables: CgiVariables;
  readonly kinds: readonly number[];
  /** Given to nobody: an application may change its environ as it likes. */
  readonly environ: Environ;
  /** Where the values of these are, or -1. */
  readonly scriptAt: number;
  readonly pathAt: number;
  readonly httpsAt: number;
  readonly schemeAt: number;
}

/** Browsers send different headers, and so front servers different names. */
const maxPatterns = 4;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const version: readonly [1, 0] = Object.freeze([1, 0] as const);
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/**
 * Makes the environs of requests that come through CGI, FastCGI, SCGI or uwsgi (RFC 3875 section 4.1, PEP 3333 "environ Variables").
 *
 * Paths are not percent-decoded, for the front server has done that, and are read as UTF-8; everything else stays latin-1. Repeated
 * headers are joined (Cookie with `"; "`, others with `", "`); of other repeated variables the last counts. Variables that a front
 * has left out, and PEP 3333 requires, are filled in.
 */
export class CgiEnvirons {
  readonly #gateway: CgiGateway;
  /** The one that was used last is the first. */
  readonly #patterns: Pattern[] = [];
  /** The names of the last request that there was no pattern for: one that comes twice will come again. */
  #last: CgiVariables = [];

  constructor(gateway: CgiGateway) {
    this.#gateway = gateway;
  }

  /** @throws {HTTPError} 400 for variables that cannot be a request, 404 for a path under none of the mounts. */
  make(variables: CgiVariables, input: InputStream): Environ {
    const pattern = this.#patternOf(variables);
    if (pattern !== undefined) return this.#copy(pattern, variables, input);
    const environ = this.#build(variables, input);
    if (hasSameNames(variables, this.#last)) this.#keep(variables, environ);
    this.#last = variables;
    return environ;
  }

  #patternOf(variables: CgiVariables): Pattern | undefined {
    const patterns = this.#patterns;
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i];
      if (pattern === undefined || !hasSameNames(variables, pattern.variables)) continue;
      if (i > 0) {
        patterns.splice(i, 1);
        patterns.unshift(pattern);
      }
      return pattern;
    }
    return undefined;
  }

  #keep(variables: CgiVariables, environ: Environ): void {
    const at = (kind: number): number => 2 * kinds.indexOf(kind) + 1;
    const kinds: number[] = [];
    const names = new Set<string>();
    for (let i = 0; i + 1 < variables.length; i += 2) {
      kinds.push(kindOf(variables[i] ?? ""));
      names.add(variables[i] ?? "");
    }
    // Where a name repeats, a key is not one variable.
    if (names.size !== kinds.length) return;
    this.#patterns.unshift({
      variables,
      kinds,
      environ: { ...environ, "wsgi.input": emptyInput },
      scriptAt: at(Kind.scriptName),
      pathAt: at(Kind.pathInfo),
      httpsAt: at(Kind.https),
      schemeAt: at(Kind.scheme),
    });
    if (this.#patterns.length > maxPatterns) this.#patterns.pop();
  }

  #copy({ variables: before, kinds, environ: model, ...at }: Pattern, variables: CgiVariables, input: InputStream): Environ {
    const environ = { ...model };
    environ["wsgi.input"] = input;
    if (variables === before) return environ;
    let hasPath = false;
    let hasScheme = false;
    for (let i = 1; i < variables.length; i += 2) {
      const value = variables[i] ?? "";
      if (value === before[i]) continue;
      const kind = kinds[i >> 1] ?? Kind.ignored;
      if (kind === Kind.scriptName || kind === Kind.pathInfo || kind === Kind.method) hasPath = true;
      if (kind === Kind.https || kind === Kind.scheme) hasScheme = true;
      this.#set(environ, variables[i - 1] ?? "", kind, value);
    }
    if (hasPath) this.#setPaths(environ, variables[at.scriptAt] ?? "", variables[at.pathAt] ?? "");
    if (hasScheme) environ["wsgi.url_scheme"] = schemeOf(variables[at.httpsAt], variables[at.schemeAt]);
    return environ;
  }

  #build(variables: CgiVariables, input: InputStream): Environ {
    const environ = this.#blank(input);
    const slots = environ as object as Slots;
    const last = new Map<number, string>();
    for (let i = 0; i + 1 < variables.length; i += 2) {
      const name = variables[i] ?? "";
      const value = variables[i + 1] ?? "";
      const kind = kindOf(name);
      if (kind === Kind.plain) slots[name] = value;
      else if (kind === Kind.header) {
        checkHeader(value);
        const before = slots[name];
        slots[name] = before === undefined ? value : before + (name === "HTTP_COOKIE" ? "; " : ", ") + value;
      } else if (kind !== Kind.ignored) last.set(kind, value);
    }
    this.#set(environ, "REQUEST_METHOD", Kind.method, last.get(Kind.method) ?? "");
    for (const [kind, value] of last) this.#set(environ, keys[kind] ?? "", kind, value);
    this.#setPaths(environ, last.get(Kind.scriptName) ?? "", last.get(Kind.pathInfo) ?? "");
    environ["wsgi.url_scheme"] = schemeOf(last.get(Kind.https), last.get(Kind.scheme));
    return environ;
  }

  /** All fixed keys in one literal, in one order. */
  #blank(input: InputStream): Environ {
    const { serverName, serverPort, errors, multiprocess, runOnce } = this.#gateway;
    return {
      REQUEST_METHOD: "",
      SCRIPT_NAME: "",
      PATH_INFO: "",
      QUERY_STRING: "",
      CONTENT_TYPE: undefined,
      CONTENT_LENGTH: undefined,
      SERVER_NAME: serverName,
      SERVER_PORT: serverPort,
      SERVER_PROTOCOL: "HTTP/1.0",
      REQUEST_URI: undefined,
      REMOTE_ADDR: undefined,
      REMOTE_PORT: undefined,
      HTTP_HOST: undefined,
      "wsgi.version": version,
      "wsgi.url_scheme": "http",
      "wsgi.input": input,
      "wsgi.errors": errors,
      "wsgi.multithread": false,
      "wsgi.multiprocess": multiprocess,
      "wsgi.run_once": runOnce,
      "wsgi.input_terminated": true,
      "wsgi.file_wrapper": fileWrapper,
      "gateway.exchange": detachedExchange,
      // Room for what the most usual layers add, as in the HTTP server.
      "gateway.request_id": undefined,
      "gateway.trace": undefined,
      "gateway.forwarded": undefined,
      "gateway.session": undefined,
      "gateway.connection": undefined,
      "gateway.csp_nonce": undefined,
      "wsgiorg.routing_args": undefined,
    };
  }

  /** Sets what one variable tells by itself. */
  #set(environ: Environ, name: string, kind: number, value: string): void {
    switch (kind) {
      case Kind.plain:
      case Kind.https:
      case Kind.scheme:
        (environ as object as Slots)[name] = value;
        return;
      case Kind.header:
        checkHeader(value);
        (environ as object as Slots)[name] = value;
        return;
      case Kind.host:
        if (value !== "" && !host.test(value)) throw new HTTPError(400, "the Host header is no host");
        environ.HTTP_HOST = value || undefined;
        return;
      case Kind.method:
        if (!isToken(value)) throw new HTTPError(400, "the front server sent no REQUEST_METHOD, or one that is none");
        environ.REQUEST_METHOD = value;
        return;
      case Kind.query:
        environ.QUERY_STRING = queryOf(value);
        return;
      case Kind.contentType:
        checkHeader(value);
        environ.CONTENT_TYPE = value || undefined;
        return;
      case Kind.contentLength:
        environ.CONTENT_LENGTH = cgiContentLength(value) === undefined ? undefined : value;
        return;
      case Kind.serverName:
        // nginx sends the name of its server block, which may be a regular expression.
        environ.SERVER_NAME = serverName.test(value) ? value : this.#gateway.serverName;
        return;
      case Kind.serverPort:
        environ.SERVER_PORT = /^[0-9]{1,5}$/.test(value) && Number(value) <= 65_535 ? value : this.#gateway.serverPort;
        return;
      case Kind.protocol:
        // Server-side includes come with `INCLUDED` (RFC 3875 section 4.1.16).
        environ.SERVER_PROTOCOL = value === "HTTP/1.1" || /^HTTP\/[0-9](?:\.[0-9])?$/.test(value) ? value : "HTTP/1.0";
        return;
      case Kind.target:
        // A target that was decoded is none.
        environ.REQUEST_URI = /^[\x21-\x7e\x80-\xff]+$/.test(value) ? value : undefined;
        return;
      case Kind.remotePort:
        environ.REMOTE_PORT = value || undefined;
    }
  }

  #setPaths(environ: Environ, scriptName: string, pathInfo: string): void {
    let script = text(scriptName);
    let path = text(pathInfo);
    if (path === "*" && script === "" && environ.REQUEST_METHOD === "OPTIONS") {
      environ.SCRIPT_NAME = "";
      environ.PATH_INFO = path;
      return;
    }
    if ((script !== "" && !script.startsWith("/")) || (path !== "" && !path.startsWith("/")))
      throw new HTTPError(400, "SCRIPT_NAME and PATH_INFO begin with a slash, or are empty");
    if (script.includes("\0") || path.includes("\0")) throw new HTTPError(400, "the path has a NUL in it");
    // HAProxy cannot send an empty one; mod_proxy_uwsgi sends "/app/" and "/".
    if (script.endsWith("/")) {
      const bare = withoutSlashes(script);
      if (path === "") path = script.slice(bare.length);
      script = bare;
    }
    if (script === "" && path === "") path = "/";
    const { mounts } = this.#gateway;
    if (mounts !== undefined) {
      const whole = script + path;
      script = mountOf(whole, mounts);
      path = whole.slice(script.length);
    }
    environ.SCRIPT_NAME = script;
    environ.PATH_INFO = path;
  }
}

/** The environ of one request. @throws {HTTPError} as {@link CgiEnvirons.make} does. */
export function cgiEnviron(variables: CgiVariables, gateway: CgiGateway & { readonly input: InputStream }): Environ {
  return new CgiEnvirons(gateway).make(variables, gateway.input);
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

/** The keys of those that are read. */
const keys: Readonly<Record<number, string>> = { [Kind.https]: "HTTPS", [Kind.scheme]: "REQUEST_SCHEME" };

// A name, an address, or an address in brackets (RFC 3986 section 3.2.2), as loose as the settings of front servers are.
const host = /^(?:\[[\w.:%~-]+\]|[\w.~!$&'()*+,;=%-]+)(?::[0-9]*)?$/;
const serverName = /^(?:\[[\w.:%~-]+\]|[\w.~!$&'()*+,;=%-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$/;

function hasSameNames(variables: CgiVariables, others: CgiVariables): boolean {
  if (variables === others) return true;
  if (variables.length !== others.length) return false;
  for (let i = 0; i < variables.length; i += 2) if (variables[i] !== others[i]) return false;
  return true;
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

/** Where the front says neither, the connection to it tells nothing of the client's. */
function schemeOf(https: string | undefined, scheme: string | undefined): string {
  const isHttps = (https !== undefined && /^(?:yes|on|1)$/i.test(https)) || scheme?.toLowerCase() === "https";
  return isHttps ? "https" : "http";
}

function mountOf(path: string, mounts: readonly string[]): string {
  const mount = mounts.find((prefix) => path === prefix || (path.startsWith(prefix) && path[prefix.length] === "/"));
  if (mount === undefined) throw new HTTPError(404, "the application is not mounted here");
  return mount;
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
