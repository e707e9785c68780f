import { ChunkedDecoder } from "./chunked.ts";
import { fastPaths } from "./fast-paths.ts";
import type { ParserLimits } from "./limits.ts";
import { KnownLines, type Fields } from "./header-lines.ts";
import { hasNoControls, misplacedOctet } from "./octets.ts";
import { parseHead, parseHeadWith, type RequestHead } from "./request-head.ts";
import { Refusal } from "@gateway/sockets";

const endOfHead = Buffer.from("\r\n\r\n", "latin1");
const empty = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
/** Larger blocks of header lines are parsed each time: what a connection keeps must stay small. */
const maxKnownBytes = 4 * 1024;
/** When more of a head than this is unknown, its lines are kept instead. */
const maxUnknownLines = 2;

/**
 * Takes the bytes of a connection as they come, and gives request heads and pieces of bodies: `head()`, then `body()` until
 * `bodyEnded`, then the next `head()`. Knows no socket and no environ. Once it has thrown it is of no more use, for nobody knows where the
 * next request would begin.
 */
export class RequestParser {
  /** The body of the last head is read to its end. */
  bodyEnded = true;

  readonly #limits: ParserLimits;
  #buffer: Buffer = empty;
  /** What is unread is `#buffer[#at]` to `#buffer[#end]`. */
  #at = 0;
  #end = 0;
  /** The buffer is our own, with room to append; otherwise it came from the socket. */
  #isOwn = false;
  /** How far an incomplete head has been looked through. */
  #scanned = 0;
  #skippedEmptyLine = false;
  #hasParsed = false;
  #known: KnownLines | undefined = undefined;
  /** What is left of a body with a Content-Length. */
  #remaining = 0;
  #chunked: ChunkedDecoder | undefined = undefined;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  /** How many bytes were pushed and not read yet. */
  get unread(): number {
    return this.#end - this.#at;
  }

  /** How many bytes of the body are still to come; -1 when only the client knows. */
  get remaining(): number {
    return this.#chunked === undefined ? this.#remaining : -1;
  }

