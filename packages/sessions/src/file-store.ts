import { checkOptionNames } from "@gateway/core";
import { mkdirSync } from "node:fs";
import { readdir, readFile, stat, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkClock } from "./check-clock.ts";
import { breakLock, isLeftBehind, RecordLock, unless } from "./record-lock.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** Settings of {@link fileStore}. */
export interface FileStoreOptions {
  /** The folder, for sessions and nothing else. Made if it is not there, for this user alone (0700). */
  directory: string;
  /** Whether what was saved must outlast a power failure, at some milliseconds for each save (default false: it outlasts only the process). */
  durable?: boolean | undefined;
  /** The clock, in milliseconds since 1970 (default `Date.now`). */
  now?: (() => number) | undefined;
}

/** Sessions in a folder, see {@link fileStore}. */
export interface FileStore extends SessionStore {
  read(id: string): Promise<SessionRecord | undefined>;
  write(id: string, record: SessionRecord): Promise<boolean>;
  touch(id: string, expiresAt: number): Promise<void>;
  delete(id: string): Promise<void>;
  prune(): Promise<number>;
}

/**
 * Keeps each session in a file (0600) of a folder that the processes of one machine share: atomic among them, also where one of them is killed at any moment. A file
 * is replaced by another that is whole already, so it is never seen half written. Expired ones stay until `prune()`, which looks into every file.
 *
 * @throws {TypeError} for options that are wrong.
 * @throws {Error} where the folder cannot be made.
 */
export function fileStore(options: FileStoreOptions): FileStore {
  checkOptionNames("fileStore", options, { directory: true, durable: true, now: true });
  const { directory, durable = false, now = Date.now } = options;
  if (typeof directory !== "string" || directory === "") throw new TypeError("fileStore: directory is the path of a folder");
  if (typeof durable !== "boolean") throw new TypeError("fileStore: durable is true or false");
  checkClock("fileStore", now);
  // The working folder may change later.
  const root = resolve(directory);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return new Folder(root, durable, now);
}

/** Any base64url; the layer makes 43 characters of it. No path leads out of the folder through it. */
const idPattern = /^[A-Za-z0-9_-]{1,100}$/;
const suffix = ".session";

class Folder implements FileStore {
  readonly atomic = true;
  readonly #root: string;
  readonly #durable: boolean;
  readonly #now: () => number;
  /** What is waited for in this process: a lock is for other processes. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(root: string, durable: boolean, now: () => number) {
    this.#root = root;
    this.#durable = durable;
    this.#now = now;
  }

  async read(id: string): Promise<SessionRecord | undefined> {
    return this.#live(this.#path(id));
  }

  async write(id: string, record: SessionRecord): Promise<boolean> {
    return this.#replace(id, (live) => (record.version === (live?.version ?? 0) + 1 ? record : undefined));
  }

  async touch(id: string, expiresAt: number): Promise<void> {
    await this.#replace(id, (live) => live && { ...live, expiresAt });
  }

  async delete(id: string): Promise<void> {
    const path = this.#path(id);
    await this.#exclusively(path, () => this.#remove(path));
  }

  async prune(): Promise<number> {
    let pruned = 0;
    for (const name of await readdir(this.#root)) {
      const path = join(this.#root, name);
      if (name.endsWith(".lock") && (await isLeftBehind(path))) await breakLock(path);
      else if (
        name.endsWith(suffix) &&
        (await this.#isOver(path)) &&
        (await this.#exclusively(path, () => this.#removeIfOver(path)))
      )
        pruned++;
    }
    return pruned;
  }

  #path(id: string): string {
    if (!idPattern.test(id)) throw new TypeError("fileStore: an id is base64url, 100 characters at most");
    return join(this.#root, id + suffix);
  }

  /** Puts another record in the place of the live one, as the choice is. @returns whether it did. */
  async #replace(id: string, choose: (live: SessionRecord | undefined) => SessionRecord | undefined): Promise<boolean> {
    const path = this.#path(id);
    return this.#queued(path, async () => {
      for (;;) {
        const lock = await RecordLock.acquire(path);
        try {
          const record = choose(await this.#live(path));
          if (record === undefined) return false;
          if (await lock.commit(encode(record), this.#durable)) return true;
        } finally {
          await lock.release();
        }
      }
    });
  }

  async #exclusively<T>(path: string, work: () => Promise<T>): Promise<T> {
    return this.#queued(path, async () => {
      const lock = await RecordLock.acquire(path);
      try {
        return await work();
      } finally {
        await lock.release();
      }
    });
  }

  /** One after the other, for each path. */
  async #queued<T>(path: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(path) ?? Promise.resolve();
    const result = before.then(work);
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#queues.set(path, settled);
    try {
      return await result;
    } finally {
      if (this.#queues.get(path) === settled) this.#queues.delete(path);
    }
  }

  async #live(path: string): Promise<SessionRecord | undefined> {
    const record = await this.#stored(path);
    return record !== undefined && record.expiresAt > this.#now() ? record : undefined;
  }

  async #stored(path: string): Promise<SessionRecord | undefined> {
    const octets = await unless(["ENOENT"], readFile(path));
    if (octets !== undefined) return decode(octets);
    // No such file in a folder that is there: no session. No folder: nobody knows.
    await stat(this.#root);
    return undefined;
  }

  async #isOver(path: string): Promise<boolean> {
    const octets = await unless(["ENOENT"], readFile(path));
    return octets !== undefined && !((decode(octets)?.expiresAt ?? 0) > this.#now());
  }

  async #removeIfOver(path: string): Promise<boolean> {
    return (await this.#isOver(path)) && this.#remove(path);
  }

  async #remove(path: string): Promise<boolean> {
    const removed = await unless(
      ["ENOENT"],
      unlink(path).then(() => true),
    );
    if (removed === undefined) await stat(this.#root);
    return removed === true;
  }
}

/** `VERSION EXPIRES OCTETS`, a line end, and the data. */
function encode({ version, expiresAt, data }: SessionRecord): string {
  return `${version} ${expiresAt} ${Buffer.byteLength(data)}\n${data}`;
}

/** `undefined` for a file that is not whole: a power failure can do that where `durable` is off, and the session is lost then. */
function decode(octets: Buffer): SessionRecord | undefined {
  const lineEnd = octets.indexOf(0x0a);
  const head = /^(\d{1,16}) (-?\d{1,16}) (\d{1,16})$/.exec(octets.toString("latin1", 0, Math.max(0, Math.min(lineEnd, 64))));
  if (head === null || Number(head[3]) !== octets.length - lineEnd - 1) return undefined;
  return { version: Number(head[1]), expiresAt: Number(head[2]), data: octets.toString("utf8", lineEnd + 1) };
}
