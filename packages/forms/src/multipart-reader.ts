import { setImmediate } from "node:timers/promises";
import type { Readable } from "node:stream";
import { Dicer } from "@fastify/busboy";
import type { HTTPError, InputStream } from "@gateway/core";
import { ArrivingPart, headless, type PartHeaders } from "./arriving-part.ts";
import type { CheckedLimits } from "./form-limits.ts";
import { bodyTooLarge } from "./read-bytes.ts";
import { malformed, tooMuch } from "./refusals.ts";
import { checkName, FieldsBudget } from "./urlencoded.ts";

/**
 * The parser is given that much at a time, and what it finds in it is all that is held in memory. So it never has to be paused: it is fed when
 * somebody wants more, and else it rests.
 */
const pieceBytes = 64 * 1024;

/**
 * Reads a multipart body part by part. The parser finds boundaries and header lines; what they mean, what they may cost, and when more is read is decided
 * here.
 *
 * Results come in the order of the body, however it was cut into chunks: what is wrong with a part is told after the parts before it.
 */
export class MultipartReader implements AsyncIterator<ArrivingPart, undefined> {
  readonly #input: AsyncIterator<Uint8Array>;
  readonly #limits: CheckedLimits;
  readonly #dicer: Dicer;
  readonly #budget: FieldsBudget;
  /** Bytes that were read and not parsed. */
  #rest: Uint8Array = new Uint8Array(0);
  #read = 0;
  /** Parts whose head has come, and which nobody has got yet. */
  readonly #arrived: ArrivingPart[] = [];
  /** Parts that have not ended. */
  #open: ArrivingPart[] = [];
  #current: ArrivingPart | undefined = undefined;
  #last: ArrivingPart | undefined = undefined;
  #parts = 0;
  #files = 0;
  #feeding: Promise<void> | undefined = undefined;
  /** What went wrong, and with which part. */
  #failure: { readonly error: unknown; readonly part: number } | undefined = undefined;
  #finished = false;

