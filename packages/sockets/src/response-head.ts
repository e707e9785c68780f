import { isHopByHop, type HeaderList } from "@gateway/core";
import { GatheredBytes } from "./gathered-bytes.ts";
import { headerField, malformed, withoutBlanks } from "./header-field.ts";

/** The head of a response, as a server behind a gateway protocol sent it. */
export interface ResponseHead {
  /** `"200 OK"`; the reason may be missing. */
  readonly status: string;
  readonly code: number;
  /** Without `Status`, and without what belongs to a connection. Values are latin-1. */
  readonly headers: HeaderList;
  /** What `Content-Length` says. */
  readonly length: number | undefined;
}

/** How a head may look. */
export interface HeadRules {
  /** Whether it may begin with a status line of HTTP, as uwsgi has it. */
  readonly statusLine: boolean;
  readonly headBytes: number;
  readonly headerCount: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Reads the head of a response, in whatever pieces it comes (RFC 3875, section 6): header lines that end with CRLF or LF. */
export class ResponseHeadReader {
  readonly #rules: HeadRules;
  readonly #gathered = new GatheredBytes();
  /** Up to here there is no end of the head. */
  #searched = 0;

  constructor(rules: HeadRules) {
    this.#rules = rules;
  }

  /**
   * @returns the head, and what follows it, once it is whole.
   * @throws {ClientError} for what is no head.
   */
  push(chunk: Buffer): { readonly head: ResponseHead; readonly rest: Buffer } | undefined {
    const bytes = this.#gathered.append(chunk);
    const end = this.#end(bytes);
    if ((end === -1 ? bytes.length : end) > this.#rules.headBytes)
      throw malformed(`the head of a response is longer than ${this.#rules.headBytes} bytes`);
    if (end === -1) return undefined;
    return { head: parseHead(bytes.toString("latin1", 0, end), this.#rules), rest: bytes.subarray(end) };
  }

  /** Behind the empty line; -1 while there is none. */
  #end(bytes: Buffer): number {
    for (let at = bytes.indexOf(lineFeed, this.#searched); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
      if (at === 0 || (at === 1 && bytes[0] === carriageReturn)) return at + 1;
      const isCrlf = bytes[at + 1] === carriageReturn;
      if (bytes[at + (isCrlf ? 2 : 1)] === lineFeed) return at + (isCrlf ? 3 : 2);
      // What decides has not come yet.
      this.#searched = at;
      if (at + (isCrlf ? 2 : 1) >= bytes.length) return -1;
    }
    // The next piece may begin with the rest of an empty line, of which nothing has come.
    this.#searched = Math.max(this.#searched, bytes.length);
    return -1;
  }
}

/**
 * The head of a response.
 *
 * - Without a `Status` it is 200, or 302 where there is a `Location` (RFC 3875, sections 6.2.3 and 6.2.4; a local redirect, section 6.2.2,
 *   is one of these here, for only a front server could serve it).
 * - Refused: lines that go on in the next one, a bare CR, control characters, a name that is no token, white space before the colon, no CGI
 *   header at all, one of these twice, a status that is none or not final, a transfer coding, and lengths that are none.
 * - Left out: what belongs to the connection.
 *
 * @param text up to and with the empty line, latin-1.
 * @throws {ClientError} for what is none.
 */
export function parseHead(text: string, rules: HeadRules): ResponseHead {
  const lines = text.split("\n", rules.headerCount + 3).map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const isStatusLine = rules.statusLine && text.startsWith("HTTP/");
  let status = isStatusLine ? statusLine(lines[0] ?? "") : undefined;
  const fields: [string, string][] = [];
  const cgi = new Map<string, string>();
  const ofConnection = new Set<string>();
  for (let i = isStatusLine ? 1 : 0; lines[i] !== "" && lines[i] !== undefined; i++) {
    if (fields.length === rules.headerCount) throw malformed(`a response has more than ${rules.headerCount} headers`);
    const [name, value] = headerField(lines[i] ?? "");
    const lower = name.toLowerCase();
    if (once.has(lower)) {
      if (cgi.has(lower) && cgi.get(lower) !== value) throw malformed(`a response has two different headers ${lower}`);
      if (cgi.has(lower)) continue;
      cgi.set(lower, value);
    }
    if (lower === "transfer-encoding") throw malformed("a response has a transfer coding");
    if (lower === "connection") for (const option of value.split(",")) ofConnection.add(option.trim().toLowerCase());
    fields.push([name, value]);
  }
  if (!isStatusLine) status = cgiStatus(cgi);
  if (status === undefined) throw malformed("a response has no status, no type and no location");
  const code = codeOf(status);
  const headers = fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return lower !== "status" && !isHopByHop(lower) && !ofConnection.has(lower);
  });
  return { status, code, headers, length: lengthOf(cgi.get("content-length")) };
}

/** These come once; an equal one more is dropped. */
const once: ReadonlySet<string> = new Set(["status", "location", "content-type", "content-length"]);

/** At least one of the headers of CGI must be there (RFC 3875, section 6.3). */
function cgiStatus(cgi: ReadonlyMap<string, string>): string | undefined {
  const status = cgi.get("status");
  if (status !== undefined) return status;
  if (cgi.has("location")) return "302 Found";
  return cgi.has("content-type") ? "200 OK" : undefined;
}

function statusLine(line: string): string {
  const parts = /^HTTP\/1\.[01] (.*)$/.exec(line);
  if (parts === null) throw malformed("the status line of a response is none");
  return withoutBlanks(parts[1] ?? "", 0);
}

/** Final statuses only (RFC 9110, section 15). */
function codeOf(status: string): number {
  if (!/^[2-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?$/.test(status))
    throw malformed("the status of a response is none, or not final");
  return Number(status.slice(0, 3));
}

function lengthOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(value)) throw malformed("the Content-Length of a response is no number of bytes");
  return Number(value);
}
