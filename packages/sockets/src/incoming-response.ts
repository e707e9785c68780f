import { ClientError } from "./client-error.ts";
import type { GatewayBody, GatewayResponse } from "./gateway-client.ts";
import { ResponseHeadReader, type HeadRules } from "./response-head.ts";

/** What a response asks of the connection that it comes on. */
export interface ResponseSource {
  /** Less of the body waits now. */
  taken(): void;
  /** Nobody reads any further, and the response is not whole. */
  left(): void;
}

interface Waiter {
  resolve(step: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

const done: IteratorResult<Uint8Array> = { done: true, value: undefined };

/** One response as it comes: its head, and a body that waits to be read. */
export class IncomingResponse implements GatewayBody {
  /** Resolves at the head. */
  readonly response: Promise<GatewayResponse>;
  readonly #source: ResponseSource;
  readonly #reader: ResponseHeadReader;
  readonly #isHead: boolean;
  #resolve: (response: GatewayResponse) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #hasHead = false;
  #hasBegun = false;
  /** Of the body, still to come; -1 where only the end of the stream tells. */
  #left = -1;
  /** What comes is thrown away: there is no body, or nobody reads it. */
  #isMute = false;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;
  #error: { readonly error: unknown } | undefined = undefined;
  readonly #waiters: Waiter[] = [];

  /** @param isHead whether the request was HEAD: then there is no body, whatever comes. */
  constructor(rules: HeadRules, isHead: boolean, source: ResponseSource) {
    this.#source = source;
    this.#reader = new ResponseHeadReader(rules);
    this.#isHead = isHead;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever asked hears of it; nobody else must.
    this.response.catch(() => {});
  }

  /** A first byte has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** All came, it failed, or nobody wants it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** No byte of the body is missing, as far as its length is known. */
  get isWhole(): boolean {
    return this.#hasHead && (this.#left === 0 || this.#isMute);
  }

  /** Of the body, and not read yet. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** @throws {ClientError} for what is no response, or more than one. */
  push(chunk: Buffer): void {
    if (this.#isOver || chunk.length === 0) return;
    this.#hasBegun = true;
    if (this.#hasHead) return this.#take(chunk);
    const read = this.#reader.push(chunk);
    if (read === undefined) return;
    const { status, code, headers, length } = read.head;
    this.#hasHead = true;
    this.#isMute = this.#isHead || code === 204 || code === 304;
    this.#left = this.#isMute ? 0 : (length ?? -1);
    // Before the head is handed on: what is wrong in the same piece is no news of a body then.
    this.#take(read.rest);
    this.#resolve({ status, headers, body: this });
  }

  /** The stream has ended as it should. @throws {ClientError} where the response is not whole. */
  end(): void {
    if (this.#isOver) return;
    if (!this.#hasHead) throw new ClientError("TRUNCATED", "the server ended its response before the end of the head");
    if (this.#left > 0) throw new ClientError("TRUNCATED", `the response ended ${this.#left} bytes before its Content-Length`);
    this.#isOver = true;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(done);
  }

  /** It will not become whole. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = { error };
    this.#reject(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #take(chunk: Buffer): void {
    if (chunk.length === 0 || this.#isMute) return;
    if (this.#left !== -1) {
      if (chunk.length > this.#left) throw new ClientError("MALFORMED", "the response is longer than its Content-Length");
      this.#left -= chunk.length;
    }
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) return waiter.resolve({ done: false, value: chunk });
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  // The body.

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.close();
        return done;
      },
    };
  }

  close(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#error = undefined;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(done);
    if (!wasOver) this.#source.left();
    else this.#source.taken();
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.byteLength;
      this.#source.taken();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error.error);
    if (this.#isOver) return Promise.resolve(done);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }
}
