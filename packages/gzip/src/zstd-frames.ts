/** What comes next. */
type Part = "magic" | "skippable" | "descriptor" | "header" | "block" | "content" | "checksum" | "unknown";

/**
 * Follows the frames of zstd data (RFC 8878, section 3) without decoding them. The decoder of Node 22 and 24 takes data that were cut short for
 * whole ones, and stops behind the first frame of a chunk, so somebody has to know where frames end.
 */
export class ZstdFrames {
  /** How many frames have begun. */
  count = 0;
  #at: Part = "magic";
  /** How many bytes of that are missing. */
  #missing = 4;
  /** The bytes of a number that are there already, the lowest first, and how many. */
  #number = 0;
  #digits = 0;
  #hasChecksum = false;
  #isLastBlock = false;

  /** Nothing is left open. */
  get isBetween(): boolean {
    return this.#at === "magic" && this.#digits === 0;
  }

  /** @returns the index behind the frame that the bytes are in from `start` on; where that is not among them, their length. */
  follow(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length) {
      if (this.#at === "unknown") return bytes.length;
      if (this.#at === "header" || this.#at === "content" || this.#at === "checksum") {
        const passed = Math.min(this.#missing, bytes.length - at);
        at += passed;
        this.#missing -= passed;
      } else {
        this.#number += (bytes[at++] ?? 0) * 256 ** this.#digits++;
        this.#missing--;
      }
      while (this.#missing === 0) if (this.#advance()) return at;
    }
    return at;
  }

  /** A part is complete: what follows it. @returns whether that was the end of a frame. */
  #advance(): boolean {
    const number = this.#number;
    switch (this.#at) {
      case "magic":
        this.count++;
        if (number === 0xfd2fb528) this.#expect("descriptor", 1);
        else if (number >= 0x184d2a50 && number <= 0x184d2a5f) this.#expect("skippable", 4);
        else this.#expect("unknown", Infinity);
        return false;
      case "skippable":
        this.#hasChecksum = false;
        this.#isLastBlock = true;
        this.#expect("content", number);
        return false;
      case "descriptor": {
        const isSingleSegment = (number & 0x20) !== 0;
        const dictionaryBytes = [0, 1, 2, 4][number & 0x03] ?? 0;
        const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][number >> 6] ?? 0;
        this.#hasChecksum = (number & 0x04) !== 0;
        this.#expect("header", (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
        return false;
      }
      case "header":
        this.#expect("block", 3);
        return false;
      case "block": {
        this.#isLastBlock = (number & 1) !== 0;
        // One byte that is repeated, or as many as it says.
        const isRepeated = ((number >> 1) & 3) === 1;
        this.#expect("content", isRepeated ? 1 : number >> 3);
        return false;
      }
      case "content":
        if (!this.#isLastBlock || this.#hasChecksum) {
          this.#expect(this.#isLastBlock ? "checksum" : "block", this.#isLastBlock ? 4 : 3);
          return false;
        }
        this.#expect("magic", 4);
        return true;
      case "checksum":
        this.#expect("magic", 4);
        return true;
      default:
        return false;
    }
  }

  #expect(what: Part, bytes: number): void {
    this.#at = what;
    this.#missing = bytes;
    this.#number = 0;
    this.#digits = 0;
  }
}
