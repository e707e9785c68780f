import { describe } from "./application.ts";
import { isBytes } from "./chunks.ts";
import type { InputStream } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { isThenable } from "./thenable.ts";

/** Where a request body comes from: what a gateway writes to get a `wsgi.input`. */
export interface ChunkSource {
  /**
   * The next chunk, which nobody changes afterwards; `undefined` at the end. Throws or rejects when the body was cut short or is
   * malformed. Never called again after the end or a failure, nor before a promise it gave has settled. Empty chunks are skipped.
   * A chunk that waits to be read keeps the whole of its `ArrayBuffer` alive: do not give a few bytes of a large one.
   */
  pull(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Settings of {@link inputStream}. */
export interface InputStreamOptions {
  /**
   * The most bytes that a single `read()` without a size, `readline()` without a limit, or `readlines()` may gather, so that a
   * client cannot fill the memory of an application that set no bound itself (default 16 MiB, 16777216). More is answered 413. Not a
   * limit on the body: iterating and reads of a given size go on for ever. (`readlines()` also stops at a million lines: a
   * line costs a hundred bytes beside its own.)
   */
  maxReadBytes?: number;
}

const defaultMaxReadBytes = 16 * 1024 * 1024;
const empty = new Uint8Array(0);
const lineFeed = 0x0a;
const maxLines = 1_000_000;

/**
 * Makes a `wsgi.input` of a source of chunks (PEP 3333, "Input and Error Streams"; `io.BufferedIOBase` for what the PEP leaves open).
 * Pulls only when it is read, and no more than the read needs. Knows no Content-Length: the source ends by itself, or fails.
 *
 * - A read never takes half of what it was asked for as the whole: when the source fails, reads that the buffered bytes satisfy
 *   succeed, and any that needs more rejects with the error of the source, then and ever after. What it did not give stays unread.
 * - Calls that were not awaited are served one after the other, in order.
 * - What lies inside one chunk is given as a view of it, not copied: do not write into what you read. Results are plain `Uint8Array`s
 *   whatever the source gave.
 * - An iterator may be left and another begun, or reads mixed in: each byte is given once.
 *
 * Reads reject with a `TypeError` for a size, limit or hint that is not a safe integer, and with an `HTTPError` (413) above
 * `maxReadBytes`; after that all reads reject with it, and what was buffered is let go.
 *
 * @throws {RangeError} if `maxReadBytes` is not a whole number from 0.
 */
export function inputStream(source: ChunkSource, options?: InputStreamOptions): InputStream {
  if (typeof source?.pull !== "function")
    throw new TypeError("inputStream: the source is an object with pull(), which gives the next chunk");
  const maxReadBytes = options?.maxReadBytes ?? defaultMaxReadBytes;
  if (!Number.isSafeInteger(maxReadBytes) || maxReadBytes < 0) {
    throw new RangeError(`inputStream: maxReadBytes is a whole number of bytes, not ${String(maxReadBytes)}`);
  }
  return new ChunkReader(source, maxReadBytes);
}

/** The input of a request without a body: always at its end. One for all, since it holds nothing. */
export const emptyInput: InputStream = Object.freeze({
  async read(size?: number): Promise<Uint8Array> {
    countOf("size", size);
    return empty;
  },
  async readline(limit?: number): Promise<Uint8Array> {
    countOf("limit", limit);
    return empty;
  },
  async readlines(hint?: number): Promise<Uint8Array[]> {
    countOf("hint", hint);
    return [];
  },
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: async () => ({ done: true, value: undefined }) };
  },
});

/** A size, limit or hint as a number; `undefined` for none, which a negative one means too. */
function countOf(what: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value)) {
    throw new TypeError(
      `wsgi.input: the ${what} is a whole number of bytes, not ${typeof value === "number" ? value : describe(value)}`,
    );
  }
  return value < 0 ? undefined : value;
}

/** Bytes that were pulled and not yet read: a stretch of an array. */
interface Piece {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
  next: Piece | undefined;
}

/** A place in the buffered bytes, up to which they have been searched. */
interface Cursor {
  piece: Piece | undefined;
  at: number;
  /** How many unread bytes lie before it. */
  passed: number;
}

// A client can send a body in chunks of one byte. Kept as they come, each would cost a hundred times its size, and 16 MiB of them
// would take the server down: so small ones that must wait behind others are copied together into blocks.
const smallBytes = 1024;
const maxBlockBytes = 16 * 1024;

class ChunkReader implements InputStream {
  readonly #source: ChunkSource;
  readonly #maxReadBytes: number;

