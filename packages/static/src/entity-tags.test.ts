import { describe, expect, it } from "vitest";
import { isStrongMatch, isWeakMatch, parseEntityTags } from "./entity-tags.ts";

describe("parseEntityTags", () => {
  it.each([
    ['"a"', ['"a"']],
    ['W/"a"', ['W/"a"']],
    ['"a", W/"b","c"', ['"a"', 'W/"b"', '"c"']],
    [' ,, "a" ,\t"b", ', ['"a"', '"b"']],
    ['""', ['""']],
    ['"a,b", "c d"', []],
    ['"a,b"', ['"a,b"']],
    ['"\u00e9!#"', ['"\u00e9!#"']],
    ["*", "*"],
    ["", []],
    ["a", []],
    ['"a', []],
    ['"a" "b"', []],
    ['w/"a"', []],
    ['"a", b', []],
    ['"a", *', []],
    ['"a\u0001"', []],
  ])("reads %j", (text, tags) => {
    expect(parseEntityTags(text)).toEqual(tags);
  });

  it("takes no long time for a long list", () => {
    expect(parseEntityTags(`${'"a",'.repeat(4000)}x`)).toEqual([]);
    expect(parseEntityTags(`${", ".repeat(8000)}x`)).toEqual([]);
  });
});

// The table of RFC 9110, section 8.8.3.2.
describe("isStrongMatch and isWeakMatch", () => {
  it.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ])("compare %s and %s", (one, other, strong, weak) => {
    expect(isStrongMatch(one, other)).toBe(strong);
    expect(isWeakMatch(one, other)).toBe(weak);
  });

  it("match nothing where there is no tag", () => {
    expect(isStrongMatch("", "")).toBe(false);
    expect(isWeakMatch("", "")).toBe(false);
  });
});
