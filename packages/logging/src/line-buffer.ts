/** How much text is gathered before it becomes bytes: a call for each line costs more, and long ropes of text cost the collector much more. */
const ropeLength = 2048;

/** Gathers lines of ASCII as bytes. */
export class LineBuffer {
  private readonly usualBytes: number;
  private bytes: Buffer;
  private used = 0;
  private rope = "";
  /** One that was given back. */
  private spare: Buffer | undefined = undefined;

  constructor(usualBytes: number) {
    this.usualBytes = usualBytes;
    this.bytes = Buffer.allocUnsafeSlow(usualBytes);
  }

  get length(): number {
    return this.used + this.rope.length;
  }

  append(line: string): void {
    this.rope += line;
    if (this.rope.length >= ropeLength) this.flatten();
  }

  /** Takes out all that was gathered. */
  take(): Buffer {
    this.flatten();
    const taken = this.bytes.subarray(0, this.used);
    this.bytes = this.spare ?? Buffer.allocUnsafeSlow(this.usualBytes);
    this.spare = undefined;
    this.used = 0;
    return taken;
  }

  /** What was taken is not needed any more. */
  giveBack(taken: Buffer): void {
    // One that had to grow is let go.
    if (taken.buffer.byteLength === this.usualBytes) this.spare = Buffer.from(taken.buffer);
  }

  private flatten(): void {
    const { rope } = this;
    const needed = this.used + rope.length;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.used);
      this.bytes = larger;
    }
    this.used += this.bytes.write(rope, this.used, "latin1");
    this.rope = "";
  }
}
