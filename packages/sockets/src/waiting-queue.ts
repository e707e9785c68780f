import type { ClientClock, Ticking } from "./client-clock.ts";
import { ClientError } from "./client-error.ts";

/** What waits for a connection. */
export interface Queued {
  /** It waits no longer. */
  fail(error: unknown): void;
}

/** How many may wait, and for how long. */
export interface QueueLimits {
  readonly maxQueued: number;
  readonly queueSeconds: number;
}

/** Requests that wait for a connection, the first that came first. */
export class WaitingQueue<Waiting extends Queued> implements Ticking {
  readonly #limits: QueueLimits;
  readonly #clock: ClientClock;
  /** Each with the milliseconds that it has waited for. */
  readonly #waiting = new Map<Waiting, number>();

  constructor(limits: QueueLimits, clock: ClientClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Lets it wait, or fail where too many do. */
  add(one: Waiting): void {
    const { maxQueued } = this.#limits;
    if (this.#waiting.size >= maxQueued)
      return one.fail(new ClientError("OVERLOADED", `${maxQueued} requests wait for a connection already`));
    if (this.#waiting.size === 0) this.#clock.add(this);
    this.#waiting.set(one, 0);
  }

  /** It waits no longer. */
  delete(one: Waiting): void {
    if (this.#waiting.delete(one) && this.#waiting.size === 0) this.#clock.delete(this);
  }

  /** Takes out the one that came first. */
  shift(): Waiting | undefined {
    const [first] = this.#waiting.keys();
    if (first !== undefined) this.delete(first);
    return first;
  }

  /** Fails all that wait. */
  clear(error: unknown): void {
    for (let one = this.shift(); one !== undefined; one = this.shift()) one.fail(error);
  }

  tick(sinceLast: number): void {
    const { queueSeconds } = this.#limits;
    for (const [one, before] of Array.from(this.#waiting)) {
      const waited = before + sinceLast;
      if (waited <= queueSeconds * 1000) {
        this.#waiting.set(one, waited);
        continue;
      }
      this.delete(one);
      one.fail(new ClientError("OVERLOADED", `no connection was free for ${queueSeconds} seconds`));
    }
  }
}
