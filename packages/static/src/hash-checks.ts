import { createHash } from "node:crypto";
import { FileParts, blockBytes } from "./file-parts.ts";
import { isSameVersion, type FileStamp } from "./file-stamp.ts";
import { shortened } from "./manifest.ts";
import type { OpenFile } from "./root-folder.ts";

interface Check {
  readonly stamp: FileStamp;
  readonly hash: string;
  /** What came of it; `undefined` while it goes on. */
  isTrue: boolean | undefined;
}

/**
 * Whether large files have the hash that a manifest gives them. A wrong strong tag would have clients put two versions together, so
 * nothing is believed that was not read; but that takes time, so it is done behind the requests, one file at a time.
 */
export class HashChecks {
  readonly #checks: Map<string, Check> = new Map();
  #last: Promise<void> = Promise.resolve();

  /**
   * @param open gives the file; called only where the check is begun.
   * @param proven called when the hash has turned out to be true.
   * @returns whether it is known to be true.
   */
  isTrue(path: string, stamp: FileStamp, hash: string, open: () => OpenFile | undefined, proven: () => void): boolean {
    const known = this.#checks.get(path);
    if (known !== undefined && known.hash === hash && isSameVersion(known.stamp, stamp)) return known.isTrue === true;
    const check: Check = { stamp, hash, isTrue: undefined };
    this.#checks.set(path, check);
    this.#last = this.#last.then(async () => {
      check.isTrue = await hasHash(open, stamp, hash);
      if (check.isTrue) proven();
    });
    return false;
  }

  clear(): void {
    this.#checks.clear();
  }
}

/** Never rejects: what cannot be read has no hash that is known. */
async function hasHash(open: () => OpenFile | undefined, stamp: FileStamp, hash: string): Promise<boolean> {
  let parts: FileParts | undefined;
  try {
    const file = open();
    if (file === undefined) return false;
    parts = new FileParts(file, stamp.size === 0 ? [] : [{ first: 0, last: stamp.size - 1 }]);
    if (!isSameVersion(file.stamp, stamp)) return false;
    const digest = createHash("sha256");
    for (let block = await parts.read(blockBytes); block.length > 0; block = await parts.read(blockBytes)) digest.update(block);
    return shortened(digest.digest()) === hash;
  } catch {
    return false;
  } finally {
    await parts?.close()?.catch(() => {});
  }
}
