/** Where the body of a request goes. */
export interface BodyTarget {
  /** Takes a chunk; what it returns resolves when there is room for more, also when nobody wants any. */
  send(chunk: Uint8Array): void | Promise<void>;
  /** The body has been sent whole. */
  sent(): void;
  /** The body threw, or has not the length it should have. */
  failed(error: unknown): void;
}

type Step = IteratorResult<Uint8Array>;

/** Pulls the body of a request, a chunk at a time, as fast as it is taken. */
export class OutgoingBody {
  readonly #body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Once it was begun: a body that no connection was made for may still be sent somewhere else. */
  #iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array> | undefined = undefined;
  readonly #length: number | undefined;
  #bytes = 0;
  #isOver = false;
  /** The body is being pulled, and not what takes it waited for. */
  #isPulling = false;

  /** @param length of the body in bytes; `undefined` where nobody said. */
  constructor(body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, length: number | undefined) {
    this.#body = body;
    this.#length = length;
  }

  /** The next chunk has to come from whoever makes the body. */
  get isPulling(): boolean {
    return this.#isPulling;
  }

  /** Something was asked of it. */
  get hasBegun(): boolean {
    return this.#iterator !== undefined;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Never rejects. */
  async sendTo(target: BodyTarget): Promise<void> {
    if (this.#isOver) return;
    const body = this.#body;
    try {
      const iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
      this.#iterator = iterator;
      for (;;) {
        this.#isPulling = true;
        const step: Step = await iterator.next();
        this.#isPulling = false;
        if (this.#isOver) return;
        if (step.done === true) return this.#end(target);
        this.#count(step.value);
        if (step.value.byteLength === 0) continue;
        await target.send(step.value);
        if (this.#isOver) return;
      }
    } catch (error) {
      this.#isPulling = false;
      // Nobody wants the body any more, and so nobody wants to hear what is wrong with it.
      if (this.#isOver) return;
      this.stop();
      target.failed(error);
    }
  }

  #end(target: BodyTarget): void {
    this.#isOver = true;
    if (this.#bytes < (this.#length ?? 0)) target.failed(wrongLength(this.#length));
    else target.sent();
  }

  /** Nobody wants the rest. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      void Promise.resolve(this.#iterator?.return?.()).catch(() => {});
    } catch {
      // It was told.
    }
  }

  #count(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("the body of a request is made of Uint8Arrays");
    this.#bytes += chunk.byteLength;
    if (this.#length !== undefined && this.#bytes > this.#length) throw wrongLength(this.#length);
  }
}

function wrongLength(length: number | undefined): RangeError {
  return new RangeError(`the body of the request has not the ${length} bytes that CONTENT_LENGTH says`);
}
