/** What {@link MemoryCache} holds: it tells its price, and remembers whether it was asked for. */
export interface Cached {
  /** How many bytes it holds in memory, its share of what manages them included. */
  readonly cost: number;
  /** It was asked for since the cache last looked for something to give up. */
  wasUsed: boolean;
}

/**
 * Values by key, up to a sum of their costs. The least recently used go first, roughly: what was used since the last look gets a
 * second chance, so that a hit changes one field and no order.
 */
export class MemoryCache<V extends Cached> {
  readonly #maxCost: number;
  readonly #values: Map<string, V> = new Map();
  #cost = 0;

  constructor(maxCost: number) {
    this.#maxCost = maxCost;
  }

  /** The sum of the costs. */
  get cost(): number {
    return this.#cost;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** Keeps a value in the place of the one before, unless it alone would cost more than there is. */
  set(key: string, value: V): void {
    this.delete(key);
    if (value.cost > this.#maxCost) return;
    this.#values.set(key, value);
    this.#cost += value.cost;
    if (this.#cost > this.#maxCost) this.#makeRoom(key);
  }

  delete(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#cost -= value.cost;
  }

  clear(): void {
    this.#values.clear();
    this.#cost = 0;
  }

  #makeRoom(kept: string): void {
    // A map that is changed while it is walked gives what is put behind, so each value is met at most twice.
    for (const [key, value] of this.#values) {
      if (this.#cost <= this.#maxCost) return;
      if (key !== kept && !value.wasUsed) {
        this.delete(key);
        continue;
      }
      value.wasUsed = false;
      this.#values.delete(key);
      this.#values.set(key, value);
    }
  }
}
