import { MemoryCache, type Cached } from "./memory-cache.ts";

/** Blocks of one file that are kept in memory, by their number. Their bytes are never changed. */
export interface KeptBlocks {
  get(index: number): Buffer | undefined;
  keep(index: number, bytes: Buffer): void;
}

interface Block extends Cached {
  /** The version of the file that it is of: told by identity. */
  readonly of: object;
  readonly bytes: Buffer;
}

/** Beside its bytes. */
const blockCost = 256;

/**
 * Blocks of large files that are asked for again and again. To read them anew costs more than the reading: a buffer for each block is
 * what the garbage collector then works on. A file that is asked for once leaves nothing here.
 */
export class BlockCache {
  readonly #blocks: MemoryCache<Block>;
  readonly #maxFileBytes: number;
  readonly #sentBefore: WeakSet<object> = new WeakSet();

  /** @param maxBytes for all; a single file may have half of it. */
  constructor(maxBytes: number) {
    this.#blocks = new MemoryCache(maxBytes);
    this.#maxFileBytes = maxBytes / 2;
  }

  /** @returns what is kept of a file, from the second time on that this version of it is sent; `undefined` where nothing shall be. */
  of(version: object, path: string, size: number): KeptBlocks | undefined {
    if (size > this.#maxFileBytes) return undefined;
    if (!this.#sentBefore.has(version)) {
      this.#sentBefore.add(version);
      return undefined;
    }
    return {
      get: (index) => {
        const block = this.#blocks.get(`${index} ${path}`);
        if (block?.of !== version) return undefined;
        block.wasUsed = true;
        return block.bytes;
      },
      keep: (index, bytes) =>
        this.#blocks.set(`${index} ${path}`, { of: version, bytes, cost: bytes.length + blockCost, wasUsed: false }),
    };
  }

  clear(): void {
    this.#blocks.clear();
  }
}
