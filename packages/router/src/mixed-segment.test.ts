import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchMixed } from "./mixed-segment.ts";

/** The values of the parameters, in order. */
function valuesOf(texts: readonly string[], segment: string, fold?: (text: string) => string): unknown {
  const names = texts.slice(1).map((_, i) => `p${i}`);
  const named: Record<string, unknown> = {};
  const matches = matchMixed({ texts, names }, segment, fold, named);
  expect(matchMixed({ texts, names }, segment, fold)).toBe(matches);
  return matches ? names.map((name) => named[name]) : undefined;
}

/** What the segment means, said as a regular expression. */
function expressionOf(texts: readonly string[]): RegExp {
  return new RegExp(`^${texts.map((text) => text.replaceAll(/[.-]/g, String.raw`\$&`)).join("(.+)")}$`, "s");
}

describe("matchMixed", () => {
  it.each([
    [["", ".", ""], "archive.tar.gz", ["archive.tar", "gz"]],
    [["v", ""], "v2", ["2"]],
    [["v", ""], "v", undefined],
    [["", ".js"], ".js", undefined],
    [["", "--", ""], "x---y", ["x-", "y"]],
    [["a", "a"], "aa", undefined],
    [["a", "a"], "a", undefined],
    [["", "-", "-", ""], "a-b-c", ["a", "b", "c"]],
    [["", "-", "-", ""], "-b-c", undefined],
  ])("matches the texts %j with %s", (texts, segment, values) => {
    expect(valuesOf(texts, segment)).toEqual(values);
  });

  it("compares by what it is given to fold with, and keeps the values", () => {
    expect(valuesOf(["file-", ".txt"], "fILE-Ab.TXT", (text) => text.toLowerCase())).toEqual(["Ab"]);
  });

  it("matches what a greedy regular expression matches, and as it does", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", ".", "-"), minLength: 1, maxLength: 2 });
    const edge = fc.oneof(fc.constant(""), word);
    const texts = fc.tuple(edge, fc.array(word, { maxLength: 4 }), edge).map((parts) => parts.flat());
    const segment = fc.string({ unit: fc.constantFrom("a", "b", ".", "-"), maxLength: 12 });
    fc.assert(
      fc.property(texts, segment, (texts, segment) => {
        expect(valuesOf(texts, segment)).toEqual(expressionOf(texts).exec(segment)?.slice(1));
      }),
      { numRuns: 5000, seed: 1 },
    );
  });
});
