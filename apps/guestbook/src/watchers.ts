/** Those who wait for something new. */
export class Watchers {
  readonly #waiting = new Set<() => void>();

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Wakes everybody who waits. */
  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** Begins to wait: for `wake`, or for `leave` of what it gives. */
  wait(): { readonly woken: Promise<void>; leave(): void } {
    let resolve: (() => void) | undefined;
    const woken = new Promise<void>((done) => (resolve = done));
    const wake = (): void => resolve?.();
    this.#waiting.add(wake);
    return {
      woken,
      leave: () => {
        this.#waiting.delete(wake);
        wake();
      },
    };
  }
}
