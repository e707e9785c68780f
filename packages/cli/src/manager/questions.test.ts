import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Questions } from "./questions.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("Questions", () => {
  it("gives each asker the answer to its own question", async () => {
    const questions = new Questions<string>();
    const ids: number[] = [];
    const answers = [1, 1, 2].map((worker) => questions.ask(worker, (id) => ids.push(id)));
    expect(new Set(ids).size).toBe(3);
    for (const id of ids.toReversed()) questions.answer(id, `answer ${id}`);
    expect(await Promise.all(answers)).toEqual(ids.map((id) => `answer ${id}`));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits for a second, and does not hear what comes later, twice, or to nothing that was asked", async () => {
    const questions = new Questions<string>();
    let asked = 0;
    const answer = questions.ask(1, (id) => (asked = id));
    vi.advanceTimersByTime(1000);
    expect(await answer).toBeUndefined();
    questions.answer(asked, "late");
    questions.answer(asked + 1, "unasked");
    const next = questions.ask(1, (id) => questions.answer(id, "at once"));
    expect(await next).toBe("at once");
  });

  it("waits no longer for a worker that has ended, but for the others", async () => {
    const questions = new Questions<string>();
    let other = 0;
    const answers = [questions.ask(1, () => {}), questions.ask(2, (id) => (other = id)), questions.ask(1, () => {})];
    questions.ended(1);
    questions.answer(other, "alive");
    expect(await Promise.all(answers)).toEqual([undefined, "alive", undefined]);
  });
});
