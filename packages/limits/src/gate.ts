import { HTTPError, type Exchange } from "@gateway/core";
import { Deadline, Deadlines, type Clock } from "./deadlines.ts";

/** What a {@link Gate} is told to do. */
interface GateOptions {
  /** How many may be inside at a time. */
  readonly concurrency: number;
  /** How many may wait. */
  readonly queue: number;
  /** How long one may wait, in milliseconds. */
  readonly queueMilliseconds: number;
  readonly retryAfterSeconds: number;
}

/** Lets so many in at a time; others wait in a queue, in the order in which they came. */
export class Gate {
  readonly #options: GateOptions;
  readonly #waiting: Deadlines;
  #inside = 0;

  constructor(options: GateOptions, clock?: Clock) {
    this.#options = options;
    this.#waiting = new Deadlines(options.queueMilliseconds, clock);
  }

  /** How many are inside. */
  get inside(): number {
    return this.#inside;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** @returns whether there was a place: then {@link Gate.leave} must be called, once. */
  enter(): boolean {
    // Who waits came earlier: there is nobody while there is a place.
    if (this.#inside >= this.#options.concurrency) return false;
    this.#inside++;
    return true;
  }

  /** Gives the place to who has waited longest. A function of its own, so that it can be a listener. */
  readonly leave = (): void => {
    const next = this.#waiting.shift();
    if (next instanceof Waiter) next.enter();
    else this.#inside--;
  };

  /**
   * Waits for a place, while the client does. When it resolves, {@link Gate.leave} must be called, once.
   *
   * @param refused is told why it rejects, unless it is the client that left.
   * @throws {HTTPError} 503 when too many wait already; it rejects with that when the time is over, or the server stops.
   */
  wait(exchange: Exchange, refused: (why: "full" | "waited") => void): Promise<void> {
    const { queue, retryAfterSeconds } = this.#options;
    if (this.#waiting.count >= queue) {
      refused("full");
      throw busy(retryAfterSeconds);
    }
    const { signal } = exchange;
    return new Promise((resolve, reject) => {
      const expired = (): void => {
        signal.removeEventListener("abort", aborted);
        refused("waited");
        reject(busy(retryAfterSeconds));
      };
      const aborted = (): void => {
        this.#waiting.remove(waiter);
        const reason: unknown = signal.reason;
        // Whoever is still there is told; whoever left is not.
        reject(isDeparture(reason) ? reason : busy(retryAfterSeconds));
      };
      const waiter = new Waiter(() => {
        signal.removeEventListener("abort", aborted);
        resolve();
      }, expired);
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.add(waiter);
    });
  }
}

class Waiter extends Deadline {
  readonly enter: () => void;
  readonly expire: () => void;

  constructor(enter: () => void, expire: () => void) {
    super();
    this.enter = enter;
    this.expire = expire;
  }
}

function busy(retryAfterSeconds: number): HTTPError {
  return new HTTPError(503, "The server is busy. Please try again.", { headers: [["Retry-After", `${retryAfterSeconds}`]] });
}

function isDeparture(reason: unknown): boolean {
  return typeof reason === "object" && reason !== null && "code" in reason && reason.code === "CLIENT_GONE";
}