  // The buffered bytes, as a linked list: taken off at the head, added at the tail, both in constant time.
  #head: Piece | undefined;
  #tail: Piece | undefined;
  #buffered = 0;
  /** The block that small chunks are copied into, and how much of it is taken. What is taken is never written again. */
  #block: Uint8Array = empty;
  #blockUsed = 0;

  #ended = false;
  /** What the source threw. */
  #failure: { readonly error: unknown } | undefined;
  /** Set once a read would have gathered too much. */
  #refusal: HTTPError | undefined;

  #reading = false;
  readonly #waiting: (() => void)[] = [];

  constructor(source: ChunkSource, maxReadBytes: number) {
    this.#source = source;
    this.#maxReadBytes = maxReadBytes;
  }

  async read(size?: number): Promise<Uint8Array> {
    const count = countOf("size", size);
    const turn = this.#turn();
    if (turn !== undefined) await turn;
    try {
      this.#checkRefused();
      for (;;) {
        if (count !== undefined && this.#buffered >= count) return this.#take(count);
        if (count === undefined && this.#buffered > this.#maxReadBytes) this.#refuse();
        const more = this.#more();
        if (!(typeof more === "boolean" ? more : await more)) return this.#take(this.#buffered);
      }
    } finally {
      this.#yieldTurn();
    }
  }

  async readline(limit?: number): Promise<Uint8Array> {
    const count = countOf("limit", limit);
    const turn = this.#turn();
    if (turn !== undefined) await turn;
    try {
      this.#checkRefused();
      const cursor: Cursor = { piece: undefined, at: 0, passed: 0 };
      while (!this.#seekLine(cursor, count)) {
        const more = this.#more();
        if (!(typeof more === "boolean" ? more : await more)) return this.#take(this.#buffered);
      }
      return this.#take(cursor.passed);
    } finally {
      this.#yieldTurn();
    }
  }

  async readlines(hint?: number): Promise<Uint8Array[]> {
    const count = countOf("hint", hint);
    const enough = count === undefined || count === 0 ? Infinity : count;
    const turn = this.#turn();
    if (turn !== undefined) await turn;
    try {
      this.#checkRefused();
      // First find where the lines end, then take them: if the source fails in between, all of them stay unread.
      const ends: number[] = [];
      const cursor: Cursor = { piece: undefined, at: 0, passed: 0 };
      let found = 0;
      while (found < enough) {
        if (this.#seekLine(cursor, undefined)) {
          found = cursor.passed;
          if (ends.push(found) > maxLines) this.#refuse(`${maxLines} lines`);
        } else {
          const more = this.#more();
          if (typeof more === "boolean" ? more : await more) continue;
          if (this.#buffered > found) ends.push(this.#buffered); // a last line without "\n"
          break;
        }
      }
      let taken = 0;
      return ends.map((end) => {
        const line = this.#take(end - taken);
        taken = end;
        return line;
      });
    } finally {
      this.#yieldTurn();
    }
  }

  // No return(): leaving a loop changes nothing, the bytes it did not get are there for the next reader.
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next() };
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const turn = this.#turn();
    if (turn !== undefined) await turn;
    try {
      this.#checkRefused();
      if (this.#head === undefined) {
        const more = this.#more();
        if (!(typeof more === "boolean" ? more : await more)) return { done: true, value: undefined };
      }
      return { done: false, value: this.#takePiece() };
    } finally {
      this.#yieldTurn();
    }
  }

  /** Waits for the calls made earlier; `undefined` when there is nothing to wait for. Each turn ends with `#yieldTurn`. */
  #turn(): Promise<void> | undefined {
    if (this.#reading) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#reading = true;
    return undefined;
  }

  #yieldTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#reading = false;
    else next();
  }

  #checkRefused(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  #refuse(limit = `${this.#maxReadBytes} bytes`): never {
    this.#head = this.#tail = undefined;
    this.#buffered = 0;
    this.#block = empty;
    this.#refusal = new HTTPError(413, `The request body has more than the ${limit} that are read at once.`);
    throw this.#refusal;
  }

  /**
   * Moves the cursor past the next line end in what is buffered, or to the limit. False when that takes more bytes. A search never
   * begins anew: the cursor remembers how far it came.
   */
  #seekLine(cursor: Cursor, limit: number | undefined): boolean {
    const most = limit ?? this.#maxReadBytes;
    if (cursor.piece === undefined && this.#head !== undefined) {
      cursor.piece = this.#head;
      cursor.at = this.#head.start;
    }
    let { piece } = cursor;
    while (piece !== undefined) {
      const end = Math.min(piece.end, cursor.at + most - cursor.passed);
      const index = indexOfLineFeed(piece.bytes, cursor.at, end);
      const stop = index === -1 ? end : index + 1;
      cursor.passed += stop - cursor.at;
      cursor.at = stop;
      if (index !== -1) return true;
      if (cursor.at < piece.end || piece.next === undefined) break;
      piece = piece.next;
      cursor.piece = piece;
      cursor.at = piece.start;
    }
    if (limit !== undefined) return cursor.passed >= limit;
    if (this.#buffered > most) this.#refuse(); // the search ended for want of permission, not of bytes
    return false;
  }

