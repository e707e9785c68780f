import type { Clock } from "./deadlines.ts";

/** A clock that stands still until it is told. */
export class TestClock implements Clock {
  time = 0;
  readonly timers: { readonly period: number; next: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  every(period: number, callback: () => void): () => void {
    const timer = { period, next: this.time + period, callback };
    this.timers.push(timer);
    return () => void this.timers.splice(this.timers.indexOf(timer), 1);
  }

  /** Goes on, and calls what is due, in order. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const [due] = this.timers.filter(({ next }) => next <= end).toSorted((a, b) => a.next - b.next);
      if (due === undefined) break;
      this.time = due.next;
      due.next += due.period;
      due.callback();
    }
    this.time = end;
  }
}