  push(chunk: Buffer): void {
    const left = this.#end - this.#at;
    if (left === 0) {
      this.#buffer = chunk;
      this.#at = 0;
      this.#end = chunk.length;
      this.#isOwn = false;
      this.#scanned = 0;
      return;
    }
    // A client may send byte by byte: room is doubled, so that what came before is not copied for each.
    if (!this.#isOwn || this.#end + chunk.length > this.#buffer.length) {
      const room = Buffer.allocUnsafe(Math.max(512, 2 * (left + chunk.length)));
      this.#buffer.copy(room, 0, this.#at, this.#end);
      this.#buffer = room;
      this.#scanned -= this.#at;
      this.#at = 0;
      this.#end = left;
      this.#isOwn = true;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next head, or `undefined` when it has not come whole. Only when `bodyEnded`.
   *
   * @throws {Refusal}
   */
  head(): RequestHead | undefined {
    if (!this.#skippedEmptyLine) this.#skipEmptyLine();
    if (this.#at === this.#end) return undefined;
    const head = this.#repeated() ?? this.#parse();
    if (head === undefined) return this.#incomplete();
    this.#skippedEmptyLine = false;
    this.#chunked = head.chunked ? new ChunkedDecoder(this.#limits) : undefined;
    this.#remaining = Math.max(0, head.contentLength);
    this.bodyEnded = !head.chunked && this.#remaining === 0;
    return head;
  }

  /** The head, if all that was received is a request line and the very header lines that are known. */
  #repeated(): RequestHead | undefined {
    const known = this.#known;
    if (known?.isReusable !== true) return undefined;
    const { bytes, fields } = known;
    const lineEnd = this.#end - bytes.length;
    if (lineEnd <= this.#at || this.#buffer.compare(bytes, 0, bytes.length, lineEnd, this.#end) !== 0) return undefined;
    // A line of its own before the known ones is a header line, or even a whole request.
    if (!hasNoControls(this.#buffer, this.#at, lineEnd)) return undefined;
    const head = parseHeadWith(this.#buffer.toString("latin1", this.#at, lineEnd), fields, this.#limits);
    this.#consume(this.#end);
    return head;
  }

  /** The head, of its header lines only what is not known; `undefined` when it has not come whole. */
  #parse(): RequestHead | undefined {
    const end = this.#buffer.indexOf(endOfHead, Math.max(this.#at, this.#scanned - 3));
    // The buffer may have room behind what was received, with old bytes in it.
    if (end === -1 || end + 4 > this.#end) return undefined;
    const known = this.#known;
    const { head, fields } = parseHead(this.#buffer, this.#at, end + 2, this.#limits, known);
    if (this.#hasParsed && (known === undefined || fields.unknown > maxUnknownLines)) this.#learn(end, fields);
    this.#hasParsed = true;
    this.#consume(end + 4);
    return head;
  }

  /** Keeps a copy of the header lines, so that nothing keeps the buffer they came in. */
  #learn(end: number, fields: Fields): void {
    const from = this.#buffer.indexOf(CR, this.#at);
    if (!fastPaths.headerBlocks || end - from > maxKnownBytes) return;
    this.#known = new KnownLines(Buffer.from(this.#buffer.subarray(from, end + 4)), fields);
  }

  /** Lets go of what is kept of earlier heads, for a connection that has been idle for a while. */
  forget(): void {
    this.#known = undefined;
  }

  /**
   * The next piece of the body, `undefined` when there is none yet or `bodyEnded`. A slice of what was pushed.
   *
   * @throws {Refusal}
   */
  body(): Buffer | undefined {
    if (this.bodyEnded || this.#at === this.#end) return undefined;
    if (this.#chunked !== undefined) {
      const { at, data } = this.#chunked.decode(this.#buffer, this.#at, this.#end);
      this.bodyEnded = this.#chunked.ended;
      if (this.bodyEnded) this.#chunked = undefined;
      this.#consume(at);
      return data;
    }
    const end = Math.min(this.#end, this.#at + this.#remaining);
    const data = this.#buffer.subarray(this.#at, end);
    this.#remaining -= data.length;
    this.bodyEnded = this.#remaining === 0;
    this.#consume(end);
    return data;
  }

  #consume(to: number): void {
    this.#at = to;
    this.#scanned = to;
    // Lets go of the memory: an idle connection keeps nothing.
    if (to === this.#end) {
      this.#buffer = empty;
      this.#at = this.#end = this.#scanned = 0;
      this.#isOwn = false;
    }
  }

  /** One empty line before a request is skipped (RFC 9112 section 2.2); a client could send them for ever. */
  #skipEmptyLine(): void {
    if (this.#end - this.#at < 2) return;
    this.#skippedEmptyLine = true;
    if (this.#buffer[this.#at] === CR && this.#buffer[this.#at + 1] === LF) this.#consume(this.#at + 2);
  }

  /** Refuses what cannot become a good head any more, so that nobody has to wait for the rest of it. */
  #incomplete(): undefined {
    // A CR that was the last octet so far is looked at again, with what follows it.
    const seen = Math.max(this.#at, this.#buffer[this.#scanned - 1] === CR ? this.#scanned - 1 : this.#scanned);
    const wrong = misplacedOctet(this.#buffer, seen, this.#end, false);
    if (wrong !== undefined) throw new Refusal(400, `${wrong} (RFC 9112 section 2.2)`);
    this.#scanned = this.#end;
    const { requestLineBytes, headerBytes } = this.#limits;
    const lineEnd = this.#buffer.subarray(this.#at, Math.min(this.#end, this.#at + requestLineBytes + 1)).indexOf(CR);
    if (lineEnd === -1) {
      if (this.#end - this.#at > requestLineBytes) throw new Refusal(414, "the request line is too long");
    } else if (this.#end - this.#at - lineEnd - 2 > headerBytes + 2) {
      throw new Refusal(431, "the header lines are too long");
    }
    return undefined;
  }
}
