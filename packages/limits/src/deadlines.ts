/** Where the time comes from, and what calls later. */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls again and again, without keeping the process alive. @returns what stops it. */
  every(milliseconds: number, callback: () => void): () => void;
}

/** The clock of this process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  every(milliseconds, callback) {
    const timer = setInterval(callback, milliseconds);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Something that may take only so long. A link of a list: it stands in one list at a time. */
export abstract class Deadline {
  at = 0;
  before: Deadline | undefined = undefined;
  after: Deadline | undefined = undefined;
  isListed = false;

  /** The time is over. It stands in no list any more. */
  abstract expire(): void;
}

const leastPeriod = 10;
const greatestPeriod = 1000;

/**
 * Deadlines of one and the same length, so that the oldest is always the next: a list, and one coarse timer for all that runs only
 * while there is anything in it. A deadline is noticed late by up to a tenth of its length, 10 milliseconds at least and a second at most.
 */
export class Deadlines {
  readonly #milliseconds: number;
  readonly #clock: Clock;
  #first: Deadline | undefined = undefined;
  #last: Deadline | undefined = undefined;
  #count = 0;
  #stop: (() => void) | undefined = undefined;

  /** @param milliseconds how long each may take; `Infinity` for ever: then it is only a list. */
  constructor(milliseconds: number, clock: Clock = systemClock) {
    this.#milliseconds = milliseconds;
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /** Begins to count for it. */
  add(deadline: Deadline): void {
    deadline.isListed = true;
    deadline.before = this.#last;
    if (this.#last === undefined) this.#first = deadline;
    else this.#last.after = deadline;
    this.#last = deadline;
    this.#count++;
    if (this.#milliseconds === Infinity) return;
    deadline.at = this.#clock.now() + this.#milliseconds;
    this.#stop ??= this.#clock.every(Math.min(greatestPeriod, Math.max(leastPeriod, this.#milliseconds / 10)), () => this.#sweep());
  }

  /** It was in time, or is of no interest any more. Does nothing for one that is not in the list. */
  remove(deadline: Deadline): void {
    if (!deadline.isListed) return;
    deadline.isListed = false;
    if (deadline.before === undefined) this.#first = deadline.after;
    else deadline.before.after = deadline.after;
    if (deadline.after === undefined) this.#last = deadline.before;
    else deadline.after.before = deadline.before;
    deadline.before = deadline.after = undefined;
    this.#count--;
  }

  /** Takes the oldest out of the list. */
  shift(): Deadline | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (let first = this.#first; first !== undefined && first.at <= now; first = this.#first) {
      this.remove(first);
      first.expire();
    }
    // Not stopped when the list becomes empty: that happens between any two requests.
    if (this.#first !== undefined) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}
