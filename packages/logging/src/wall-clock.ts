let offset = 0;
let anchoredAt = Number.NEGATIVE_INFINITY;

/**
 * The time of day of a moment on the clock of `performance.now()`, in milliseconds since 1970. The two clocks are compared once a second,
 * because one can be set and the other cannot, and reading both for every line would cost more than most of the line.
 *
 * @param now the latest moment that is known.
 */
export function wallClock(moment: number, now: number): number {
  if (now - anchoredAt >= 1000) {
    offset = Date.now() - performance.now();
    anchoredAt = now;
  }
  return offset + moment;
}
