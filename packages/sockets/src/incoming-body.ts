import { BodyPieces } from "./body-pieces.ts";
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
  readonly #pieces = new BodyPieces();
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
    return this.#pieces.bytes;
  }

  push(chunk: Buffer): void {
    if (this.#isOver || chunk.byteLength === 0) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter.resolve({ done: false, value: chunk });
    else this.#pieces.push(chunk);
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
    this.#pieces.drop();
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
    const first = this.#pieces.shift();
    if (first === undefined || this.#pieces.bytes === 0) return first;
    const taken = [first];
    let bytes = first.length;
    while (this.#pieces.bytes > 0 && bytes + this.#pieces.nextBytes <= joinBytes) {
      const next = this.#pieces.shift();
      if (next === undefined) break;
      taken.push(next);
      bytes += next.length;
    }
    return taken.length > 1 ? Buffer.concat(taken, bytes) : first;
  }
}
