import { malformed } from "@gateway/sockets";

/** The longest line of a chunk size, extensions included, in bytes. */
const maxLineBytes = 4 * 1024;
/** What may stand beside the data in all: a server could send extensions for ever. */
const maxOverheadBytes = 64 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const At = { size: 0, data: 1, dataEnd: 2, trailer: 3, over: 4 } as const;

/** Decodes a chunked body (RFC 9112, section 7.1), in whatever pieces it comes. Trailers are read and dropped. */
export class ChunkedReader {
  readonly #trailerBytes: number;
  #at: number = At.size;
  /** Of the data of the chunk, still to come. */
  #left = 0;
  /** The line that has not ended yet. */
  #line = "";
  #overhead = 0;
  #trailers = 0;

  /** @param trailerBytes how long the trailers may be. */
  constructor(trailerBytes: number) {
    this.#trailerBytes = trailerBytes;
  }

  get isOver(): boolean {
    return this.#at === At.over;
  }

  /**
   * @param data takes what is data.
   * @returns what follows the body; empty while it has not ended.
   * @throws {ClientError} for what is no chunked body.
   */
  push(bytes: Buffer, data: (chunk: Buffer) => void): Buffer {
    let at = 0;
    while (at < bytes.length && this.#at !== At.over) {
      if (this.#at === At.data) {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#at = At.dataEnd;
        data(bytes.subarray(at, end));
        at = end;
      } else {
        const end = bytes.indexOf(lineFeed, at);
        this.#gather(bytes.toString("latin1", at, end === -1 ? bytes.length : end + 1));
        at = end === -1 ? bytes.length : end + 1;
      }
    }
    return bytes.subarray(at);
  }

  #gather(part: string): void {
    this.#line += part;
    if (this.#line.length > maxLineBytes) throw malformed("a line of a chunked body is too long");
    if (!part.endsWith("\n")) {
      // Two octets are all there may be, so that a wrong one is not waited behind.
      if (this.#at === At.dataEnd && this.#line !== "\r") throw malformed("the data of a chunk is longer than its size");
      return;
    }
    const { length } = this.#line;
    const isWhole = this.#line.charCodeAt(length - 2) === carriageReturn;
    const line = this.#line.slice(0, length - 2);
    this.#line = "";
    if (!isWhole || line.includes("\r")) throw malformed("a line of a chunked body does not end with CRLF");
    this.#take(line);
  }

  #take(line: string): void {
    switch (this.#at) {
      case At.size:
        this.#size(line);
        return;
      case At.dataEnd:
        if (line !== "") throw malformed("the data of a chunk is longer than its size");
        this.#at = At.size;
        return;
      default:
        this.#trailers += line.length + 2;
        if (this.#trailers > this.#trailerBytes) throw malformed("the trailers of a response are too long");
        if (!/^(?:[!#$%&'*+.^_`|~\w-]+:[\t\x20-\x7e\x80-\xff]*)?$/.test(line)) throw malformed("a trailer of a response is none");
        if (line === "") this.#at = At.over;
    }
  }

  #size(line: string): void {
    // Thirteen digits are 2^52: more could not be counted.
    const [all, digits] = /^([0-9A-Fa-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? [];
    if (all === undefined || digits === undefined) throw malformed("a chunk does not begin with its size in hexadecimal digits");
    this.#overhead += all.length - digits.length;
    if (this.#overhead > maxOverheadBytes) throw malformed("the chunks of a response have more extensions than data");
    this.#left = Number.parseInt(digits, 16);
    this.#at = this.#left === 0 ? At.trailer : At.data;
  }
}
