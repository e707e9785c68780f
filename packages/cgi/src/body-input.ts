import type { Readable } from "node:stream";
import { HTTPError } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";

/**
 * A request body on a stream that need not end where the body does: exactly `length` bytes of it; `undefined` is until its end. Nothing is
 * read before it is asked for.
 */
export class BodyInput implements ChunkSource {
  readonly #stream: Readable;
  #left: number;
  readonly #isCounted: boolean;
  readonly #maxBytes: number;
  #given = 0;
  #chunks: AsyncIterator<Buffer> | undefined = undefined;

  constructor(stream: Readable, length: number | undefined, maxBytes: number) {
    this.#stream = stream;
    this.#left = length ?? Infinity;
    this.#isCounted = length !== undefined;
    this.#maxBytes = maxBytes;
  }

  async pull(): Promise<Buffer | undefined> {
    const piece = await this.#next();
    this.#given += piece?.length ?? 0;
    if (this.#given > this.#maxBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
    return piece;
  }

  /** Reads what the application left: a front server whose pipe is broken drops the response. */
  async drain(): Promise<void> {
    try {
      while ((await this.#next()) !== undefined);
    } catch {
      // The client has left: nothing waits to be read.
    }
  }

  async #next(): Promise<Buffer | undefined> {
    if (this.#left === 0) return undefined;
    this.#chunks ??= this.#stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    const step = await this.#chunks.next();
    if (step.done === true) {
      if (this.#isCounted) throw new HTTPError(400, "the request body was cut short");
      this.#left = 0;
      return undefined;
    }
    const piece = step.value.subarray(0, Math.min(step.value.length, this.#left));
    this.#left -= piece.length;
    return piece;
  }
}
