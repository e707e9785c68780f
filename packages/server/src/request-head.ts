import { parseFields, type Fields, type KnownLines } from "./header-lines.ts";
import type { HeaderName } from "./header-name.ts";
import { isHost } from "./host.ts";
import type { ParserLimits } from "./limits.ts";
import { allIn, checkOctets, targetOctets, tokenOctets } from "./octets.ts";
import { Refusal } from "@gateway/sockets";

/** The head of a request, parsed and found to be in order (RFC 9112 sections 2 to 7). */
export interface RequestHead {
  readonly method: string;
  /** As it was sent. */
  readonly target: string;
  /** The raw path of the target, `"*"` for the asterisk form. */
  readonly path: string;
  readonly query: string;
  /** The version to answer and to show to the application: 1.2 and above are served as 1.1 (RFC 9112 section 2.3). */
  readonly minor: 0 | 1;
  readonly names: readonly HeaderName[];
  readonly values: readonly string[];
  /** The host of an absolute target, which goes before the Host header (RFC 9112 section 3.2.2). */
  readonly targetHost: string | undefined;
  /** Of the body; -1 when there was no Content-Length. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** May another request follow on this connection (RFC 9112 section 9.3)? */
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
}

/**
 * Parses a head: request line and header lines, each with its CRLF, without the empty line that ends them.
 *
 * @param known lines of an earlier head of the connection.
 * @throws {Refusal}
 */
export function parseHead(
  bytes: Buffer,
  from: number,
  to: number,
  limits: ParserLimits,
  known: KnownLines | undefined,
): { head: RequestHead; fields: Fields } {
  if (known === undefined) checkOctets(bytes, from, to);
  try {
    const text = bytes.toString("latin1", from, to);
    const lineEnd = text.indexOf("\r");
    if (lineEnd > limits.requestLineBytes) throw new Refusal(414, "the request line is too long");
    if (text.length - lineEnd - 2 > limits.headerBytes) throw new Refusal(431, "the header lines are too long");
    if (known !== undefined) checkOctets(bytes, from, from + lineEnd + 2);
    const line = parseRequestLine(text, lineEnd);
    const fields = parseFields(text, lineEnd + 2, limits.headerCount, bytes, from, known);
    return { head: combine(line, fields), fields };
  } catch (error) {
    // A misplaced octet goes before whatever else is wrong, wherever it stands: so it does when the head comes in pieces.
    if (known !== undefined) checkOctets(bytes, from, to);
    throw error;
  }
}

/**
 * The same, with a request line of its own (without its CRLF) and the fields of an earlier head, whose lines were the very same bytes.
 *
 * @throws {Refusal}
 */
export function parseHeadWith(line: string, fields: Fields, limits: ParserLimits): RequestHead {
  if (line.length > limits.requestLineBytes) throw new Refusal(414, "the request line is too long");
  return combine(parseRequestLine(line, line.length), fields);
}

function combine(line: RequestLine, fields: Fields): RequestHead {
  const minor = line.minor === 0 ? 0 : 1;
  if (minor === 1 && !fields.hasHost) throw new Refusal(400, "there is no Host header (RFC 9112 section 3.2)");
  if (fields.chunked && minor === 0) throw new Refusal(400, "Transfer-Encoding on HTTP/1.0 (RFC 9112 section 6.1)");
  if (fields.chunked && fields.contentLength !== -1) {
    throw new Refusal(400, "both Content-Length and Transfer-Encoding (RFC 9112 section 6.1)");
  }
  return {
    method: line.method,
    target: line.target,
    path: line.path,
    query: line.query,
    minor,
    names: fields.names,
    values: fields.values,
    targetHost: line.host,
    contentLength: fields.contentLength,
    chunked: fields.chunked,
    keepAlive: minor === 1 ? !fields.close : fields.keepAlive && !fields.close,
    // HTTP/1.0 clients do not wait for a 100 (RFC 9110 section 10.1.1).
    expectsContinue: fields.expectsContinue && minor === 1,
  };
}

interface RequestLine extends Target {
  method: string;
  target: string;
  minor: number;
}

interface Target {
  path: string;
  query: string;
  host: string | undefined;
}

/** `method SP request-target SP HTTP-version`, one space each (RFC 9112 section 3). */
function parseRequestLine(text: string, end: number): RequestLine {
  const first = text.indexOf(" ");
  const second = text.indexOf(" ", first + 1);
  if (first < 1 || second === -1 || second > end)
    throw new Refusal(400, "the request line is not a method, a target and a version");
  const method = text.slice(0, first);
  if (!allIn(tokenOctets, method)) throw new Refusal(400, "the method is not a token (RFC 9110 section 9.1)");
  const minor = minorVersion(text, second + 1, end);
  const target = text.slice(first + 1, second);
  if (target === "" || !allIn(targetOctets, target))
    throw new Refusal(400, "the request target has characters that do not belong in a URI");
  if (method === "CONNECT") throw new Refusal(501, "CONNECT is for proxies");
  const { path, query, host } = parseTarget(method, target);
  return { method, target, minor, path, query, host };
}

/** `HTTP/1.` and a digit; other major versions are refused with 505, anything else is no version (RFC 9112 section 2.3). */
function minorVersion(text: string, from: number, end: number): number {
  const major = text.charCodeAt(from + 5) - 0x30;
  const minor = text.charCodeAt(from + 7) - 0x30;
  const isVersion =
    end - from === 8 && text.startsWith("HTTP/", from) && isDigit(major) && text.charCodeAt(from + 6) === 0x2e && isDigit(minor);
  if (!isVersion) throw new Refusal(400, "the request line does not end in an HTTP version");
  if (major !== 1) throw new Refusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  return minor;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

/** Origin, absolute or asterisk form (RFC 9112 section 3.2). */
function parseTarget(method: string, target: string): Target {
  if (target.charCodeAt(0) === 0x2f) return split(target, 0, undefined);
  if (target === "*") {
    if (method !== "OPTIONS") throw new Refusal(400, "the target * is for OPTIONS (RFC 9112 section 3.2.4)");
    return { path: "*", query: "", host: undefined };
  }
  const scheme = target.slice(0, 8).toLowerCase();
  const authority = scheme === "https://" ? 8 : scheme.startsWith("http://") ? 7 : -1;
  if (authority === -1) throw new Refusal(400, "the target is neither a path nor an http URI (RFC 9112 section 3.2)");
  let end = authority;
  while (end < target.length && target[end] !== "/" && target[end] !== "?") end++;
  const host = target.slice(authority, end);
  // User information is refused by isHost: it has no place here (RFC 9110 section 4.2.4).
  if (host === "" || host.startsWith(":") || !isHost(host))
    throw new Refusal(400, "the host of the target is not valid (RFC 3986 section 3.2.2)");
  // OPTIONS with neither path nor query means the server as a whole, as * does (RFC 9112 section 3.2.4).
  if (end === target.length && method === "OPTIONS") return { path: "*", query: "", host };
  return split(target, end, host);
}

function split(target: string, from: number, host: string | undefined): Target {
  const mark = target.indexOf("?", from);
  const path = mark === -1 ? target.slice(from) : target.slice(from, mark);
  return { path: path === "" ? "/" : path, query: mark === -1 ? "" : target.slice(mark + 1), host };
}
