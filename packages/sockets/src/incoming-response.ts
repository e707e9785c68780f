import { ClientError } from "./client-error.ts";
import type { GatewayResponse } from "./gateway-client.ts";
import { IncomingBody, type ResponseSource } from "./incoming-body.ts";
import { ResponseHeadReader, type HeadRules } from "./response-head.ts";

/** One response of a server behind a gateway protocol as it comes: its head, and a body that waits to be read. */
export class IncomingResponse {
  /** Resolves at the head. */
  readonly response: Promise<GatewayResponse>;
  readonly #reader: ResponseHeadReader;
  readonly #isHead: boolean;
  readonly #body: IncomingBody;
  #resolve: (response: GatewayResponse) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #hasHead = false;
  #hasBegun = false;
  /** Of the body, still to come; -1 where only the end of the stream tells. */
  #left = -1;
  /** What comes is thrown away: there is no body. */
  #isMute = false;

  /** @param isHead whether the request was HEAD: then there is no body, whatever comes. */
  constructor(rules: HeadRules, isHead: boolean, source: ResponseSource) {
    this.#reader = new ResponseHeadReader(rules);
    this.#isHead = isHead;
    this.#body = new IncomingBody(source);
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

  get hasHead(): boolean {
    return this.#hasHead;
  }

  /** No byte of the body is missing, as far as its length is known. */
  get isWhole(): boolean {
    return this.#hasHead && (this.#left === 0 || this.#isMute);
  }

  /** Of the body, and not read yet. */
  get waitingBytes(): number {
    return this.#body.waitingBytes;
  }

  /** @throws {ClientError} for what is no response, or more than one. */
  push(chunk: Buffer): void {
    if (this.#body.isOver || chunk.length === 0) return;
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
    this.#resolve({ status, headers, body: this.#body });
  }

  /** The stream has ended as it should. @throws {ClientError} where the response is not whole. */
  end(): void {
    if (this.#body.isOver) return;
    if (!this.#hasHead) throw new ClientError("TRUNCATED", "the server ended its response before the end of the head");
    if (this.#left > 0) throw new ClientError("TRUNCATED", `the response ended ${this.#left} bytes before its Content-Length`);
    this.#body.end();
  }

  /** It will not become whole. */
  fail(error: unknown): void {
    if (this.#body.isOver) return;
    this.#reject(error);
    this.#body.fail(error);
  }

  #take(chunk: Buffer): void {
    if (chunk.length === 0 || this.#isMute) return;
    if (this.#left !== -1) {
      if (chunk.length > this.#left) throw new ClientError("MALFORMED", "the response is longer than its Content-Length");
      this.#left -= chunk.length;
    }
    this.#body.push(chunk);
  }
}
