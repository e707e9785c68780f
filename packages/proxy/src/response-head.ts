import { isHopByHop, type HeaderList } from "@gateway/core";
import { GatheredBytes, headerField, malformed, withoutBlanks } from "@gateway/sockets";

/** How long a head may be. */
export interface HeadLimits {
  readonly headBytes: number;
  readonly headerCount: number;
}

/** The head of a response, all its headers included. */
export interface ResponseHead {
  /** Of the version: HTTP/1.0 or HTTP/1.1. */
  readonly minor: number;
  /** `"200 OK"`; the reason may be missing. */
  readonly status: string;
  readonly code: number;
  /** As they came; values are latin-1. */
  readonly headers: HeaderList;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Reads a head, in whatever pieces it comes: lines that end with CRLF, and an empty one (RFC 9112, section 2.1). */
export class HeadReader {
  readonly #limits: HeadLimits;
  readonly #gathered = new GatheredBytes();
  /** Up to here there is no end of the head. */
  #searched = 0;
  /** Where the last line began. */
  #line = 0;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /**
   * @returns the head, and what follows it, once it is whole.
   * @throws {ClientError} for what is no head.
   */
  push(chunk: Buffer): { readonly head: ResponseHead; readonly rest: Buffer } | undefined {
    const bytes = this.#gathered.append(chunk);
    const { headBytes, headerCount } = this.#limits;
    const end = this.#end(bytes);
    if ((end === -1 ? bytes.length : end) > headBytes) throw malformed(`the head of a response is longer than ${headBytes} bytes`);
    // What cannot become a head is not waited for.
    if (!startsLikeHttp(bytes)) throw malformed("a response does not begin with the version of HTTP");
    if (end === -1) return undefined;
    return { head: parseHead(bytes.toString("latin1", 0, end - 4), headerCount), rest: bytes.subarray(end) };
  }

  /** Behind the empty line; -1 while there is none. */
  #end(bytes: Buffer): number {
    for (let at = bytes.indexOf(lineFeed, this.#searched); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
      if (bytes[at - 1] !== carriageReturn) throw malformed("a line of a head ends with a bare line feed");
      if (at - 1 === this.#line && at > 1) return at + 1;
      this.#line = at + 1;
    }
    this.#searched = bytes.length;
    return -1;
  }
}

const beginning = "HTTP/1.";

function startsLikeHttp(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return bytes.toString("latin1", 0, length) === beginning.slice(0, length);
}

/**
 * A head without its last two line ends.
 *
 * @throws {ClientError} for bare CR or LF, lines that go on in the next one, control characters, a name that is no token, white space before
 *   the colon, a status line that is none.
 */
function parseHead(text: string, headerCount: number): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  if (lines.length > headerCount) throw malformed(`a response has more than ${headerCount} headers`);
  const parts = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(first);
  if (parts === null) throw malformed("the status line of a response is none");
  const [, minor = "", digits = "", reason = ""] = parts;
  const trimmed = withoutBlanks(reason, 0);
  const headers = lines.map((line) => headerField(line));
  return { minor: Number(minor), status: trimmed === "" ? digits : `${digits} ${trimmed}`, code: Number(digits), headers };
}

/** How the body of a response is delimited: so many bytes, by `"chunked"`, or by the `"end"` of the connection. */
export type Framing = number | "chunked" | "end";

/**
 * Where the body of a response ends (RFC 9112, section 6.3).
 *
 * @param isHead whether the request was HEAD.
 * @throws {ClientError} for a length and a transfer coding, more than one length or none that is one, a coding other than chunked, and a coding
 *   in HTTP/1.0: other programs would find another end.
 */
export function framingOf(head: ResponseHead, isHead: boolean): Framing {
  let length = -1;
  let coding: string | undefined;
  for (const [name, value] of head.headers) {
    switch (name.toLowerCase()) {
      case "content-length":
        if (length !== -1) throw malformed("a response has more than one Content-Length");
        if (!/^[0-9]{1,15}$/.test(value)) throw malformed("the Content-Length of a response is no number of bytes");
        length = Number(value);
        break;
      case "transfer-encoding":
        if (coding !== undefined) throw malformed("a response has more than one Transfer-Encoding");
        coding = value.toLowerCase();
    }
  }
  if (coding !== undefined) {
    if (length !== -1) throw malformed("a response has both Content-Length and Transfer-Encoding");
    if (coding !== "chunked") throw malformed("a response has a transfer coding other than chunked");
    if (head.minor === 0) throw malformed("a response of HTTP/1.0 has a transfer coding");
  }
  if (isHead || head.code < 200 || head.code === 204 || head.code === 304) return 0;
  return coding === undefined ? (length === -1 ? "end" : length) : "chunked";
}

/** How long the connection may be kept after a response, as its head says. */
export interface Persistence {
  readonly isKept: boolean;
  /** `Keep-Alive: timeout`, in seconds. */
  readonly seconds: number;
}

/** Whether another request may follow on the connection (RFC 9112, section 9.3). HTTP/1.0 is not asked for it. */
export function persistenceOf({ minor, headers }: ResponseHead): Persistence {
  let isKept = minor === 1;
  let seconds = Infinity;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (lower === "connection" && options(value).includes("close")) isKept = false;
    if (lower === "keep-alive")
      seconds = Math.min(seconds, Number(/(?:^|[ ,])timeout="?([0-9]{1,6})/i.exec(value)?.[1] ?? Infinity));
  }
  return { isKept, seconds };
}

/**
 * The headers of a response that are handed on: without those of the connection, be they registered or named by `Connection` (RFC 9110,
 * section 7.6.1), and without `Status`, which would be the status in CGI.
 */
export function endToEnd({ headers }: ResponseHead): HeaderList {
  const named = new Set<string>();
  for (const [name, value] of headers)
    if (name.length === 10 && name.toLowerCase() === "connection") for (const option of options(value)) named.add(option);
  return headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return lower !== "status" && !isHopByHop(lower) && !named.has(lower);
  });
}

function options(value: string): string[] {
  return value.split(",").map((option) => option.trim().toLowerCase());
}
