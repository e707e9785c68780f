import type { Verdict } from "./sliding-window.ts";

/** Where {@link rateLimit} counts. Synchronous or not; one that throws or rejects is not available. */
export interface RateLimitStore {
  /** Other processes do not see what is in it (default: not said). */
  readonly inProcess?: boolean | undefined;
  /**
   * Uses up `cost` of what `key` may use in a sliding window, unless that is more than is left: in one step, whoever else asks at the same time.
   *
   * @param key at most 100 characters of visible ASCII.
   */
  take(key: string, cost: number, limit: number, windowMilliseconds: number): Verdict | Promise<Verdict>;
}
