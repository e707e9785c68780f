import type { BodyTransform, Chunks } from "@gateway/core";
import { methodsOf, type Coding, type CoderStream, type CodingMethods, type CodingSettings } from "./codings.ts";
import { padded } from "./padding.ts";

/** What a {@link Coder} is for. */
export interface CoderSettings extends CodingSettings {
  readonly coding: Coding;
  /** See `padded`. */
  readonly paddingBytes: number;
  /** The Content-Length that the body came with, which nobody further out can check any more; -1 for none. */
  readonly announcedBytes: number;
}

/** How much is gathered before the coder gets it: its work is handed to another thread, which is not worth it for a few bytes. */
const gatheredBytes = 16 * 1024;
const firstGatheredBytes = 1024;

/**
 * Codes a stream as it comes, for `transformBody`. Small chunks are gathered, until there are 16 KiB of them, the source pauses or it
 * ends; at most that much and what one chunk became is held. The coder itself is made when the first bytes go in, and a body that ends
 * before is coded without one. `close()` frees it.
 */
export class Coder implements BodyTransform {
  readonly async = true;
  readonly #settings: CoderSettings;
  readonly #methods: CodingMethods;
  #stream: CoderStream | undefined = undefined;
  /** Made of the output since it was last taken. */
  #out: Uint8Array[] = [];
  #gathered: Buffer = Buffer.alloc(0);
  #gatheredLength = 0;
  #received = 0;
  #isClosed = false;
  #isPadded: boolean;
  /** What is to be done when the coder fails: the operation under way rejects. */
  #fail: (error: Error) => void = () => {};

  constructor(settings: CoderSettings) {
    this.#settings = settings;
    this.#methods = methodsOf(settings.coding);
    this.#isPadded = settings.paddingBytes === 0;
  }

  chunk(chunk: Uint8Array): Chunks | Promise<Chunks> {
    const { announcedBytes } = this.#settings;
    this.#received += chunk.byteLength;
    if (announcedBytes !== -1 && this.#received > announcedBytes) {
      throw new Error(`the body is longer than its Content-Length of ${announcedBytes} bytes`);
    }
    if (this.#gatheredLength + chunk.byteLength > gatheredBytes) return this.#code(chunk);
    this.#gather(chunk);
    return undefined;
  }

  flush(): Chunks | Promise<Chunks> {
    return this.#gatheredLength === 0 && this.#stream === undefined ? undefined : this.#flush();
  }

  end(): Chunks | Promise<Chunks> {
    const { announcedBytes, coding, paddingBytes } = this.#settings;
    if (announcedBytes > this.#received) {
      throw new Error(`the body ended after ${this.#received} of the ${announcedBytes} bytes of its Content-Length`);
    }
    if (this.#stream !== undefined || (coding === "br" && paddingBytes > 0)) return this.#end();
    const bytes = this.#takeGathered();
    return padded(coding, this.#methods.encodeSync(bytes, { ...this.#settings, bytes: bytes.length }), paddingBytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.destroy();
    this.#out = [];
    this.#gathered = Buffer.alloc(0);
  }

  /** A copy: whoever wrote the chunk with `write()` may change it when the next is asked for. */
  #gather(chunk: Uint8Array): void {
    const needed = this.#gatheredLength + chunk.byteLength;
    if (needed > this.#gathered.length) {
      const larger = Buffer.allocUnsafe(Math.min(gatheredBytes, Math.max(firstGatheredBytes, 2 * needed)));
      this.#gathered.copy(larger, 0, 0, this.#gatheredLength);
      this.#gathered = larger;
    }
    this.#gathered.set(chunk, this.#gatheredLength);
    this.#gatheredLength = needed;
  }

  #takeGathered(): Buffer {
    const bytes = this.#gathered.subarray(0, this.#gatheredLength);
    this.#gatheredLength = 0;
    return bytes;
  }

  async #code(chunk: Uint8Array): Promise<Chunks> {
    const stream = await this.#open();
    if (this.#gatheredLength > 0) await this.#write(stream, this.#takeGathered());
    await this.#write(stream, chunk);
    return this.#take();
  }

  async #flush(): Promise<Chunks> {
    const stream = await this.#open();
    if (this.#gatheredLength > 0) await this.#write(stream, this.#takeGathered());
    await this.#drain(stream);
    return this.#take();
  }

  async #end(): Promise<Chunks> {
    const stream = await this.#open();
    const rest = this.#takeGathered();
    await this.#run((done) => {
      stream.once("end", done);
      if (rest.length > 0) stream.end(rest);
      else stream.end();
    });
    return this.#take();
  }

  async #open(): Promise<CoderStream> {
    if (this.#stream !== undefined) return this.#stream;
    if (this.#isClosed) throw new Error("the coder was closed");
    const stream = this.#methods.createEncoder(this.#settings);
    this.#stream = stream;
    stream.on("data", (coded: Buffer) => {
      if (this.#isPadded) this.#out.push(coded);
      else this.#pad(coded);
    });
    stream.on("error", (error: Error) => this.#fail(error));
    // Padding of br stands behind its header, which a first flush brings out.
    if (!this.#isPadded && this.#settings.coding === "br") await this.#drain(stream);
    return stream;
  }

  #pad(coded: Buffer): void {
    this.#isPadded = true;
    this.#out.push(...padded(this.#settings.coding, coded, this.#settings.paddingBytes));
  }

  #write(stream: CoderStream, bytes: Uint8Array): Promise<void> {
    return this.#run((done) => stream.write(bytes, done));
  }

  #drain(stream: CoderStream): Promise<void> {
    return this.#run((done) => stream.flush(this.#methods.flushOperation, done));
  }

  /** One operation of the coder, to its end or failure. */
  #run(operation: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      operation(resolve);
    });
  }

  #take(): Chunks {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
