/** Smaller ones are copied together: a record may carry one byte, and each piece costs a hundred and holds on to what it came in. */
const smallBytes = 1024;
const blockBytes = 8 * 1024;
const none = Buffer.alloc(0);

/** The pieces of a body that came and that nobody has pulled yet. */
export class BodyPieces {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #block: Buffer = none;
  #blockUsed = 0;
  /** Where in the block the last piece begins; -1 where that is no part of it. */
  #tailFrom = -1;

  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (piece.length >= smallBytes) {
      this.#tailFrom = -1;
      this.#pieces.push(piece);
      return;
    }
    if (this.#block.length - this.#blockUsed < piece.length) {
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
      this.#blockUsed = 0;
      this.#tailFrom = -1;
    }
    if (this.#tailFrom === -1) this.#tailFrom = this.#blockUsed;
    else this.#pieces.pop();
    piece.copy(this.#block, this.#blockUsed);
    this.#blockUsed += piece.length;
    this.#pieces.push(this.#block.subarray(this.#tailFrom, this.#blockUsed));
  }

  /** Of the piece that {@link shift} gives; 0 where there is none. */
  get nextBytes(): number {
    return this.#pieces[0]?.length ?? 0;
  }

  shift(): Buffer | undefined {
    const piece = this.#pieces.shift();
    this.#bytes -= piece?.length ?? 0;
    if (this.#pieces.length === 0) this.#tailFrom = -1;
    return piece;
  }

  /** Drops what is beyond so many bytes. */
  truncate(bytes: number): void {
    while (this.#bytes > bytes) {
      const last = this.#pieces.pop() ?? none;
      const kept = Math.max(0, last.length - (this.#bytes - bytes));
      this.#bytes -= last.length - kept;
      this.#tailFrom = -1;
      if (kept > 0) this.#pieces.push(last.subarray(0, kept));
    }
  }

  drop(): void {
    this.truncate(0);
    this.#block = none;
    this.#blockUsed = 0;
  }
}
