import { describe } from "./application.ts";
import { assertBytes } from "./chunks.ts";
import type { FileLike } from "./contract.ts";
import { isThenable } from "./thenable.ts";

/**
 * A body that is read from a file, block by block, until an empty one: what `environ["wsgi.file_wrapper"]` makes where a gateway has
 * nothing better (PEP 3333, "Optional Platform-Specific File Handling"). Begins where the file stands, and reads no further than it
 * is asked. Can be iterated once, since a file can be read once.
 *
 * A readable stream is not such a file: it is a body by itself.
 */
export class FileWrapper implements AsyncIterable<Uint8Array> {
  /** What is read. */
  readonly file: FileLike;
  /** How many bytes each read asks for. */
  readonly blockSize: number;
  #reading: Promise<unknown> | undefined;
  #closed = false;
  #closing: void | Promise<void> = undefined;

  /**
   * @param blockSize how many bytes to ask for at a time (default 65536). What `read` gives is passed on as it is, longer or shorter.
   * @throws {TypeError} if the file has no `read` function.
   * @throws {RangeError} if the block size is not a whole number above 0.
   */
  constructor(file: FileLike, blockSize = 65_536) {
    const given: unknown = file;
    if (typeof given !== "object" || given === null || !("read" in given) || typeof given.read !== "function") {
      throw new TypeError(`FileWrapper: a file has a read function, unlike ${describe(given)}`);
    }
    if (!Number.isSafeInteger(blockSize) || blockSize <= 0) {
      throw new RangeError(`FileWrapper: the block size is a whole number of bytes above 0, not ${String(blockSize)}`);
    }
    this.file = file;
    this.blockSize = blockSize;
  }

  /**
   * Reads on. After {@link close} there is no more, also where a read is still under way.
   *
   * @yields the blocks, none of them empty.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#closed) {
      const block = await this.#read();
      assertBytes(block);
      if (block.length === 0 || this.#closed) return;
      yield block;
    }
  }

  async #read(): Promise<Uint8Array> {
    const block = this.file.read(this.blockSize);
    if (!isThenable(block)) return block;
    this.#reading = block;
    try {
      return await block;
    } finally {
      this.#reading = undefined;
    }
  }

  /**
   * Closes the file, if it can be closed: once, however often it is called; later calls return what the first did. While a
   * read is under way the file is closed when that has settled, for it may still be using what `close` gives back.
   */
  close(): void | Promise<void> {
    if (this.#closed) return this.#closing;
    this.#closed = true;
    const closeFile = (): void | Promise<void> => this.file.close?.();
    this.#closing = this.#reading === undefined ? closeFile() : this.#reading.then(closeFile, closeFile);
    return this.#closing;
  }
}