  constructor(input: InputStream, boundary: string, limits: CheckedLimits) {
    this.#input = input[Symbol.asyncIterator]();
    this.#limits = limits;
    this.#budget = new FieldsBudget(limits);
    const slack = Math.min(limits.headerBytes, 2 ** 30) + 1024;
    this.#dicer = new Dicer({ boundary, maxHeaderPairs: slack, maxHeaderSize: slack, partHwm: 16 * pieceBytes } as {
      boundary: string;
    });
    this.#dicer.on("part", (stream: Readable) => this.#begin(stream));
    this.#dicer.on("error", () => this.fail(cutShort(), this.#incomplete()));
  }

  async next(): Promise<IteratorResult<ArrivingPart, undefined>> {
    this.#current?.discard();
    await this.#until(this.#current);
    for (;;) {
      this.#current = this.#arrived.shift();
      if (this.#current !== undefined) return { done: false, value: this.#current };
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#finished) return { done: true, value: undefined };
      await this.feed();
    }
  }

  /** Whoever leaves the loop wants no more: the parser goes, and what is left of the body stays unread. */
  async return(): Promise<IteratorResult<ArrivingPart, undefined>> {
    this.fail(new Error("multipart: the iteration was left, and with it the part"), -1);
    return { done: true, value: undefined };
  }

  /** Lets a part pass by. */
  async #until(part: ArrivingPart | undefined): Promise<void> {
    if (part === undefined) return;
    while (!part.hasEnded && this.#failure === undefined && !this.#finished) await this.feed();
  }

  /** What went wrong with a part or before it; `undefined` when nothing did. */
  failureOf(part: number): { readonly error: unknown } | undefined {
    return this.#failure !== undefined && this.#failure.part <= part ? this.#failure : undefined;
  }

  /** The part with that number is not whole, and nothing that comes after it counts. The first of all parts to fail is told. */
  fail(error: unknown, part: number): void {
    if (this.#failure !== undefined && this.#failure.part <= part) return;
    this.#failure = { error, part };
    while ((this.#arrived.at(-1)?.number ?? part) > part) this.#arrived.pop();
    this.#rest = new Uint8Array(0);
    this.#dicer.destroy();
  }

  /** Parses some more of the body. Never rejects. One at a time: who comes meanwhile waits for the same. */
  feed(): Promise<void> {
    this.#feeding ??= this.#feed().finally(() => {
      this.#feeding = undefined;
    });
    return this.#feeding;
  }

  async #feed(): Promise<void> {
    // Whoever still waits for bytes gets none.
    if (this.#failure !== undefined) this.#failure = { ...this.#failure, part: -1 };
    if (this.#failure !== undefined || this.#finished) return;
    try {
      if (this.#rest.byteLength === 0) {
        const room = this.#limits.bytes - this.#read;
        if (room < 0) return this.fail(bodyTooLarge(this.#limits.bytes), this.#incomplete());
        const step = await this.#input.next();
        if (this.#failure !== undefined) return;
        if (step.done === true) return await this.#end();
        this.#read += step.value.byteLength;
        // What is allowed is still parsed: it may be wrong in another way, whatever the chunks.
        this.#rest = step.value.subarray(0, room);
        if (this.#rest.byteLength === 0) return;
      }
      const piece = this.#rest.subarray(0, pieceBytes);
      this.#rest = this.#rest.subarray(piece.byteLength);
      // It is never paused, so all is parsed when this returns.
      this.#dicer.write(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
      await this.#collect();
    } catch (error) {
      this.fail(error, this.#incomplete());
    }
  }

  /** The part that is arriving, or the one that would come next. */
  #incomplete(): number {
    return this.#last?.hasEnded === false ? this.#parts : this.#parts + 1;
  }

  async #end(): Promise<void> {
    await new Promise<void>((resolve) => this.#dicer.end(() => resolve()));
    // It says in a later tick that something is missing.
    await setImmediate();
    await this.#collect();
    if (this.#last !== undefined && !this.#last.hasBegun) this.fail(headless(), this.#last.number);
    if (this.#open.length > 0) this.fail(cutShort(), this.#incomplete());
    this.#finished = true;
  }

  /** Takes over what the parser has found, and counts it. */
  async #collect(): Promise<void> {
    for (const part of this.#open) part.collect();
    // A stream ends one tick after its last byte was taken.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    this.#open = this.#open.filter((part) => !part.hasEnded);
  }

  #begin(stream: Readable): void {
    stream.on("error", () => {}); // the parser says the same
    if (this.#last !== undefined && !this.#last.hasBegun) this.fail(headless(), this.#last.number);
    const { parts } = this.#limits;
    const number = ++this.#parts;
    if (number > parts) this.fail(tooMuch(`The multipart body has more than the ${parts} parts that are allowed.`), number);
    const part = new ArrivingPart(this, stream, number, (first, bytes) => this.#count(part, first, bytes));
    this.#last = part;
    this.#open.push(part);
    stream.on("header", (headers: PartHeaders) => {
      if (this.failureOf(number) !== undefined) return;
      try {
        part.begin(headers, this.#limits.headerBytes);
        this.#admit(part);
        this.#arrived.push(part);
      } catch (error) {
        this.fail(error, number);
      }
    });
  }

  /** A part whose head has come. @throws {HTTPError} 413 */
  #admit({ name, filename }: ArrivingPart): void {
    const nameBytes = Buffer.byteLength(name);
    if (filename === undefined) return this.#budget.begin(nameBytes);
    checkName(nameBytes, this.#limits);
    if (filename !== "") this.#countFile();
  }

  #countFile(): void {
    const { files } = this.#limits;
    if (++this.#files > files) {
      throw tooMuch(files === 0 ? "The form takes no files." : `The form has more than the ${files} files that are allowed.`);
    }
  }

  /** Bytes of a part, before anybody gets them. @throws {HTTPError} 413 */
  #count({ filename }: ArrivingPart, before: number, bytes: number): void {
    if (filename === undefined) return this.#budget.add(before, bytes);
    // A browser sends an empty file without a name for an empty input. This one is not empty.
    if (filename === "" && before === 0) this.#countFile();
    const { fileBytes } = this.#limits;
    if (before + bytes > fileBytes) throw tooMuch(`A file has more than the ${fileBytes} bytes that are allowed.`);
  }
}

function cutShort(): HTTPError {
  return malformed("The multipart body ends before its closing boundary.");
}
