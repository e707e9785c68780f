/** How many bytes of a body wait for a reader before the application has to. */
const highWaterBytes = 64 * 1024;

/** The body of a `Response` that comes piece by piece, pulled as its reader reads. */
export class ResponseStream {
  readonly readable: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined = undefined;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** The reader waits for a chunk. */
  #isWanted = false;
  #isOver = false;
  #failure: Error | undefined = undefined;
  /** Wakes whoever waits for room in the queue. */
  #wake: (() => void) | undefined = undefined;
  #handedOver: (() => void) | undefined = undefined;

  /** @param cancelled is called when the reader wants no more. */
  constructor(cancelled: (cause: unknown) => void) {
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: cancelled,
      },
      // Nothing beyond what is asked for: chunks that wait do so in our queue, where the application feels them.
      { highWaterMark: 0 },
    );
  }

  /** What the reader has not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#isWanted) {
      this.#isWanted = false;
      this.#controller?.enqueue(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes < highWaterBytes) return;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Gives a promise where the reader has not taken all. */
  end(): void | Promise<void> {
    this.#isOver = true;
    if (this.#queue.length === 0) return this.#controller?.close();
    return new Promise((resolve) => {
      this.#handedOver = resolve;
    });
  }

  /** Breaks off, behind what was written before. */
  fail(failure: Error): void {
    this.#failure = failure;
    if (this.#queue.length === 0) this.#break();
  }

  /** Nobody reads any more. */
  drop(reason: Error): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    // Not at once: a host whose client has left cancels the stream in a moment, and would report the error.
    this.fail(reason);
    this.#wakeUp();
    this.#handedOver?.();
  }

  /** The reader asks for more. */
  #pull(): void {
    const chunk = this.#queue.shift();
    if (chunk === undefined) {
      if (this.#failure !== undefined) this.#break();
      else this.#isWanted = true;
      return;
    }
    this.#queuedBytes -= chunk.byteLength;
    this.#controller?.enqueue(chunk);
    if (this.#queuedBytes < highWaterBytes) this.#wakeUp();
    if (!this.#isOver || this.#queue.length > 0) return;
    this.#controller?.close();
    this.#handedOver?.();
  }

  /** Hosts that wait a turn of the loop for more of a body drop what they hold when it fails: they get two to send it. */
  #break(): void {
    setTimeout(() => setTimeout(() => this.#controller?.error(this.#failure), 0), 0);
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
