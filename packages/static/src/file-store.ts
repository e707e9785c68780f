import { closeSync } from "node:fs";
import type { Coding } from "./accept-encoding.ts";
import { beingWritten } from "./being-written.ts";
import { isSameVersion, modifiedMilliseconds, stampOf, type FileStamp } from "./file-stamp.ts";
import { BlockCache, type KeptBlocks } from "./block-cache.ts";
import { HashChecks } from "./hash-checks.ts";
import { contentHash, manifestPath, type ContentRecord } from "./manifest.ts";
import { ManifestFile } from "./manifest-file.ts";
import { MemoryCache, type Cached } from "./memory-cache.ts";
import type { FileSettings } from "./options.ts";
import { readWhole } from "./read-whole.ts";
import { believedMilliseconds, RootFolder, type OpenFile } from "./root-folder.ts";
import { isYoung, makeVariant, youngMilliseconds, type Variant, type VariantSource } from "./variant.ts";

/** A file and its compressed siblings, as they were at most a second ago. */
export interface Resource extends Cached {
  readonly path: string;
  /** The file itself. */
  readonly original: Variant;
  /** Compressed siblings, in the order of preference. */
  readonly siblings: readonly Variant[];
  readonly codings: readonly Coding[];
  /** What was at the path of each coding, of use or not. */
  readonly seen: readonly (FileStamp | undefined)[];
  /** Something of it may have changed without a sign: it is read again before it is believed again. */
  readonly isUnsure: boolean;
  checkedAt: number;
  /** When it must be checked before it is used. */
  checkAt: number;
}

const endings: Readonly<Record<Coding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };

/** What a resource costs beside its content: headers, stamps, keys. Bounds the number of entries, also of large files. */
const resourceCost = 2048;

/** How often a large file may be replaced between the look at it and its opening. */
const maxAttempts = 5;

/** The files below a root, small ones with their content in memory. */
export class FileStore {
  readonly root: RootFolder;
  readonly #settings: FileSettings;
  readonly #manifest: ManifestFile | undefined;
  readonly #cache: MemoryCache<Resource>;
  readonly #blocks: BlockCache;
  readonly #hashes = new HashChecks();
  readonly #changed: () => void;

  /** @param changed called when all that is known may be wrong: the root is another folder. */
  constructor(root: string | URL, settings: FileSettings, changed: () => void = () => {}) {
    const now = settings.now();
    this.#settings = settings;
    this.#cache = new MemoryCache(settings.maxCacheBytes / 2);
    this.#blocks = new BlockCache(settings.maxCacheBytes / 2);
    this.#changed = changed;
    this.root = new RootFolder(root, settings.caller, now, () => this.#forgetAll());
    if (settings.manifest !== "ignore")
      this.#manifest = new ManifestFile(this.root, settings.caller, settings.manifest === "require", now, () =>
        this.#cache.clear(),
      );
  }

  /** What is in memory and was looked at within the last second: no system call, but once a second for the root. */
  fresh(path: string, now: number): Resource | undefined {
    // Before anything of the cache is believed: the root may be another folder now.
    this.root.path(now);
    const resource = this.#cache.get(path);
    if (resource === undefined || now >= resource.checkAt || now < resource.checkedAt) return undefined;
    resource.wasUsed = true;
    return resource;
  }

  /**
   * The file at a path that `isServable` has checked, as it is now or was within the last second. Never the manifest.
   *
   * @returns `undefined` where there is none.
   * @throws {HTTPError} 503 for a small file that is being written all the time, or where no descriptor is left.
   */
  get(path: string, now: number): Resource | undefined {
    const fresh = this.fresh(path, now);
    if (fresh !== undefined) return fresh;
    const known = this.#cache.get(path);
    if (known !== undefined && !known.isUnsure && this.#isUnchanged(known, now)) {
      known.checkedAt = now;
      known.checkAt = now + believedMilliseconds;
      known.wasUsed = true;
      return known;
    }
    this.#cache.delete(path);
    const resource = this.#load(path, now);
    if (resource !== undefined) this.#cache.set(path, resource);
    return resource;
  }

  /** Is there a file that {@link FileStore.get} would give? Reads nothing of it. */
  isFile(path: string, now: number): boolean {
    if (this.fresh(path, now) !== undefined) return true;
    if (path === manifestPath || this.root.look(path, now)?.isFile() !== true) return false;
    const file = this.root.open(path, now);
    if (file !== undefined) closeSync(file.descriptor);
    return file !== undefined;
  }

  /** Reads it again next time. */
  forget(path: string): void {
    this.#cache.delete(path);
  }

  /**
   * Opens what a variant of a large file is made of.
   *
   * @returns the open file in that very version, or `undefined` where there is another by now.
   */
  open(variant: Variant, now: number): OpenFile | undefined {
    const file = this.root.open(variant.path, now);
    if (file === undefined || isSameVersion(file.stamp, variant.stamp)) return file;
    closeSync(file.descriptor);
    return undefined;
  }

