import type { Readable } from "node:stream";
import { HTTPError } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";

/** How much a body may be. */
interface BodyLimits {
  readonly maxBodyBytes: number;
  /** What may be read before it is asked for, see {@link BodyInput.readAhead}. */
  readonly aheadBytes: number;
}

/**
 * A request body on a stream that need not end where the body does: exactly `length` bytes of it; `undefined` is until its end. Nothing is
 * read before it is asked for.
 */
export class BodyInput implements ChunkSource {
  readonly #stream: Readable;
  readonly #isCounted: boolean;
  readonly #limits: BodyLimits;
  /** Of the body, and not read from the stream yet. */
  #left: number;
  readonly #chunks: Uint8Array[] = [];
  #waitingBytes = 0;
  #given = 0;
  #isListening = false;
  #isAhead = false;
  #isDraining = false;
  /** Nothing more will come: `error` is `undefined` where that is the end of the body. */
  #end: { readonly error: unknown } | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(stream: Readable, length: number | undefined, limits: BodyLimits) {
    this.#stream = stream;
    this.#left = length ?? Infinity;
    this.#isCounted = length !== undefined;
    this.#limits = limits;
    if (length === 0) this.#end = { error: undefined };
  }

  async pull(): Promise<Uint8Array | undefined> {
    if (this.#chunks.length === 0 && this.#end === undefined) await this.#more();
    const chunk = this.#chunks.shift();
    if (chunk === undefined) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      return undefined;
    }
    this.#waitingBytes -= chunk.byteLength;
    this.#given += chunk.byteLength;
    this.#steer();
    if (this.#given > this.#limits.maxBodyBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
    return chunk;
  }

  /**
   * The response waits for its reader. Apache httpd reads none of it before the program has read the whole body: so it is read on, up to a
   * limit, or both would wait for ever.
   */
  readAhead(isAhead: boolean): void {
    this.#isAhead = isAhead;
    this.#steer();
  }

  /** Reads what the application left, and throws it away: a front server whose pipe is broken drops the response. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#chunks.length = 0;
    while (this.#end === undefined) await this.#more();
  }

  /** Nobody may read any more. */
  stop(reason: Error): void {
    this.#chunks.length = 0;
    this.#finish(reason);
  }

  /** Resolves when a chunk has come, or the end. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#steer();
    });
  }

  #steer(): void {
    if (this.#end !== undefined) return;
    const isWanted =
      this.#wake !== undefined || this.#isDraining || (this.#isAhead && this.#waitingBytes < this.#limits.aheadBytes);
    if (isWanted) this.#listen();
    if (isWanted && this.#isListening) this.#stream.resume();
    else if (this.#isListening) this.#stream.pause();
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#stream.on("data", this.#came).on("end", this.#ended).on("close", this.#ended).on("error", this.#ended);
  }

  readonly #came = (chunk: Uint8Array): void => {
    const piece = chunk.subarray(0, Math.min(chunk.byteLength, this.#left));
    this.#left -= piece.byteLength;
    if (!this.#isDraining && piece.byteLength > 0) {
      this.#chunks.push(piece);
      this.#waitingBytes += piece.byteLength;
    }
    if (this.#left === 0) this.#finish(undefined);
    else this.#woken();
    this.#steer();
  };

  readonly #ended = (): void => this.#finish(this.#isCounted ? new HTTPError(400, "the request body was cut short") : undefined);

  #finish(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#stream.off("data", this.#came).off("end", this.#ended).off("close", this.#ended).off("error", this.#ended);
    this.#stream.pause();
    this.#woken();
  }

  #woken(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