  /** Pulls the next bytes into the buffer. False when there are none: at the end, and ever after. */
  #more(): boolean | Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error;
    while (!this.#ended) {
      const chunk = this.#pull();
      if (isThenable(chunk)) return this.#arrival(chunk);
      if (this.#arrived(chunk)) return true;
    }
    return false;
  }

  #pull(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    try {
      return this.#source.pull();
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Goes on where `#more` had to wait. A loop, because a chain of promises would grow with every empty chunk. */
  async #arrival(first: Promise<Uint8Array | undefined>): Promise<boolean> {
    let pulled: Uint8Array | undefined | Promise<Uint8Array | undefined> = first;
    for (;;) {
      let chunk: Uint8Array | undefined;
      try {
        chunk = await pulled;
      } catch (error) {
        this.#failure = { error };
        throw error;
      }
      if (this.#arrived(chunk)) return true;
      if (this.#ended) return false;
      pulled = this.#pull();
    }
  }

  /** Takes in what the source gave. False when that was nothing: an empty chunk, or the end. */
  #arrived(chunk: Uint8Array | undefined): boolean {
    if (chunk === undefined) {
      this.#ended = true;
      return false;
    }
    if (!isBytes(chunk)) {
      const error = new TypeError(`wsgi.input: a source gives Uint8Array or undefined, not ${describe(chunk)}`);
      this.#failure = { error };
      throw error;
    }
    if (chunk.length === 0) return false;
    this.#append(chunk);
    return true;
  }

  #append(chunk: Uint8Array): void {
    const { length } = chunk;
    const tail = this.#tail;
    this.#buffered += length;
    if (tail === undefined || length >= smallBytes) {
      this.#link({ bytes: plain(chunk), start: 0, end: length, next: undefined });
      return;
    }
    if (this.#block.length - this.#blockUsed < length) {
      // It grows with what is waiting: two small chunks do not cost a big block.
      this.#block = new Uint8Array(Math.min(maxBlockBytes, Math.max(smallBytes, this.#buffered)));
      this.#blockUsed = 0;
    }
    const start = this.#blockUsed;
    this.#block.set(chunk, start);
    this.#blockUsed += length;
    if (tail.bytes === this.#block) tail.end += length;
    else this.#link({ bytes: this.#block, start, end: start + length, next: undefined });
  }

  #link(piece: Piece): void {
    if (this.#tail === undefined) this.#head = piece;
    else this.#tail.next = piece;
    this.#tail = piece;
  }

  /** Takes that many of the buffered bytes, which must be there. */
  #take(count: number): Uint8Array {
    const head = this.#head;
    if (count === 0 || head === undefined) return empty;
    if (head.end - head.start > count) return this.#takeStart(head, count);
    if (head.end - head.start === count) return this.#takePiece();
    const all = new Uint8Array(count);
    for (let filled = 0; filled < count;) {
      const piece = this.#head;
      if (piece === undefined) break;
      const wanted = count - filled;
      const bytes = piece.end - piece.start > wanted ? this.#takeStart(piece, wanted) : this.#takePiece();
      all.set(bytes, filled);
      filled += bytes.length;
    }
    return all;
  }

  /** Takes the beginning of the first piece. */
  #takeStart(head: Piece, count: number): Uint8Array {
    const { start } = head;
    head.start += count;
    this.#buffered -= count;
    return head.bytes.subarray(start, head.start);
  }

  /** Takes the first piece whole. */
  #takePiece(): Uint8Array {
    const head = this.#head;
    if (head === undefined) return empty;
    const { bytes, start, end } = head;
    this.#head = head.next;
    if (head.next === undefined) this.#tail = undefined;
    this.#buffered -= end - start;
    return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
  }
}

/** A `Buffer` is a `Uint8Array` with other habits: an application that came to use them would fail with the next gateway. */
function plain(chunk: Uint8Array): Uint8Array {
  return chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}

function indexOfLineFeed(bytes: Uint8Array, start: number, end: number): number {
  // Making a view costs more than looking at a few bytes. Never search past `end`: a line read in small parts would become quadratic.
  if (end - start > 64) {
    const index = bytes.subarray(start, end).indexOf(lineFeed);
    return index === -1 ? -1 : start + index;
  }
  for (let i = start; i < end; i++) if (bytes[i] === lineFeed) return i;
  return -1;
}