  /** Gives `use` the resource until it gets the file open that it asks for; see {@link FileStore.open}. */
  withFile<R>(
    resource: Resource,
    now: number,
    use: (resource: Resource, open: (variant: Variant) => OpenFile | undefined) => R | undefined,
  ): R | undefined {
    let current: Resource | undefined = resource;
    for (let attempt = 0; current !== undefined && attempt < maxAttempts; attempt++) {
      const result = use(current, (variant) => this.open(variant, now));
      if (result !== undefined) return result;
      this.forget(resource.path);
      current = this.get(resource.path, now);
    }
    if (current !== undefined) throw beingWritten();
    return undefined;
  }

  /** What is kept of a large file while it is sent. */
  blocks(variant: Variant): KeptBlocks | undefined {
    return this.#blocks.of(variant, variant.path, variant.stamp.size);
  }

  #forgetAll(): void {
    this.#cache.clear();
    this.#blocks.clear();
    this.#hashes.clear();
    this.#changed();
  }

  #isUnchanged(resource: Resource, now: number): boolean {
    // Asked first, because a new manifest clears the cache.
    this.#manifest?.record(resource.path, now);
    if (this.#cache.get(resource.path) !== resource) return false;
    const stats = this.root.look(resource.path, now);
    if (stats === undefined || !isSameVersion(stampOf(stats), resource.original.stamp)) return false;
    return this.#settings.precompressed.every((coding, i) => isSameLook(this.#look(resource.path, coding, now), resource.seen[i]));
  }

  #look(path: string, coding: Coding, now: number): FileStamp | undefined {
    const stats = this.root.look(path + endings[coding], now);
    return stats === undefined ? undefined : stampOf(stats);
  }

  #load(path: string, now: number): Resource | undefined {
    if (path === manifestPath) return undefined;
    // A cheap look, because an error that is thrown costs more than a file that is there.
    if (this.root.look(path, now)?.isFile() !== true) return undefined;
    const record = this.#manifest?.record(path, now);
    const original = this.#source(path, "", record, now);
    if (original === undefined) return undefined;
    const seen = this.#settings.precompressed.map((coding) => this.#look(path, coding, now));
    const siblings: VariantSource[] = [];
    for (const [i, coding] of this.#settings.precompressed.entries()) {
      if (seen[i] === undefined) continue;
      const sibling = this.#source(path + endings[coding], coding, record?.siblings[coding], now);
      if (sibling === undefined) continue;
      // Made of this very file, by the manifest; or at least no older than it.
      const isProven = original.hash !== "" && sibling.hash !== "";
      if (isProven || sibling.stamp.modified >= original.stamp.modified) siblings.push(sibling);
    }
    return this.#resource(path, original, siblings, seen, now);
  }

  #resource(
    path: string,
    original: VariantSource,
    siblings: readonly VariantSource[],
    seen: Resource["seen"],
    now: number,
  ): Resource {
    const about = { path, stamp: original.stamp, isNegotiated: siblings.length > 0 };
    const make = (source: VariantSource): Variant => makeVariant(source, about, this.#settings, now);
    const young = [original.stamp, ...seen].filter((stamp) => stamp !== undefined && isYoung(stamp, now)) as readonly FileStamp[];
    const settled = young.map((stamp) => modifiedMilliseconds(stamp) + youngMilliseconds);
    return {
      path,
      original: make(original),
      siblings: siblings.map(make),
      codings: siblings.map(({ coding }) => coding as Coding),
      seen,
      isUnsure: young.length > 0,
      checkedAt: now,
      // What settles sooner gets its strong tag sooner.
      checkAt: Math.min(now + believedMilliseconds, ...settled),
      cost: [original, ...siblings].reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), resourceCost),
      wasUsed: false,
    };
  }

  #source(path: string, coding: Coding | "", record: ContentRecord | undefined, now: number): VariantSource | undefined {
    const file = this.root.open(path, now);
    if (file === undefined) return undefined;
    const { maxCachedFileBytes } = this.#settings;
    try {
      const whole = readWhole(file, maxCachedFileBytes, (stamp) => isYoung(stamp, now));
      if (whole === undefined) throw beingWritten();
      const { bytes, stamp } = whole;
      if (bytes === undefined) return { coding, path, stamp, bytes, hash: this.#provenHash(path, stamp, record) };
      const isProven = record !== undefined && record.size === bytes.length && contentHash(bytes) === record.hash;
      return { coding, path, stamp, bytes, hash: isProven ? record.hash : "" };
    } finally {
      closeSync(file.descriptor);
    }
  }

  /** What a manifest says of a large file, once it has been read through. */
  #provenHash(path: string, stamp: FileStamp, record: ContentRecord | undefined): string {
    if (record === undefined || record.size !== stamp.size) return "";
    const open = (): OpenFile | undefined => this.root.open(path, this.#settings.now());
    return this.#hashes.isTrue(path, stamp, record.hash, open, () => this.#cache.clear()) ? record.hash : "";
  }
}

function isSameLook(one: FileStamp | undefined, other: FileStamp | undefined): boolean {
  return one === undefined || other === undefined ? one === other : isSameVersion(one, other);
}
