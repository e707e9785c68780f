import { close, fstatSync, read } from "node:fs";
import type { FileLike } from "@gateway/core";
import { beingWritten } from "./being-written.ts";
import type { KeptBlocks } from "./block-cache.ts";
import type { ByteRange } from "./byte-ranges.ts";
import { isSameContent, stampOf } from "./file-stamp.ts";
import type { OpenFile } from "./root-folder.ts";

/** How much is read at a time. Less costs more calls, more costs each download its memory. */
export const blockBytes: number = 256 * 1024;

/**
 * Parts of an open file, with bytes of ours between them, as `wsgi.file_wrapper` takes it. Each block is a buffer of its own, since
 * the one before may still be on its way. Before a block is handed over the descriptor is asked whether anything was written: then,
 * and where the file ends too soon, `read` throws: before the head that is a 503, after it the response breaks off instead of mixing
 * two versions.
 */
export class FileParts implements FileLike {
  readonly #file: OpenFile;
  readonly #parts: (Buffer | ByteRange)[];
  readonly #kept: KeptBlocks | undefined;
  #at = 0;
  #reading: Promise<unknown> | undefined = undefined;
  #isClosed = false;

  /**
   * @param parts what is sent, in order; the descriptor is theirs from here on.
   * @param kept whole blocks of this version that are in memory, and where those go that are read.
   */
  constructor(file: OpenFile, parts: readonly (Buffer | ByteRange)[], kept?: KeptBlocks) {
    this.#file = file;
    this.#parts = [...parts];
    this.#kept = kept;
    this.#at = startOf(parts[0]);
  }

  /** The next block, of at most so many bytes; empty at the end. */
  read(size: number): Buffer | Promise<Buffer> {
    const [part] = this.#parts;
    if (part === undefined) return Buffer.alloc(0);
    if (Buffer.isBuffer(part)) {
      this.#next();
      return part;
    }
    const wanted = Math.min(size, part.last + 1 - this.#at);
    const index = this.#at / blockBytes;
    const isWhole = wanted === Math.min(blockBytes, this.#file.stamp.size - this.#at);
    const kept = this.#kept !== undefined && isWhole && Number.isInteger(index) ? this.#kept : undefined;
    const known = kept?.get(index);
    if (known !== undefined) return this.#checked(part, known);
    const reading = this.#block(wanted).then((block) => {
      const checked = this.#checked(part, block);
      kept?.keep(index, checked);
      return checked;
    });
    this.#reading = reading;
    return reading;
  }

  /** Closes the descriptor, once: when a read that is under way has settled, for its number may belong to another file by then. */
  close(): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    this.#isClosed = true;
    const closeNow = (): Promise<void> => closeDescriptor(this.#file.descriptor);
    return this.#reading === undefined ? closeNow() : this.#reading.then(closeNow, closeNow);
  }

  #next(): void {
    this.#parts.shift();
    this.#at = startOf(this.#parts[0]);
  }

  /** The block, where the file is still what it was, and on to the next. */
  #checked(part: ByteRange, block: Buffer): Buffer {
    const stamp = stampOf(fstatSync(this.#file.descriptor, { bigint: true }));
    if (!isSameContent(stamp, this.#file.stamp)) throw beingWritten();
    this.#at += block.length;
    if (this.#at > part.last) this.#next();
    return block;
  }

  async #block(wanted: number): Promise<Buffer> {
    const block = Buffer.allocUnsafeSlow(wanted);
    for (let filled = 0; filled < wanted;) {
      const bytes = await readInto(this.#file.descriptor, block, filled, this.#at + filled);
      if (bytes === 0) throw beingWritten();
      filled += bytes;
    }
    return block;
  }
}

function startOf(part: Buffer | ByteRange | undefined): number {
  return part === undefined || Buffer.isBuffer(part) ? 0 : part.first;
}

function closeDescriptor(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    close(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}

function readInto(descriptor: number, block: Buffer, filled: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, block, filled, block.length - filled, position, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}
