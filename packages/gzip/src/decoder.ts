import { HTTPError } from "@gateway/core";
import { ZstdFrames } from "./zstd-frames.ts";
import { methodsOf, type Coding, type CoderStream } from "./codings.ts";

/** What decoding may come to. */
export interface DecoderLimits {
  readonly maxBytes: number;
  readonly maxRatio: number;
  /** Up to here the ratio does not count: a short body may well be one letter, repeated. */
  readonly ratioFromBytes: number;
}

/** Each frame of zstd is work for the thread pool, however short it is. */
const maxFrames = 1000;

/** Gives the next chunk, `undefined` at the end. */
export type Pull = () => Promise<Uint8Array | undefined>;

/**
 * Undoes one content coding, as it is read: what was decoded waits until it is asked for, some 64 KiB of it. Rejects with an `HTTPError`: 400 for
 * what is not of that coding, is cut short, or goes on behind its end; 413 for what becomes too much. Members of gzip (RFC 1952, section 2.2)
 * and frames of zstd (RFC 8878, section 3) may follow one another. A body of no bytes is one of no bytes.
 */
export class Decoder {
  readonly #coding: Coding;
  readonly #source: Pull;
  readonly #limits: DecoderLimits;
  /** How much has come over the wire: what the ratio is to. */
  readonly #wireBytes: () => number;
  readonly #frames: ZstdFrames | undefined;
  /** What is left of a chunk behind the end of a frame. */
  #rest: Uint8Array | undefined = undefined;
  #stream: CoderStream | undefined = undefined;
  #fed = 0;
  #given = 0;
  #isWriting = false;
  #isFed = false;
  #isEnded = false;
  #failure: Error | undefined = undefined;
  #wake: () => void = () => {};

  constructor(coding: Coding, source: Pull, limits: DecoderLimits, wireBytes: () => number) {
    this.#coding = coding;
    this.#source = source;
    this.#limits = limits;
    this.#wireBytes = wireBytes;
    this.#frames = coding === "zstd" ? new ZstdFrames() : undefined;
  }

  async pull(): Promise<Uint8Array | undefined> {
    for (;;) {
      const decoded = this.#stream?.read() as Buffer | null | undefined;
      if (decoded) return this.#counted(decoded);
      if (this.#failure !== undefined) throw this.#broken(this.#failure);
      if (this.#isEnded) return this.#finished();
      if (this.#isWriting || this.#isFed) await this.#event();
      else if (!(await this.#feed())) return undefined;
    }
  }

  /** Frees the decoder, also while it works. */
  destroy(): void {
    this.#failure ??= new Error("the decoder was freed");
    this.#stream?.destroy();
    this.#wake();
  }

  /** @returns false when there is nothing to decode at all. */
  async #feed(): Promise<boolean> {
    const chunk = this.#rest ?? (await this.#source());
    this.#rest = undefined;
    if (chunk === undefined) {
      this.#isFed = true;
      if (this.#frames?.isBetween === false) throw this.#broken();
      this.#stream?.end();
      return this.#stream !== undefined;
    }
    if (chunk.byteLength > 0 && this.#failure === undefined) this.#write(this.#ofOneFrame(chunk));
    return true;
  }

  #write(chunk: Uint8Array): void {
    const stream = (this.#stream ??= this.#open());
    this.#fed += chunk.byteLength;
    this.#isWriting = true;
    stream.write(chunk, () => {
      this.#isWriting = false;
      this.#wake();
    });
  }

  /** The part of a chunk that the decoder can take at once. */
  #ofOneFrame(chunk: Uint8Array): Uint8Array {
    const frames = this.#frames;
    if (frames === undefined) return chunk;
    const end = frames.follow(chunk, 0);
    if (frames.count > maxFrames) this.#refuse(`more than ${maxFrames} frames`);
    if (end === chunk.byteLength) return chunk;
    this.#rest = chunk.subarray(end);
    return chunk.subarray(0, end);
  }

  #open(): CoderStream {
    const stream = methodsOf(this.#coding).createDecoder();
    stream.on("readable", () => this.#wake());
    stream.on("end", () => {
      this.#isEnded = true;
      this.#wake();
    });
    stream.on("error", (error: Error) => {
      this.#failure ??= error;
      this.#wake();
    });
    return stream;
  }

  #event(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #counted(decoded: Buffer): Uint8Array {
    const { maxBytes, maxRatio, ratioFromBytes } = this.#limits;
    this.#given += decoded.byteLength;
    if (this.#given > maxBytes) this.#refuse(`more than ${maxBytes} bytes`);
    if (this.#given > ratioFromBytes && this.#given > maxRatio * this.#wireBytes()) {
      this.#refuse(`more than ${maxRatio} times what was sent`);
    }
    return decoded;
  }

  #refuse(what: string): never {
    this.destroy();
    throw new HTTPError(413, `The request body, decoded, has ${what}.`);
  }

  async #finished(): Promise<undefined> {
    // The end may have come with the last chunk but one.
    const isWhole = this.#stream?.bytesWritten === this.#fed && (await this.#isAtEnd());
    this.destroy();
    if (isWhole) return undefined;
    throw new HTTPError(400, `The request body goes on behind the end of its ${this.#coding} data.`);
  }

  /** Nothing but empty chunks is left. */
  async #isAtEnd(): Promise<boolean> {
    while (!this.#isFed) {
      const more = this.#rest ?? (await this.#source());
      if (more === undefined) this.#isFed = true;
      else if (more.byteLength > 0) return false;
    }
    return true;
  }

  #broken(error?: Error): Error {
    this.destroy();
    // What zlib has to say of the data has a code.
    if (error !== undefined && !("code" in error)) return error;
    return new HTTPError(400, `The request body is no valid ${this.#coding} data, or was cut short.`);
  }
}
