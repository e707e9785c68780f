import { ChunkedDecoder } from "./chunked.ts";
import { fastPaths } from "./fast-paths.ts";
import type { ParserLimits } from "./limits.ts";
import { isReusable, misplacedOctet, parseHead, parseHeadWith, type Fields, type RequestHead } from "./request-head.ts";
import { Refusal } from "./refusal.ts";

const endOfHead = Buffer.from("\r\n\r\n", "latin1");
const empty = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
/** Of a larger buffer nothing is kept: it may hold much besides. */
const maxKeptBytes = 8 * 1024;

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
  /** The header lines of the last head, and what was made of them. */
  #last: { readonly lines: Buffer; readonly fields: Fields } | undefined = undefined;
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
    const from = Math.max(this.#at, this.#scanned - 3);
    const end = this.#buffer.indexOf(endOfHead, from);
    // The buffer may have room behind what was received, with old bytes in it.
    if (end === -1 || end + 4 > this.#end) return this.#incomplete();
    const head = this.#parse(end + 2);
    this.#consume(end + 4);
    this.#skippedEmptyLine = false;
    this.#chunked = head.chunked ? new ChunkedDecoder(this.#limits) : undefined;
    this.#remaining = Math.max(0, head.contentLength);
    this.bodyEnded = !head.chunked && this.#remaining === 0;
    return head;
  }

  /** Parses the head that ends before `end`; its header lines only where they are not those of the last one. */
  #parse(end: number): RequestHead {
    const lineEnd = this.#buffer.indexOf(CR, this.#at);
    const last = this.#last;
    if (
      last !== undefined &&
      last.lines.length === end - lineEnd - 2 &&
      this.#buffer.compare(last.lines, 0, last.lines.length, lineEnd + 2, end) === 0
    ) {
      this.#check(lineEnd + 2);
      return parseHeadWith(this.#buffer.toString("latin1", this.#at, lineEnd), last.fields, this.#limits);
    }
    this.#check(end);
    const { head, fields } = parseHead(this.#buffer.toString("latin1", this.#at, end), this.#limits);
    // What is kept pins the buffer it came in: not for a connection that may send nothing more.
    const keeps = fastPaths.headerBlocks && this.#hasParsed && this.#buffer.length <= maxKeptBytes && isReusable(fields);
    this.#hasParsed = true;
    this.#last = keeps ? { lines: this.#buffer.subarray(lineEnd + 2, end), fields } : undefined;
    return head;
  }

  /** Looks at every octet of the head up to `end`, where a line ends. */
  #check(end: number): void {
    const wrong = misplacedOctet(this.#buffer, this.#at, end, true);
    if (wrong !== undefined) throw new Refusal(400, `${wrong} (RFC 9112 section 2.2)`);
  }

  /** Lets go of what is kept of the last head, for a connection that has been idle for a while. */
  forget(): void {
    this.#last = undefined;
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
