import { fstatSync, readSync } from "node:fs";
import { isSameContent, stampOf, type FileStamp } from "./file-stamp.ts";
import type { OpenFile } from "./root-folder.ts";

/** The bytes of a whole file, and what it was when they were read. */
export interface WholeFile {
  /** `undefined` where there are more of them than were asked for. */
  readonly bytes: Buffer | undefined;
  readonly stamp: FileStamp;
}

/** How often a file is read anew that is written meanwhile. */
const maxAttempts = 20;

/**
 * Reads a small file at once. What comes back is one version of it: where the file changes while it is read, it is read again.
 *
 * @param isYoung was it written a moment ago? The clock of a file system ticks some hundred times a second, so that two changes
 *   may look like one: then the file must read the same twice.
 * @returns `undefined` where it never held still.
 */
export function readWhole(file: OpenFile, maxBytes: number, isYoung: (stamp: FileStamp) => boolean): WholeFile | undefined {
  let { stamp } = file;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    if (stamp.size > maxBytes) return { bytes: undefined, stamp };
    const bytes = readBytes(file.descriptor, stamp.size);
    const again = bytes !== undefined && isYoung(stamp) ? readBytes(file.descriptor, stamp.size) : bytes;
    const after = stampOf(fstatSync(file.descriptor, { bigint: true }));
    if (bytes !== undefined && again !== undefined && isSameContent(stamp, after) && (again === bytes || again.equals(bytes)))
      return { bytes, stamp: after };
    stamp = after;
  }
  return undefined;
}

/** @returns exactly so many bytes, or `undefined` where the file ends before. */
function readBytes(descriptor: number, size: number): Buffer | undefined {
  // Not from the pool of small buffers: one that is kept would keep its neighbours.
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  while (at < size) {
    const read = readSync(descriptor, bytes, at, size - at, at);
    if (read === 0) return undefined;
    at += read;
  }
  return bytes;
}
