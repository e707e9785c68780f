/** In a process that `startChild` has started: answers each question, until the parent goes. */
// Only the caller knows what the parent sends.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function answerQuestions<Question>(answer: (question: Question) => Promise<unknown>, end: () => unknown): void {
  process.on("message", (question: Question) => {
    answer(question).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once("disconnect", () => void end());
  process.send?.({ answer: "ready" });
}
