import type { ChunkSource } from "./input-stream.ts";

/** Octets as text, one character each. */
export const show = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** The octets of such a text. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Gives chunks, then fails or ends; throws if it is used in a way that {@link ChunkSource} rules out. */
export class ListSource implements ChunkSource {
  pulls = 0;
  #over = false;
  #pending = false;
  readonly #chunks: Uint8Array[];
  readonly #later: (pull: number) => boolean;
  readonly #failure: unknown;

  constructor(chunks: Uint8Array[], options: { later?: (pull: number) => boolean; failure?: unknown } = {}) {
    this.#chunks = [...chunks];
    this.#later = options.later ?? (() => false);
    this.#failure = options.failure;
  }

  pull(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#over || this.#pending) throw new Error("pulled after the end, or while a pull was pending");
    if (!this.#later(this.pulls++)) return this.#next();
    this.#pending = true;
    return Promise.resolve().then(() => {
      this.#pending = false;
      return this.#next();
    });
  }

  #next(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return chunk;
    this.#over = true;
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }
}
