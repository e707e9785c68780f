/** How long a worker may take to answer a question. */
const answerMilliseconds = 1000;

/** What workers were asked, until they answer. */
export class Questions<Answer> {
  readonly #open = new Map<number, { readonly worker: number; readonly resolve: (answer: Answer | undefined) => void }>();
  #lastId = 0;

  /**
   * Asks a worker. Resolves with its answer; `undefined` when it ends, or does not answer within a second.
   *
   * @param send given the id of the question.
   */
  ask(worker: number, send: (id: number) => void): Promise<Answer | undefined> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.answer(id, undefined), answerMilliseconds);
      this.#open.set(id, {
        worker,
        resolve(answer) {
          clearTimeout(late);
          resolve(answer);
        },
      });
      send(id);
    });
  }

  /** The answer to the question of that id. One that comes too late is not heard. */
  answer(id: number, answer: Answer | undefined): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    question?.resolve(answer);
  }

  /** The worker has ended: it answers nothing any more. */
  ended(worker: number): void {
    for (const [id, question] of this.#open) if (question.worker === worker) this.answer(id, undefined);
  }
}
