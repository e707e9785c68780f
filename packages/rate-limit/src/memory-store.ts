import { checkOptionNames } from "@gateway/core";
import { SlidingWindow, type Verdict } from "./sliding-window.ts";
import type { RateLimitStore } from "./store.ts";

/** Settings of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** How many keys are remembered (default 50,000; one takes about 0.6 to 2 KB); beyond that the one that asked longest ago is forgotten. */
  readonly maxKeys?: number | undefined;
  /** A clock in milliseconds that never goes back (default: `performance.now`). */
  readonly now?: (() => number) | undefined;
}

interface Entry {
  readonly window: SlidingWindow;
  readonly windowMilliseconds: number;
}

/**
 * Counts in the memory of this process, and answers synchronously. Each process counts for itself: with four of them a client may get four times the limit.
 * Give each layer a store of its own, or its own `name`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): RateLimitStore {
  checkOptionNames("memoryStore", options, { maxKeys: true, now: true });
  const { maxKeys = 50_000, now = () => performance.now() } = options;
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1)
    throw new RangeError(`memoryStore: maxKeys is a whole number from 1 on, not ${String(maxKeys)}`);
  if (typeof now !== "function") throw new TypeError("memoryStore: now is a function");
  /** In the order in which they asked last. */
  const entries = new Map<string, Entry>();

  return {
    inProcess: true,
    take(key, cost, limit, windowMilliseconds): Verdict {
      const time = now();
      const known = entries.get(key);
      const entry = known?.windowMilliseconds === windowMilliseconds ? known : { window: new SlidingWindow(), windowMilliseconds };
      if (known !== undefined) entries.delete(key);
      const verdict = entry.window.take(cost, limit, windowMilliseconds, time);
      if (verdict.used > 0) entries.set(key, entry);
      // Two looks for each key that comes in: what is over goes faster than new ones come.
      for (let i = 0; i < 2; i++) forgetOldest(entries, time, maxKeys);
      return verdict;
    },
  };
}

function forgetOldest(entries: Map<string, Entry>, time: number, maxKeys: number): void {
  for (const [key, { window, windowMilliseconds }] of entries) {
    if (entries.size > maxKeys || window.isEmpty(time, windowMilliseconds)) entries.delete(key);
    return;
  }
}
