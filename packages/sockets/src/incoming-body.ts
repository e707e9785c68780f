import type { GatewayBody } from "./gateway-client.ts";

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

/** Pieces that wait are handed on together, up to this many bytes: servers send lines, and each piece costs all the way to the client. */
const joinBytes = 64 * 1024;

const done: IteratorResult<Uint8Array> = { done: true, value: undefined };

/** The body of a response: takes what comes, and keeps it until it is read. */
export class IncomingBody implements GatewayBody {
  readonly #source: ResponseSource;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;
  #error: { readonly error: unknown } | undefined = undefined;
  readonly #waiters: Waiter[] = [];

  constructor(source: ResponseSource) {
    this.#source = source;
  }

  /** All came, it failed, or nobody wants it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Of the body, and not read yet. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#isOver || chunk.byteLength === 0) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) return waiter.resolve({ done: false, value: chunk });
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(done);
  }

  /** It will not become whole: what came is still read, and then this is thrown. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = { error };
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

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
    const chunk = this.#take();
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

  #take(): Uint8Array | undefined {
    let count = 0;
    let bytes = 0;
    for (const { byteLength } of this.#chunks) {
      if (count > 0 && bytes + byteLength > joinBytes) break;
      bytes += byteLength;
      count++;
    }
    return count > 1 ? Buffer.concat(this.#chunks.splice(0, count), bytes) : this.#chunks.shift();
  }
}
