import { headerName, Kind, type HeaderName } from "./header-name.ts";
import { isHost } from "./host.ts";
import { allIn, checkOctets, isBlank, tokenOctets, trimBlanks } from "./octets.ts";
import { Refusal } from "@gateway/sockets";

const CR = 0x0d;
const LF = 0x0a;

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
  /** How many lines had to be parsed. */
  unknown: number;
}

/**
 * The header lines of one head, for the later heads of a connection: a browser repeats most of them byte for byte, and those give the name
 * and value that they gave before. What a line says of the framing of its message is read anew each time.
 */
export class KnownLines {
  /** As they came, from the CRLF that ends the request line to the empty line. */
  readonly bytes: Buffer;
  readonly fields: Fields;
  /** May the fields serve another request with the same lines? Not where they tell how this one message is framed. */
  readonly isReusable: boolean;
  readonly lines: readonly string[];
  readonly names: readonly (HeaderName | undefined)[];
  readonly values: readonly string[];

  /** @param bytes found to be in order. */
  constructor(bytes: Buffer, fields: Fields) {
    const lines = bytes.toString("latin1").split("\r\n").slice(1, -2);
    this.bytes = bytes;
    this.fields = fields;
    this.isReusable = fields.contentLength === -1 && !fields.chunked && !fields.expectsContinue && !fields.close;
    this.lines = lines;
    this.names = lines.map((line) => headerName(line.slice(0, line.indexOf(":"))));
    this.values = lines.map((line) => valueOf(line, line.indexOf(":") + 1, line.length));
  }
}

/**
 * Header lines: a token, a colon, a value with blanks around it, and CRLF (RFC 9112 section 5). No folding.
 *
 * @param bytes where the text came from: each character of it stands there, `shift` further on.
 * @param known lines that need not be looked at again; without them, all octets have been checked.
 * @throws {Refusal}
 */
export function parseFields(
  text: string,
  from: number,
  maxCount: number,
  bytes: Uint8Array,
  shift: number,
  known: KnownLines | undefined,
): Fields {
  const fields: Fields = {
    names: [],
    values: [],
    hasHost: false,
    contentLength: -1,
    chunked: false,
    close: false,
    keepAlive: false,
    expectsContinue: false,
    unknown: 0,
  };
  let count = 0;
  let transferEncoding = "";
  for (let at = from; at < text.length;) {
    const line = known?.lines[count];
    let end = line === undefined ? -1 : at + line.length;
    let name: HeaderName | undefined;
    let value: string;
    if (known !== undefined && isLine(text, at, end, line)) {
      name = known.names[count];
      value = known.values[count] ?? "";
    } else {
      end = text.indexOf("\r", at);
      if (known !== undefined) checkOctets(bytes, shift + at, shift + end + 2);
      fields.unknown++;
      const colon = text.indexOf(":", at);
      if (colon === -1 || colon > end) throw new Refusal(400, "a header line has no colon");
      name = headerName(text.slice(at, colon));
      value = valueOf(text, colon + 1, end);
    }
    if (name === undefined)
      throw new Refusal(400, "a header name is not a token, or white space stands before its colon (RFC 9112 section 5.1)");
    if (++count > maxCount) throw new Refusal(431, "there are too many header lines");
    if (name.kind !== Kind.dropped) {
      fields.names.push(name);
      fields.values.push(value);
      if (name.kind === Kind.transferEncoding)
        transferEncoding = transferEncoding === "" ? `,${value}` : `${transferEncoding},${value}`;
      else if (name.kind !== Kind.plain) readField(fields, name.kind, value);
    }
    at = end + 2;
  }
  if (transferEncoding !== "") fields.chunked = isChunked(transferEncoding.slice(1));
  return fields;
}

/** Does exactly this line stand there? (A slice and one comparison: `startsWith` takes three times as long.) */
function isLine(text: string, at: number, end: number, line: string | undefined): boolean {
  return text.charCodeAt(end) === CR && text.charCodeAt(end + 1) === LF && text.slice(at, end) === line;
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
      if (value === "keep-alive") {
        fields.keepAlive = true;
        break;
      }
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
    length = digit >= 0 && digit <= 9 ? length * 10 + digit : Number.NaN;
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
