/** Values by key that are believed for a while, and no more than so many: the oldest go first. */
export class RecentAnswers<V> {
  readonly #max: number;
  readonly #milliseconds: number;
  readonly #answers: Map<string, { readonly value: V; readonly at: number }> = new Map();

  constructor(max: number, milliseconds: number) {
    this.#max = max;
    this.#milliseconds = milliseconds;
  }

  get size(): number {
    return this.#answers.size;
  }

  get(key: string, now: number): V | undefined {
    const answer = this.#answers.get(key);
    // A clock that was set back must not make it last.
    return answer !== undefined && now - answer.at < this.#milliseconds && now >= answer.at ? answer.value : undefined;
  }

  set(key: string, value: V, now: number): void {
    this.#answers.delete(key);
    if (this.#answers.size >= this.#max) {
      const [oldest] = this.#answers.keys();
      if (oldest !== undefined) this.#answers.delete(oldest);
    }
    this.#answers.set(key, { value, at: now });
  }

  delete(key: string): void {
    this.#answers.delete(key);
  }

  clear(): void {
    this.#answers.clear();
  }
}
