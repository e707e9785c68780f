/** What the clock of a client looks after. */
export interface Ticking {
  /** Once a second, while it is there. @param sinceLast milliseconds since the last time. */
  tick(sinceLast: number): void;
}

const tickMilliseconds = 1000;

/** One timer for all that a client has under way; it runs only while there is something. */
export class ClientClock {
  readonly #ticking = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined = undefined;
  #at = 0;

  add(one: Ticking): void {
    this.#ticking.add(one);
    if (this.#timer !== undefined) return;
    this.#at = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMilliseconds).unref();
  }

  delete(one: Ticking): void {
    this.#ticking.delete(one);
    if (this.#ticking.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const sinceLast = performance.now() - this.#at;
    this.#at += sinceLast;
    for (const one of this.#ticking) one.tick(sinceLast);
  }
}
