const none: readonly string[] = [];

/**
 * The fields of a form, in the order in which they came: a name may have many values. Names are what a client says, `__proto__` and
 * `constructor` like any other.
 */
export class FormFields implements Iterable<readonly [name: string, value: string]> {
  readonly #pairs: (readonly [string, string])[] = [];
  readonly #values = new Map<string, string[]>();

  /** How many fields there are, those of the same name counted each. */
  get size(): number {
    return this.#pairs.length;
  }

  /** The first value of that name; `undefined` where there is none. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** All values of that name, in order. */
  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? none;
  }

  /** Is there a field of that name? */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The names, each once, in the order in which they first came. */
  names(): IterableIterator<string> {
    return this.#values.keys();
  }

  /** Adds a field behind the others. */
  append(name: string, value: string): void {
    this.#pairs.push([name, value]);
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }

  /** The fields, in order. */
  [Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    return this.#pairs.values();
  }
}
