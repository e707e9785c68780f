import { HTTPError, isToken, type Environ } from "@gateway/core";
import { endToEndHeaders } from "@gateway/sockets";
import { forwardingFields, type ForwardingRules } from "./forwarded-headers.ts";
import type { Origin } from "./origin.ts";
import { requestTarget, type ScriptNameRule } from "./request-path.ts";

/** How requests are written. */
export interface RequestRules {
  readonly scriptName: ScriptNameRule;
  readonly preserveHost: boolean;
  readonly forwarding: ForwardingRules;
  /** What stands for this proxy in `Via`; `""` for no such header. */
  readonly via: string;
  /** More headers, or others for those there are; `undefined` takes one out. */
  readonly headers: (environ: Environ) => Readonly<Record<string, string | undefined>>;
  readonly keepAlive: boolean;
}

/** How the body of a request is framed: its length, `"chunked"`, or `undefined` where there is none. */
export type BodyFraming = number | "chunked" | undefined;

/** These say by themselves that a body comes, so one that does not is said to be empty (RFC 9110, section 8.6). */
const withBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/**
 * The head of the request to a back end, latin-1.
 *
 * @param expectsContinue whether the body waits until the back end asks for it.
 * @throws {TypeError} for a header that cannot be sent: a layer has put it into the environ, or it is among the options.
 */
export function requestHead(
  environ: Environ,
  origin: Origin,
  rules: RequestRules,
  framing: BodyFraming,
  expectsContinue: boolean,
): string {
  const { REQUEST_METHOD: method, CONTENT_TYPE } = environ;
  if (!isToken(method)) throw new TypeError("REQUEST_METHOD is no token");
  const target = requestTarget(environ, rules.scriptName, origin.prefix);
  if (!/^[\x21-\x7e\x80-\xff]+$/.test(target)) throw new TypeError("the path or the query has a character that cannot be sent");
  const fields = fieldsOf(environ, origin, rules);
  if (CONTENT_TYPE !== undefined) fields.push(["Content-Type", CONTENT_TYPE]);
  replace(fields, rules.headers(environ));
  const length = framing ?? (withBody.has(method) ? 0 : undefined);
  if (length === "chunked") fields.push(["Transfer-Encoding", "chunked"]);
  else if (length !== undefined) fields.push(["Content-Length", `${length}`]);
  if (expectsContinue) fields.push(["Expect", "100-continue"]);
  if (!rules.keepAlive) fields.push(["Connection", "close"]);
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of fields) head += line(name, value);
  return `${head}\r\n`;
}

function fieldsOf(environ: Environ, origin: Origin, rules: RequestRules): [name: string, value: string][] {
  const host = rules.preserveHost ? (environ.HTTP_HOST ?? origin.authority) : origin.authority;
  const fields: [string, string][] = [["Host", host]];
  const headers = endToEndHeaders(environ, "drop");
  let came: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [key, value] = [headers[i] ?? "", headers[i + 1] ?? ""];
    if (key === "HTTP_HOST") continue;
    if (key === "HTTP_VIA") came = value;
    else fields.push([nameOf(key), key === "HTTP_MAX_FORWARDS" ? fewer(environ, value) : value]);
  }
  const forwarding = forwardingFields(environ, rules.forwarding);
  for (let i = 0; i + 1 < forwarding.length; i += 2) fields.push([forwarding[i] ?? "", forwarding[i + 1] ?? ""]);
  const via = rules.via === "" ? came : viaOf(came, environ, rules.via);
  if (via !== undefined) fields.push(["Via", via]);
  return fields;
}

function viaOf(came: string | undefined, { SERVER_PROTOCOL }: Environ, name: string): string {
  const one = `${SERVER_PROTOCOL.replace(/^HTTP\//, "")} ${name}`;
  return came === undefined || came === "" ? one : `${came}, ${one}`;
}

/** Only OPTIONS and TRACE count how far they go (RFC 9110, section 7.6.2). */
function fewer({ REQUEST_METHOD }: Environ, value: string): string {
  if (REQUEST_METHOD !== "OPTIONS" && REQUEST_METHOD !== "TRACE") return value;
  return /^[0-9]{1,9}$/.test(value) ? `${Math.max(Number(value) - 1, 0)}` : value;
}

/**
 * What is not handed on, whatever the back end.
 *
 * @throws {HTTPError} 501 for CONNECT, which asks for a tunnel; 405 for an OPTIONS or TRACE that was to come as far as here (`Max-Forwards: 0`).
 */
export function checkForwardable({ REQUEST_METHOD, HTTP_MAX_FORWARDS }: Environ): void {
  if (REQUEST_METHOD === "CONNECT") throw new HTTPError(501);
  if (
    (REQUEST_METHOD === "OPTIONS" || REQUEST_METHOD === "TRACE") &&
    HTTP_MAX_FORWARDS !== undefined &&
    /^0+$/.test(HTTP_MAX_FORWARDS)
  )
    throw new HTTPError(405, "This server is where Max-Forwards ends.");
}

/** Framing and connection are not for options to say. */
const reserved: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "te",
  "trailer",
  "upgrade",
]);

function replace(fields: [string, string][], more: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(more)) {
    const lower = name.toLowerCase();
    if (reserved.has(lower)) throw new TypeError(`the header ${name} is for the connection to the back end: it cannot be set`);
    for (let i = fields.length - 1; i >= 0; i--) if (fields[i]?.[0].toLowerCase() === lower) fields.splice(i, 1);
    if (value === undefined) continue;
    // A server may look for it in the first line.
    if (lower === "host") fields.unshift([name, value]);
    else fields.push([name, value]);
  }
}

function line(name: string, value: string): string {
  if (!isToken(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new TypeError(
      `the request header ${JSON.stringify(name)} cannot be sent: a name is a token, a value latin-1 without control characters`,
    );
  return `${name}: ${value}\r\n`;
}

// Bounded: clients choose the names.
const names = new Map<string, string>();
const maxNames = 1024;

/** `HTTP_X_FORWARDED_FOR` to `X-Forwarded-For`. */
function nameOf(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const words = key.slice(5).toLowerCase().split("_");
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("-");
  if (names.size < maxNames && key.length <= 64) names.set(key, name);
  return name;
}
