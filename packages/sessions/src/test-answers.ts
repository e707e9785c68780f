/** In a process that `startChild` has started: answers each question, until the parent goes. What the parent sends only the caller knows. */
export function answerQuestions(answer: (question: unknown) => Promise<unknown>, end: () => unknown): void {
  process.on("message", (question) => {
    answer(question).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once("disconnect", () => void end());
  process.send?.({ answer: "ready" });
}
