import { HTTPError, type Environ, type Header, type HeaderList } from "@gateway/core";
import { buildEnviron } from "./environ.ts";
import { prepareBody, searchParams, type BodyInit, type PreparedBody } from "./request-body.ts";

/** What a request may be given; defaults for all of them are the options of the client. */
export interface RequestInit extends BodyInit {
  /** Added to the query of the path; a list repeats its name. */
  query?: Readonly<Record<string, string | readonly string[]>> | URLSearchParams | undefined;
  /** Request headers, as a record or, for repeated ones, as pairs. Latin-1, as on the wire. */
  headers?: Readonly<Record<string, string>> | Readonly<HeaderList> | undefined;
  /** Keys of environ that are set last: `REMOTE_ADDR`, `SCRIPT_NAME`, `"wsgi.url_scheme"`, or what an outer layer would add. */
  environ?: Partial<Environ> | undefined;
  /** Follows redirects, ten of them or as many as it says (default `false`). */
  follow?: boolean | number | undefined;
  /**
   * What becomes of a request during which something was written to `wsgi.errors` (default `"fail"`): it rejects; with `"expected"`
   * it rejects if nothing was written; `"ignore"` does not look.
   */
  errors?: "fail" | "expected" | "ignore" | undefined;
  /** The client leaves when this is aborted, as when a browser is closed. */
  signal?: AbortSignal | undefined;
}

/** A request that is ready to be sent. */
export interface PreparedRequest {
  readonly method: string;
  /** The absolute URL, for cookies and redirects. */
  readonly url: string;
  /** The request target as it would go over the wire. */
  readonly target: string;
  readonly headers: Readonly<HeaderList>;
  readonly body: PreparedBody | undefined;
  readonly init: RequestInit;
}

/** Methods whose requests say it when they have no body (RFC 9110, section 8.6). */
const expectBody = new Set(["POST", "PUT", "PATCH"]);

/**
 * Prepares a request.
 *
 * @param base the origin of the client, `"http://localhost"`.
 * @throws {TypeError} for a path, header or body that no client could send.
 */
export function prepareRequest(base: string, method: string, path: string, init: RequestInit): PreparedRequest {
  const { origin, target: bare } = splitPath(base, path);
  const scheme = init.environ?.["wsgi.url_scheme"];
  const target = withQuery(bare, init.query);
  const headers = headerList(init.headers);
  const host = valueOf(headers, "host");
  if (host === undefined) headers.unshift(["Host", origin.host]);
  const body = prepareBody(init);
  if (body !== undefined) headers.push(...body.headers.filter(([name]) => valueOf(headers, name) === undefined));
  else if (expectBody.has(method) && valueOf(headers, "content-length") === undefined) headers.push(["Content-Length", "0"]);
  const url = urlOf(`${scheme ?? origin.protocol.slice(0, -1)}://${host ?? origin.host}`, target, origin);
  return { method, url, target, headers, body, init };
}

/** The environ of a prepared request. */
export function environOf(request: PreparedRequest, cookie: string, errors: (text: string) => void): Environ {
  const { method, target, url, body, init } = request;
  const { hostname, port, protocol } = new URL(url);
  const headers = cookie === "" ? request.headers : [...request.headers, ["Cookie", cookie] as const];
  const scheme = protocol.slice(0, -1);
  const { SCRIPT_NAME: scriptName, ...overrides } = init.environ ?? {};
  try {
    return buildEnviron({
      method,
      target,
      headers,
      scheme,
      scriptName,
      errors,
      source: body?.open(),
      overrides: { SERVER_NAME: hostname, SERVER_PORT: port === "" ? (scheme === "https" ? "443" : "80") : port, ...overrides },
    });
  } catch (error) {
    if (error instanceof HTTPError) throw new TypeError(`a gateway answers 400 to the path of ${target}`, { cause: error });
    throw error;
  }
}

function splitPath(base: string, path: string): { origin: URL; target: string } {
  if (path.startsWith("/") || path === "*") return { origin: new URL(base), target: encodeTarget(path) };
  const absolute = /^(https?:\/\/[^/?#]+)(.*)$/.exec(path);
  const [, origin = "", rest = ""] = absolute ?? [];
  if (!URL.canParse(origin)) throw new TypeError(`a path begins with a slash, or is an absolute URL, not ${JSON.stringify(path)}`);
  return { origin: new URL(origin), target: encodeTarget(rest.startsWith("/") ? rest : `/${rest}`) };
}

/** A target as clients send it: no fragment, visible ASCII only. What is encoded already stays as it is. */
function encodeTarget(path: string): string {
  const hash = path.indexOf("#");
  const whole = hash === -1 ? path : path.slice(0, hash);
  return Buffer.from(whole, "utf8").reduce((text, octet) => {
    const character = String.fromCharCode(octet);
    return text + (octet > 0x20 && octet < 0x7f ? character : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`);
  }, "");
}

function withQuery(target: string, query: RequestInit["query"]): string {
  if (query === undefined) return target;
  const text = (query instanceof URLSearchParams ? query : searchParams(query)).toString();
  if (text === "") return target;
  return `${target}${target.includes("?") ? "&" : "?"}${text}`;
}

function headerList(headers: RequestInit["headers"]): HeaderList {
  const list: Header[] = isPairs(headers) ? headers.map(([name, value]) => [name, value]) : Object.entries(headers ?? {});
  for (const [name, value] of list) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new TypeError(`a header name is a token, not ${JSON.stringify(name)}`);
    if (typeof value !== "string") throw new TypeError(`request header ${name}: the value is a string, not a ${typeof value}`);
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) {
        throw new TypeError(
          `request header ${name}: no client can send the character at ${i} of ${JSON.stringify(value.slice(0, 200))}`,
        );
      }
    }
  }
  return list;
}

function isPairs(headers: RequestInit["headers"]): headers is Readonly<HeaderList> {
  return Array.isArray(headers);
}

function valueOf(headers: Readonly<HeaderList>, name: string): string | undefined {
  return headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}

/** For cookies and redirects only, so a Host header that is no host is let be. */
function urlOf(base: string, target: string, origin: URL): string {
  const path = target === "*" ? "/" : target;
  return URL.canParse(base) ? new URL(base).origin + path : origin.origin + path;
}
