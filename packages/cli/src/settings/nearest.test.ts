import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

describe("nearest", () => {
  const names = ["workers", "worker-connections", "bind", "backlog", "timeout", "boot-timeout"];

  it.each([
    ["worker", "workers"],
    ["wrokers", "workers"],
    ["WORKERS", "workers"],
    ["workerConnections", "worker-connections"],
    ["worker_connection", "worker-connections"],
    ["bnd", "bind"],
    ["time-out", "timeout"],
    ["backlogs", "backlog"],
  ])("knows what %s means", (text, meant) => {
    expect(nearest(text, names)).toBe(meant);
  });

  it.each(["", "x", "verbose", "bo", "threads"])("does not guess at %j", (text) => {
    expect(nearest(text, names)).toBeUndefined();
  });

  it("does not take long over what is long", () => {
    expect(nearest("w".repeat(1_000_000), names)).toBeUndefined();
  });
});

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["abc", "abcd", 1],
    ["abc", "ab", 1],
    ["abc", "axc", 1],
    ["kitten", "sitting", 3],
  ])("between %j and %j is %d", (a, b, distance) => {
    expect(editDistance(a, b, 9)).toBe(distance);
  });

  it("is the same both ways, and 0 for the same only", () => {
    const word = string({ maxLength: 8 });
    assert(
      property(word, word, (a, b) => {
        const distance = editDistance(a, b, 99);
        expect(distance).toBe(editDistance(b, a, 99));
        expect(distance === 0).toBe(a === b);
      }),
    );
  });
});
