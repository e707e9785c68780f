import { describe, expect, it } from "vitest";
import { memoryLimit } from "./memory-limit.ts";

describe("memoryLimit", () => {
  it.each([
    ["is what was set where the system sets no limit", 500, 2, 0, 500],
    ["is what was set where the system allows more", 500, 2, 10_000, 500],
    ["leaves room for all workers and one that replaces another", 500, 2, 900, 300],
  ])("%s", (_what, set, workers, constrained, limit) => {
    expect(memoryLimit(set, workers, constrained)).toBe(limit);
  });
});
