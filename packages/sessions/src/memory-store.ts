import { checkOptionNames } from "@gateway/core";
import { checkClock } from "./check-clock.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** Settings of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** How many sessions are kept (default 10000); one more drives out the one that was not used for the longest time. */
  maxEntries?: number | undefined;
  /** The clock, in milliseconds since 1970 (default `Date.now`). */
  now?: (() => number) | undefined;
}

/** The sessions of this process, see {@link memoryStore}. */
export interface MemoryStore extends SessionStore {
  readonly synchronous: true;
  /** How many records are kept, over ones included. */
  readonly size: number;
  read(id: string): SessionRecord | undefined;
  write(id: string, record: SessionRecord): boolean;
  touch(id: string, expiresAt: number): void;
  delete(id: string): void;
  prune(): number;
}

/**
 * Keeps sessions in the memory of this process: gone when it ends, and not seen by other processes, so for tests, development and servers of one process. Bounded,
 * and atomic, since nothing in it waits.
 *
 * @throws {TypeError | RangeError} for options that are wrong.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  checkOptionNames("memoryStore", options, { maxEntries: true, now: true });
  const { maxEntries = 10_000, now = Date.now } = options;
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1)
    throw new RangeError("memoryStore: maxEntries is a whole number above 0");
  checkClock("memoryStore", now);
  return new BoundedMemory(maxEntries, now);
}

class BoundedMemory implements MemoryStore {
  readonly atomic = true;
  readonly synchronous = true;
  readonly inProcess = true;
  readonly #maxEntries: number;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #records = new Map<string, SessionRecord>();

  constructor(maxEntries: number, now: () => number) {
    this.#maxEntries = maxEntries;
    this.#now = now;
  }

  get size(): number {
    return this.#records.size;
  }

  read(id: string): SessionRecord | undefined {
    const record = this.#live(id);
    if (record === undefined) return undefined;
    this.#put(id, record);
    return { ...record };
  }

  write(id: string, record: SessionRecord): boolean {
    if (record.version !== (this.#live(id)?.version ?? 0) + 1) return false;
    const { data, version, expiresAt } = record;
    this.#put(id, { data, version, expiresAt });
    if (this.#records.size > this.#maxEntries) this.#dropOldest();
    return true;
  }

  touch(id: string, expiresAt: number): void {
    const record = this.#live(id);
    if (record !== undefined) this.#put(id, { ...record, expiresAt });
  }

  delete(id: string): void {
    this.#records.delete(id);
  }

  prune(): number {
    const now = this.#now();
    const before = this.#records.size;
    for (const [id, { expiresAt }] of this.#records) if (expiresAt <= now) this.#records.delete(id);
    return before - this.#records.size;
  }

  close(): void {
    this.#records.clear();
  }

  #live(id: string): SessionRecord | undefined {
    const record = this.#records.get(id);
    if (record === undefined || record.expiresAt > this.#now()) return record;
    this.#records.delete(id);
    return undefined;
  }

  /** Puts it behind all others: it was used last. */
  #put(id: string, record: SessionRecord): void {
    this.#records.delete(id);
    this.#records.set(id, record);
  }

  #dropOldest(): void {
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }
}
