/** From the second failure of a place in a row on: doubled each time. */
const firstPauseMilliseconds = 500;
const longestPauseMilliseconds = 30_000;

/** One place among the workers, and how often in a row whoever had it came to a bad end. */
interface Place {
  failures: number;
  notBefore: number;
}

/** When each place may be tried again: at once after the first bad end of whoever had it, then after a pause that doubles. Times are on one clock. */
export class Places {
  readonly #places = new Map<number, Place>();

  /** @param sound whether who had it had served for long: then it is no crash loop. */
  failed(index: number, now: number, sound: boolean): void {
    const failures = sound ? 1 : (this.#places.get(index)?.failures ?? 0) + 1;
    const pause = failures === 1 ? 0 : firstPauseMilliseconds * 2 ** (failures - 2);
    this.#places.set(index, { failures, notBefore: now + Math.min(pause, longestPauseMilliseconds) });
  }

  /** How long the place must wait still. */
  pause(index: number, now: number): number {
    return Math.max(0, (this.#places.get(index)?.notBefore ?? 0) - now);
  }

  /** How long that is, for the end of a line; nothing where it need not wait. */
  nextTry(index: number, now: number): string {
    const pause = this.pause(index, now);
    // Whole milliseconds first: what is added to a clock with fractions and taken away again is not quite the same.
    return pause === 0 ? "" : ` (the next try in ${Math.ceil(Math.round(pause) / 100) / 10} seconds)`;
  }

  /** When the next of the first `count` places may be tried again that must wait still; `Infinity`: none must. */
  next(count: number, now: number): number {
    let next = Infinity;
    for (const [index, { notBefore }] of this.#places) {
      if (notBefore > now && index < count) next = Math.min(next, notBefore);
    }
    return next;
  }

  /** All may be tried at once. */
  clear(): void {
    this.#places.clear();
  }
}
