import type { ErrorStream, ResponseBody } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";

type Step = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** How many turns of the queue of promises a read of what is there may take: a stream made of bytes or of a text takes fewer. */
const turns = 6;

/**
 * The body of a `Response` for the server: an array where it is all there already, so that its length can be told; else a stream that is
 * pulled, and cancelled when it is closed early.
 */
export async function responseBody(stream: ReadableStream<Uint8Array>, errors: ErrorStream): Promise<ResponseBody> {
  const reader = stream.getReader();
  const first = reader.read();
  const begun = await soon(first);
  if (begun === undefined) return new StreamedBody(reader, [first], errors);
  if (begun.done) return [];
  const second = reader.read();
  const then = await soon(second);
  return then?.done === true ? [begun.value] : new StreamedBody(reader, [first, second], errors);
}

const turn = Promise.resolve();

/** What was read, if it is there at once; who asks again learns why it failed. */
async function soon(read: Promise<Step>): Promise<Step | undefined> {
  const found: { step?: Step } = {};
  read.then((step) => {
    found.step = step;
  }, ignore);
  for (let i = 0; i < turns && found.step === undefined; i++) await turn;
  return found.step;
}

function ignore(): void {}

class StreamedBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #errors: ErrorStream;
  /** Begun already, to see whether the body is more than one chunk. */
  readonly #reads: Promise<Step>[];
  #isOver = false;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, reads: Promise<Step>[], errors: ErrorStream) {
    this.#reader = reader;
    this.#reads = reads;
    this.#errors = errors;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    let step: Step;
    try {
      step = await (this.#reads.shift() ?? this.#reader.read());
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    if (!step.done) return { done: false, value: step.value };
    this.#isOver = true;
    return { done: true, value: undefined };
  }

  /** Tells the handler that nobody reads any more. Nothing waits for it: a stream may never answer. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reader.cancel().catch((error: unknown) => this.#errors.write(errorText(error)));
  }
}
