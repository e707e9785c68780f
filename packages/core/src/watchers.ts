import type { Ending } from "./exchange.ts";

/** Those who wait for the end of an exchange, and the times they will be told. Made for the first listener; most requests have none. */
export class Watchers {
  readonly startedAt: number = performance.now();
  headAt: number | undefined = undefined;
  endedAt: number | undefined = undefined;
  readonly #listeners: ((ending: Ending) => void)[] = [];

  add(listener: (ending: Ending) => void): void {
    this.#listeners.push(listener);
  }

  /** Tells each listener once; one that throws keeps nothing from the others. */
  tell(ending: Ending, report: (error: unknown) => void): void {
    for (const listener of this.#listeners.splice(0)) callListener(listener, ending, report);
  }
}

export function callListener(listener: (ending: Ending) => void, ending: Ending, report: (error: unknown) => void): void {
  try {
    listener(ending);
  } catch (error) {
    report(error);
  }
}
