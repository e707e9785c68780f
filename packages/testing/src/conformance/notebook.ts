import type { Probe } from "./types.ts";

interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

/** Collects what happens beside the response, and wakes those who wait for it. */
export class Notebook implements Probe {
  readonly notes: string[] = [];
  errors = "";
  readonly #waiters = new Set<Waiter>();

  note(text: string): void {
    this.notes.push(text);
    this.#wake();
  }

  /** Takes what was written to `wsgi.errors`. */
  report(text: string): void {
    this.errors += text;
    this.#wake();
  }

  /** Resolves once the condition holds; it is looked at whenever something was noted. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.add({ holds, resolve });
    });
  }

  /** Resolves once this was noted. */
  noted(text: string): Promise<void> {
    return this.until(() => this.notes.includes(text));
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.holds()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
