import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Coding } from "./accept-encoding.ts";
import {
  contentHash,
  formatManifest,
  manifestName,
  manifestPath,
  parseManifest,
  shortened,
  type ContentRecord,
  type FileRecord,
  type Manifest,
} from "./manifest.ts";
import { isServable, type Dotfiles } from "./request-path.ts";

/** Settings of {@link buildStatic}. */
export interface BuildOptions {
  /** Which siblings to make (default: those the runtime can make, of `"br"`, `"zstd"` and `"gzip"`). */
  codings?: readonly Coding[];
  /** Files with fewer bytes get no siblings (default 1024). */
  minBytes?: number;
  /** Files with more bytes get none either, for they are compressed in memory (default 67108864, 64 MiB). */
  maxBytes?: number;
  /** As in `staticFiles` (default `"refuse"`). */
  dotfiles?: Dotfiles;
  /** Changes nothing, and only tells what would change (default `false`). */
  check?: boolean;
}

/** What a build came to: paths below the root, sorted. */
export interface BuildResult {
  /** Files in the manifest. */
  readonly files: number;
  /** Siblings and manifest that were written, or would be. */
  readonly written: readonly string[];
  /** Siblings that were removed, or would be: of no use, or of a file that is gone. */
  readonly removed: readonly string[];
}

type Compress = (bytes: Uint8Array) => Promise<Uint8Array>;

const endings: readonly (readonly [Coding, string])[] = [
  ["br", ".br"],
  ["zstd", ".zst"],
  ["gzip", ".gz"],
];

