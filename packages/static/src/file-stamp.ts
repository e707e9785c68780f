import type { BigIntStats } from "node:fs";

/** What tells one version of a file from another. */
export interface FileStamp {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: number;
  /** When the content was last written, in nanoseconds. */
  readonly modified: bigint;
  /** When anything about the file was last changed, in nanoseconds; tools that set `modified` back cannot set this. */
  readonly changed: bigint;
}

export function stampOf(stats: BigIntStats): FileStamp {
  return {
    device: stats.dev,
    inode: stats.ino,
    size: Number(stats.size),
    modified: stats.mtimeNs,
    changed: stats.ctimeNs,
  };
}

/** Is it the same file, and nothing happened to it? */
export function isSameVersion(one: FileStamp, other: FileStamp): boolean {
  return isSameContent(one, other) && one.changed === other.changed && one.inode === other.inode && one.device === other.device;
}

/** For two looks at one descriptor: was nothing written in between? A new name, owner or number of links is no new content. */
export function isSameContent(one: FileStamp, other: FileStamp): boolean {
  return one.size === other.size && one.modified === other.modified;
}

/** Milliseconds since 1970. */
export function modifiedMilliseconds(stamp: FileStamp): number {
  return Number(stamp.modified / 1_000_000n);
}
