/** Bytes that come in pieces and are looked at as a whole. Room is doubled, so that what comes byte by byte is not copied for each. */
export class GatheredBytes {
  #buffer: Buffer = Buffer.alloc(0);
  #used = 0;

  /** @returns all that came so far; good until the next call. */
  append(chunk: Buffer): Buffer {
    if (this.#used === 0) {
      this.#buffer = chunk;
    } else {
      if (this.#used + chunk.length > this.#buffer.length) {
        const room = Buffer.allocUnsafe(Math.max(512, 2 * (this.#used + chunk.length)));
        this.#buffer.copy(room, 0, 0, this.#used);
        this.#buffer = room;
      }
      chunk.copy(this.#buffer, this.#used);
    }
    this.#used += chunk.length;
    return this.#buffer.subarray(0, this.#used);
  }
}