/** Node 22.15 and later; the types are those of Node 20. */
interface WithZstd {
  zstdCompress?: (bytes: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void;
}

const brotli = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
const zstdLevelParameter = 100;

/** What this runtime can make, each at its best, for it is made once. */
function compressors(): ReadonlyMap<Coding, Compress> {
  const { BROTLI_PARAM_SIZE_HINT: sizeHint } = zlib.constants;
  const known = new Map<Coding, Compress>([
    ["br", (bytes) => brotli(bytes, { params: { [sizeHint]: bytes.length } })],
    ["gzip", (bytes) => gzip(bytes, { level: 9, memLevel: 9 })],
  ]);
  const { zstdCompress } = zlib as WithZstd;
  if (zstdCompress !== undefined) {
    const zstd = promisify<Uint8Array, object, Buffer>(zstdCompress);
    known.set("zstd", (bytes) => zstd(bytes, { params: { [zstdLevelParameter]: 19 } }));
  }
  return known;
}

/**
 * Writes compressed siblings beside the files below a root, where they are smaller, and then the manifest with the hashes of all. Same
 * files, same bytes: nothing that is written holds a time. A sibling gets the time of change of its file, so it is never older.
 *
 * What a link leads to is left out. Needs no more than the memory of one file at a time, of at most `maxBytes`.
 *
 * @throws {TypeError} for a coding that this runtime cannot make.
 */
export async function buildStatic(root: string, options: BuildOptions = {}): Promise<BuildResult> {
  const { minBytes = 1024, maxBytes = 64 * 1024 * 1024, dotfiles = "refuse", check = false } = options;
  const known = compressors();
  const codings = options.codings ?? [...known.keys()];
  for (const coding of codings) if (!known.has(coding)) throw new TypeError(`this runtime cannot make ${coding}`);
  const before = await readManifest(root);
  const paths = await walk(root, "/", dotfiles);
  const all = new Set(paths);
  // A sibling is no file of its own: the ending, and a file without it.
  const isSibling = (path: string): boolean =>
    endings.some(([, ending]) => path.endsWith(ending) && all.has(path.slice(0, -ending.length)));
  const files = new Map<string, FileRecord>();
  const written: string[] = [];
  const removed: string[] = [];
  const write = async (path: string, bytes: Uint8Array | string, time?: Date): Promise<void> => {
    written.push(path);
    if (!check) await replaceFile(join(root, path), bytes, time);
  };
  const remove = async (path: string): Promise<void> => {
    removed.push(path);
    if (!check) await rm(join(root, path), { force: true });
  };

  const orphans = orphansOf(before, all);
  for (const path of orphans) await remove(path);
  for (const path of paths) {
    if (isSibling(path) || orphans.has(path) || path === manifestPath) continue;
    const full = join(root, path);
    const { size, mtime } = await lstat(full);
    const isCandidate = size >= minBytes && size <= maxBytes;
    const content = isCandidate ? await readFile(full) : undefined;
    const hash = content === undefined ? await hashOf(full) : contentHash(content);
    const last = before?.files[path];
    const siblings: Partial<Record<Coding, ContentRecord>> = {};
    for (const [coding, ending] of endings) {
      const beside = path + ending;
      const compress = codings.includes(coding) ? known.get(coding) : undefined;
      const kept = await keptSibling(join(root, beside), coding, hash, last);
      if (kept !== undefined && compress !== undefined) {
        siblings[coding] = kept;
        if (!check) await makeNoOlder(join(root, beside), mtime);
        continue;
      }
      const useful = content === undefined || compress === undefined ? undefined : await smaller(content, compress);
      if (useful !== undefined) {
        siblings[coding] = { hash: contentHash(useful), size: useful.length };
        await write(beside, useful, mtime);
      } else if (all.has(beside) && last?.siblings[coding] !== undefined) {
        await remove(beside);
      }
    }
    files.set(path, { hash, size, siblings });
  }

  const text = formatManifest(files);
  if (text !== (await readText(join(root, manifestName)))) await write(manifestPath, text);
  return { files: files.size, written: written.toSorted(), removed: removed.toSorted() };
}

/** Siblings that the last build made, of files that are gone. */
function orphansOf(before: Manifest | undefined, all: ReadonlySet<string>): ReadonlySet<string> {
  const orphans = new Set<string>();
  for (const [path, { siblings }] of Object.entries(before?.files ?? {})) {
    if (all.has(path)) continue;
    for (const [coding, ending] of endings)
      if (siblings[coding] !== undefined && all.has(path + ending)) orphans.add(path + ending);
  }
  return orphans;
}

/** The sibling that the last build made, where it is still of this content. */
async function keptSibling(
  full: string,
  coding: Coding,
  hash: string,
  last: FileRecord | undefined,
): Promise<ContentRecord | undefined> {
  const record = last?.hash === hash ? last.siblings[coding] : undefined;
  if (record === undefined) return undefined;
  const stats = await lstat(full).catch(() => undefined);
  if (stats?.isFile() !== true || stats.size !== record.size) return undefined;
  return contentHash(await readFile(full)) === record.hash ? record : undefined;
}

async function smaller(content: Uint8Array, compress: Compress): Promise<Uint8Array | undefined> {
  const compressed = await compress(content);
  return compressed.length < content.length ? compressed : undefined;
}

/** The paths of the regular files below a folder, without following a link. */
async function walk(root: string, folder: string, dotfiles: Dotfiles): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const paths: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder + entry.name;
    if (!isServable(path, dotfiles, false)) continue;
    if (entry.isFile()) paths.push(path);
    else if (entry.isDirectory()) paths.push(...(await walk(root, `${path}/`, dotfiles)));
  }
  return paths;
}

async function hashOf(full: string): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of createReadStream(full)) digest.update(chunk as Buffer);
  return shortened(digest.digest());
}

async function readText(full: string): Promise<string | undefined> {
  return readFile(full, "utf8").catch(() => undefined);
}

/** The manifest of the last build; one that cannot be read counts as none, since it is about to be written. */
async function readManifest(root: string): Promise<Manifest | undefined> {
  const text = await readText(join(root, manifestName));
  if (text === undefined) return undefined;
  try {
    return parseManifest(text);
  } catch {
    return undefined;
  }
}

/** A sibling that is older than its file would not be served by who ignores the manifest. */
async function makeNoOlder(full: string, time: Date): Promise<void> {
  if ((await lstat(full)).mtimeMs < time.getTime()) await utimes(full, time, noOlder(time));
}

/** The next millisecond: a Date has lost the digits behind that. */
function noOlder(time: Date): Date {
  return new Date(Math.ceil(time.getTime() + 1));
}

/** In one step, so that a server that serves meanwhile sees the old file or the new one. */
async function replaceFile(full: string, bytes: Uint8Array | string, time: Date | undefined): Promise<void> {
  const temporary = join(full, "..", `.gateway-static-${process.pid}.tmp`);
  try {
    await writeFile(temporary, bytes);
    if (time !== undefined) await utimes(temporary, time, noOlder(time));
    await rename(temporary, full);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
