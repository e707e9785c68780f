import { headerName, Kind, type HeaderName } from "./header-name.ts";
import { isHost } from "./host.ts";
import type { ParserLimits } from "./limits.ts";
import { allIn, isBlank, targetOctets, tokenOctets, trimBlanks } from "./octets.ts";
import { Refusal } from "./refusal.ts";

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

const CR = 0x0d;
const LF = 0x0a;

/**
 * Parses a head: request line and header lines, each with its CRLF, without the empty line that ends them. The caller has
 * seen to it that the text has no control characters but HTAB, CR and LF, and that each CR stands before an LF and each LF behind a CR.
 *
 * @throws {Refusal}
 */
export function parseHead(text: string, limits: ParserLimits): { head: RequestHead; fields: Fields } {
  const lineEnd = text.indexOf("\r");
  if (lineEnd > limits.requestLineBytes) throw new Refusal(414, "the request line is too long");
  if (text.length - lineEnd - 2 > limits.headerBytes) throw new Refusal(431, "the header lines are too long");
  const line = parseRequestLine(text, lineEnd);
  const fields = parseFields(text, lineEnd + 2, limits.headerCount);
  return { head: combine(line, fields), fields };
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

/** May the fields serve another request with the same header lines? Not where they tell how this one message is framed. */
export function isReusable(fields: Fields): boolean {
  return fields.contentLength === -1 && !fields.chunked && !fields.expectsContinue && !fields.close;
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

/** The header lines of a head. */
export interface Fields {
  names: HeaderName[];
  values: string[];
  hasHost: boolean;
  contentLength: number;
  chunked: boolean;
  close: boolean;
  keepAlive: boolean;
  expectsContinue: boolean;
}

/** Header lines: a token, a colon, a value with blanks around it, and CRLF (RFC 9112 section 5). No folding. */
function parseFields(text: string, from: number, maxCount: number): Fields {
  const fields: Fields = {
    names: [],
    values: [],
    hasHost: false,
    contentLength: -1,
    chunked: false,
    close: false,
    keepAlive: false,
    expectsContinue: false,
  };
  const { names, values } = fields;
  let count = 0;
  let transferEncoding = "";
  for (let at = from; at < text.length;) {
    const end = text.indexOf("\r", at);
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon > end) throw new Refusal(400, "a header line has no colon");
    const name = headerName(text.slice(at, colon));
    if (name === undefined)
      throw new Refusal(400, "a header name is not a token, or white space stands before its colon (RFC 9112 section 5.1)");
    const value = valueOf(text, colon + 1, end);
    if (++count > maxCount) throw new Refusal(431, "there are too many header lines");
    if (name.kind !== Kind.dropped) {
      names.push(name);
      values.push(value);
      if (name.kind === Kind.transferEncoding)
        transferEncoding = transferEncoding === "" ? `,${value}` : `${transferEncoding},${value}`;
      else if (name.kind !== Kind.plain) readField(fields, name.kind, value);
    }
    at = end + 2;
  }
  if (transferEncoding !== "") fields.chunked = isChunked(transferEncoding.slice(1));
  return fields;
}

function valueOf(text: string, from: number, end: number): string {
  // Nearly always one space before the value and none behind.
  const start = text.charCodeAt(from) === 0x20 ? from + 1 : from;
  if (start >= end) return "";
  if (isBlank(text.charCodeAt(start)) || isBlank(text.charCodeAt(end - 1))) return trimBlanks(text, start, end);
  return text.slice(start, end);
}

function readField(fields: Fields, kind: number, value: string): void {
  switch (kind) {
    case Kind.host:
      if (fields.hasHost) throw new Refusal(400, "there is more than one Host header (RFC 9112 section 3.2)");
      if (!isHost(value)) throw new Refusal(400, "the Host header is not a host and port (RFC 9110 section 7.2)");
      fields.hasHost = true;
      break;
    case Kind.contentLength:
      if (fields.contentLength !== -1) throw new Refusal(400, "there is more than one Content-Length (RFC 9112 section 6.3)");
      fields.contentLength = contentLength(value);
      break;
    case Kind.connection:
      for (const option of value.split(",")) {
        const token = trimBlanks(option, 0, option.length).toLowerCase();
        if (token === "close") fields.close = true;
        else if (token === "keep-alive") fields.keepAlive = true;
      }
      break;
    case Kind.expect:
      if (value.toLowerCase() !== "100-continue")
        throw new Refusal(417, "the only expectation known is 100-continue (RFC 9110 section 10.1.1)");
      fields.expectsContinue = true;
      break;
  }
}

/** Digits and nothing else, as many as can be counted exactly (RFC 9110 section 8.6). */
function contentLength(value: string): number {
  let length = value === "" ? Number.NaN : 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    length = isDigit(digit) ? length * 10 + digit : Number.NaN;
  }
  if (!Number.isSafeInteger(length)) throw new Refusal(400, "the Content-Length is not a number of bytes (RFC 9110 section 8.6)");
  return length;
}

/**
 * The values of all Transfer-Encoding lines (RFC 9112 section 6.1): `chunked` once and last is what this server can read.
 * Whatever does not end in it has no length that could be known.
 */
function isChunked(list: string): true {
  const codings = list.split(",").map((coding) => trimBlanks(coding, 0, coding.length).toLowerCase());
  if (codings.length === 1 && codings[0] === "chunked") return true;
  if (codings.indexOf("chunked") !== codings.length - 1)
    throw new Refusal(400, "Transfer-Encoding does not end in one chunked (RFC 9112 section 6.3)");
  if (codings.some((coding) => !allIn(tokenOctets, coding) || coding === ""))
    throw new Refusal(400, "Transfer-Encoding is not a list of codings");
  throw new Refusal(501, "the only transfer coding known is chunked (RFC 9112 section 7)");
}

/** Is every octet of a part of a head in its place: no control characters but HTAB and whole CRLFs? @returns what is wrong. */
export function misplacedOctet(bytes: Uint8Array, from: number, to: number, isWhole: boolean): string | undefined {
  for (let i = from; i < to; i++) {
    const octet = bytes[i] ?? 0;
    if (octet >= 0x20 ? octet !== 0x7f : octet === 0x09) continue;
    if (octet === LF) return "a line feed stands without a carriage return";
    if (octet !== CR) return "there is a control character in the head";
    if (i + 1 === to) return isWhole ? "a carriage return stands without a line feed" : undefined;
    if (bytes[i + 1] !== LF) return "a carriage return stands without a line feed";
    i++;
  }
  return undefined;
}
