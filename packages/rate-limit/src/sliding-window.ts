/** What a store says about a request. */
export interface Verdict {
  readonly isAllowed: boolean;
  /** How much of the limit is used up in the window that ends now, this request included where it is allowed. */
  readonly used: number;
  /** Until some of what is used is free again, in milliseconds; 0 where nothing is used. */
  readonly freesInMilliseconds: number;
  /** Until this request would be allowed, in milliseconds, if nobody else asks; 0 where it is, `Infinity` where it never would be. */
  readonly retryInMilliseconds: number;
}

/** A window is counted in so many steps: what was used counts until the end of the step it was used in, and a whole window on. */
const stepsPerWindow = 60;

/** How long a step is, in milliseconds: a whole number, so that every program that shares a store cuts the time alike. */
export function stepMilliseconds(windowMilliseconds: number): number {
  return Math.max(1, Math.ceil(windowMilliseconds / stepsPerWindow));
}

/**
 * What one key has used in each step of its window: exact in that no window of that length, wherever it begins, holds more than the limit. For that it is up to
 * a step too strict. Takes memory for the steps that were used, 61 at most, whatever the limit.
 */
export class SlidingWindow {
  /** Steps by their end, in milliseconds, and what was used in them; the oldest first. */
  readonly #ends: number[] = [];
  readonly #used: number[] = [];
  #sum = 0;

  /** Nothing counts any more. */
  isEmpty(now: number, windowMilliseconds: number): boolean {
    this.#forget(now, windowMilliseconds);
    return this.#ends.length === 0;
  }

  /** Uses up `cost`, unless it is more than is left. */
  take(cost: number, limit: number, windowMilliseconds: number, now: number): Verdict {
    this.#forget(now, windowMilliseconds);
    const isAllowed = this.#sum + cost <= limit;
    if (isAllowed && cost > 0) {
      const step = stepMilliseconds(windowMilliseconds);
      const end = (Math.floor(now / step) + 1) * step;
      const last = this.#ends.length - 1;
      // A clock that was set back goes on with the step that is there.
      if (last >= 0 && (this.#ends[last] ?? 0) >= end) this.#used[last] = (this.#used[last] ?? 0) + cost;
      else {
        this.#ends.push(end);
        this.#used.push(cost);
      }
      this.#sum += cost;
    }
    const first = this.#ends[0];
    return {
      isAllowed,
      used: this.#sum,
      freesInMilliseconds: first === undefined ? 0 : first + windowMilliseconds - now,
      retryInMilliseconds: isAllowed ? 0 : this.#retryIn(cost, limit, windowMilliseconds, now),
    };
  }

  #forget(now: number, windowMilliseconds: number): void {
    let gone = 0;
    while (gone < this.#ends.length && (this.#ends[gone] ?? 0) + windowMilliseconds <= now) {
      this.#sum -= this.#used[gone] ?? 0;
      gone++;
    }
    if (gone === 0) return;
    this.#ends.splice(0, gone);
    this.#used.splice(0, gone);
  }

  #retryIn(cost: number, limit: number, windowMilliseconds: number, now: number): number {
    let left = this.#sum;
    for (const [i, end] of this.#ends.entries()) {
      left -= this.#used[i] ?? 0;
      if (left + cost <= limit) return end + windowMilliseconds - now;
    }
    return Infinity;
  }
}
