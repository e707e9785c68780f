import { ClientError, malformed } from "@gateway/sockets";
import { ChunkedReader } from "./chunked-reader.ts";
import { framingOf, HeadReader, type HeadLimits, type ResponseHead } from "./response-head.ts";

/** What hears of a response as it comes. */
export interface ResponseListener {
  /** A head that is not the final one: 100, 103 … */
  informed(head: ResponseHead): void;
  answered(head: ResponseHead): void;
  data(chunk: Buffer): void;
  /** The response is whole. */
  whole(): void;
}

/** Nobody needs more before an answer; each may be a whole head long. */
const maxInformational = 16;

/** Reads one response of HTTP/1.1 (RFC 9112), in whatever pieces it comes. */
export class ResponseReader {
  readonly #limits: HeadLimits;
  readonly #isHead: boolean;
  readonly #listener: ResponseListener;
  #head: HeadReader | undefined;
  #chunked: ChunkedReader | undefined = undefined;
  /** Of the body, still to come; -1 where only the end of the connection tells. */
  #left = 0;
  #informational = 0;
  #hasBegun = false;
  #isOver = false;

  /** @param isHead whether the request was HEAD: then there is no body. */
  constructor(limits: HeadLimits, isHead: boolean, listener: ResponseListener) {
    this.#limits = limits;
    this.#isHead = isHead;
    this.#listener = listener;
    this.#head = new HeadReader(limits);
  }

  /** A first byte has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The end of the connection is the end of the response, and nothing else is. */
  get endsWithConnection(): boolean {
    return this.#head === undefined && this.#left === -1;
  }

  /**
   * @returns what follows the response.
   * @throws {ClientError} for what is no response.
   */
  push(bytes: Buffer): Buffer {
    let rest = bytes;
    if (rest.length > 0) this.#hasBegun = true;
    while (this.#head !== undefined) {
      const read = this.#head.push(rest);
      if (read === undefined) return rest.subarray(rest.length);
      rest = read.rest;
      this.#takeHead(read.head);
    }
    if (!this.#isOver) rest = this.#takeBody(rest);
    return rest;
  }

  /**
   * The connection has ended.
   *
   * @throws {ClientError} where the response is not whole.
   */
  ended(): void {
    if (this.#isOver) return;
    if (!this.endsWithConnection)
      throw new ClientError("TRUNCATED", `the connection ended before the ${this.#head === undefined ? "body" : "head"} was whole`);
    this.#end();
  }

  #takeHead(head: ResponseHead): void {
    if (head.code === 101) throw malformed("the server switches to a protocol that it was not asked for");
    const framing = framingOf(head, this.#isHead);
    if (head.code < 200) {
      if (++this.#informational > maxInformational) throw malformed("the server sends informational responses without an end");
      this.#head = new HeadReader(this.#limits);
      return this.#listener.informed(head);
    }
    this.#head = undefined;
    if (framing === "chunked") this.#chunked = new ChunkedReader(this.#limits.headBytes);
    else this.#left = framing === "end" ? -1 : framing;
    this.#listener.answered(head);
    if (framing === 0) this.#end();
  }

  #takeBody(bytes: Buffer): Buffer {
    if (bytes.length === 0) return bytes;
    if (this.#chunked !== undefined) {
      const rest = this.#chunked.push(bytes, (chunk) => this.#listener.data(chunk));
      if (this.#chunked.isOver) this.#end();
      return rest;
    }
    const taken = this.#left === -1 ? bytes.length : Math.min(bytes.length, this.#left);
    this.#listener.data(bytes.subarray(0, taken));
    if (this.#left !== -1) this.#left -= taken;
    if (this.#left === 0) this.#end();
    return bytes.subarray(taken);
  }

  #end(): void {
    this.#isOver = true;
    this.#listener.whole();
  }
}
