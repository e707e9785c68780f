import { HTTPError } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";

/** The body of a `Request`, as `wsgi.input` pulls it. Its stream is left alone until somebody reads. */
export class RequestBody implements ChunkSource {
  readonly #request: Request;
  readonly #maxBytes: number;
  /** Of the body, by its Content-Length. */
  #length: number | undefined = undefined;
  #given = 0;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  /** Why nothing can be read any more. */
  #over: Error | undefined = undefined;

  constructor(request: Request, maxBytes: number) {
    this.#request = request;
    this.#maxBytes = maxBytes;
  }

  /** Tells how long the body is to be. */
  expect(length: number): void {
    this.#length = length;
  }

  async pull(): Promise<Uint8Array | undefined> {
    if (this.#over !== undefined) throw this.#over;
    this.#reader ??= readerOf(this.#request);
    let step: { readonly done: boolean; readonly value?: unknown };
    try {
      step = await this.#reader.read();
    } catch (cause) {
      throw this.#over ?? new HTTPError(400, "the request body was cut short", { cause });
    }
    // A stream that is cancelled looks as if it had ended.
    if (this.#over !== undefined) throw this.#over;
    if (step.done) {
      // Not every host tells a body that was cut short from one that has ended.
      if (this.#request.signal.aborted || this.#given < (this.#length ?? 0))
        throw new HTTPError(400, "the request body was cut short");
      return undefined;
    }
    const { value } = step;
    if (!(value instanceof Uint8Array)) throw new TypeError("the body of the Request gave a chunk that is no Uint8Array");
    this.#given += value.byteLength;
    if (this.#given > (this.#length ?? Infinity)) throw new HTTPError(400, "the request body is longer than its Content-Length");
    if (this.#given > this.#maxBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
    return value;
  }

  /** The response is over: what is left of the body is the host's. */
  end(): void {
    this.#over = new Error("wsgi.input was read after the response had ended");
    this.#reader?.cancel(this.#over).catch(ignore);
  }

  /** The client has left: whoever produces the body is told, where it was being read. */
  cancel(reason: Error): void {
    this.#over = reason;
    this.#reader?.cancel(reason).catch(ignore);
  }
}

function ignore(): void {}

/** @throws {Error} that says what to do, where somebody has read the body before. */
function readerOf(request: Request): ReadableStreamDefaultReader<Uint8Array> {
  const { body } = request;
  if (body === null || request.bodyUsed || body.locked) {
    throw new Error(
      "the body of the Request was read before toFetch() got it: call the handler first, or with request.clone(), which keeps it readable",
    );
  }
  return body.getReader();
}
