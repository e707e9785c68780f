import type { Readable } from "node:stream";
import type { HTTPError } from "@gateway/core";
import { parseDisposition } from "./content-disposition.ts";
import { decoderOf, parseMediaType, type MediaType } from "./media-type.ts";
import type { Part } from "./part.ts";
import { malformed, tooMuch, unsupported } from "./refusals.ts";

/** What the parser finds of headers: null prototype, names in lower case, values in latin-1. */
export type PartHeaders = Readonly<Record<string, readonly string[]>>;

/** Where the bytes of a part come from. */
interface PartSource {
  /** Parses some more of the body. Never rejects. */
  feed(): Promise<void>;
  /** What went wrong with the part of that number or before it; `undefined` when nothing did. */
  failureOf(part: number): { readonly error: unknown } | undefined;
  /** The part of that number is not whole. */
  fail(error: unknown, part: number): void;
}

/** A part whose bytes come as they are asked for. */
export class ArrivingPart implements Part {
  name = "";
  filename: string | undefined = undefined;
  headers: ReadonlyMap<string, string> = new Map();
  /** Its place in the body, from 1. */
  readonly number: number;
  /** Its head has come. */
  hasBegun = false;
  /** All its bytes have come. */
  hasEnded = false;

  readonly #reader: PartSource;
  readonly #stream: Readable;
  readonly #count: (before: number, bytes: number) => void;
  #media: MediaType = { type: "text/plain", parameters: {} };
  readonly #chunks: Uint8Array[] = [];
  #received = 0;
  #isDiscarded = false;

  constructor(reader: PartSource, stream: Readable, number: number, count: (before: number, bytes: number) => void) {
    this.#reader = reader;
    this.#stream = stream;
    this.number = number;
    this.#count = count;
    stream.on("end", () => {
      this.hasEnded = true;
    });
  }

  get type(): string {
    return this.#media.type;
  }

  /** @throws {HTTPError} for a head that cannot be read, or is too long. */
  begin(headers: PartHeaders, headerBytes: number): void {
    this.hasBegun = true;
    const list = Object.entries(headers);
    let bytes = 0;
    for (const [name, values] of list) for (const value of values) bytes += name.length + value.length + 4; // ": " and CRLF
    if (bytes > headerBytes) throw tooMuch(`The headers of a part have more than the ${headerBytes} bytes that are allowed.`);
    this.headers = new Map(list.map(([name, values]) => [name, values.join(", ")]));
    const dispositions = headers["content-disposition"] ?? [];
    const [disposition] = dispositions;
    if (disposition === undefined || dispositions.length > 1) throw headless();
    const { name, filename } = parseDisposition(disposition);
    this.name = name;
    this.filename = filename;
    const type = this.headers.get("content-type");
    if (type !== undefined) this.#media = parseMediaType(type);
    const coding = this.headers.get("content-transfer-encoding")?.toLowerCase() ?? "binary";
    if (coding !== "binary" && coding !== "8bit" && coding !== "7bit") {
      throw unsupported("A part of the multipart body has a transfer encoding, which forms do not have.");
    }
  }

  /** Takes over what the parser has found. */
  collect(): void {
    // All that is buffered, in one piece; what ends the stream is that it was asked.
    const chunk: unknown = this.#stream.read();
    if (!(chunk instanceof Uint8Array)) return;
    if (!this.hasBegun || this.#reader.failureOf(this.number) !== undefined) return;
    try {
      this.#count(this.#received, chunk.byteLength);
    } catch (error) {
      return this.#reader.fail(error, this.number);
    }
    this.#received += chunk.byteLength;
    if (!this.#isDiscarded) this.#chunks.push(chunk);
  }

  /** Nobody wants the rest of it. */
  discard(): void {
    this.#isDiscarded = true;
    this.#chunks.length = 0;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    // No return(): what is not taken passes by when the next part is asked for.
    return { next: () => this.#next() };
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      if (this.#isDiscarded) throw new Error("multipart: a part is read before the next one is asked for, and this one has passed");
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return { done: false, value: chunk };
      const failure = this.#reader.failureOf(this.number);
      if (failure !== undefined) throw failure.error;
      if (this.hasEnded) return { done: true, value: undefined };
      await this.#reader.feed();
    }
  }

  /** Waits for its first byte, or for its end; takes nothing. */
  async isEmpty(): Promise<boolean> {
    while (this.#chunks.length === 0 && !this.hasEnded && this.#reader.failureOf(this.number) === undefined)
      await this.#reader.feed();
    return this.#chunks.length === 0 && this.#reader.failureOf(this.number) === undefined;
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    const [only] = chunks;
    return chunks.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(chunks));
  }

  async text(): Promise<string> {
    const decode = decoderOf(this.#media);
    return decode(await this.bytes());
  }
}

/** The error for a part that does not say what it is. */
export function headless(): HTTPError {
  return malformed("A part of the multipart body has no Content-Disposition, or more than one.");
}
