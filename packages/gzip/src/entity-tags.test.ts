import { describe, expect, it } from "vitest";
import { codedTag, isEntityTag, withOwnTags } from "./entity-tags.ts";

describe("codedTag", () => {
  it.each([
    ['"abc"', '"abc-gzip"'],
    ['""', '"-gzip"'],
    ['"a\xe4c"', '"a\xe4c-gzip"'],
    ['W/"abc"', 'W/"abc"'],
    ["abc", undefined],
    ['"a"b"', undefined],
    ['"', undefined],
    ['w/"abc"', undefined],
    ["", undefined],
  ])("makes of %s %s", (tag, expected) => {
    expect(codedTag(tag, "gzip")).toBe(expected);
  });
});

describe("withOwnTags", () => {
  it.each([
    ['"abc-gzip"', '"abc-gzip", "abc"'],
    ['W/"abc-gzip"', 'W/"abc-gzip", W/"abc"'],
    ['"a-gzip", "b", "c-br"', '"a-gzip", "b", "c-br", "a", "c"'],
    ['"a,b-gzip"', '"a,b-gzip", "a,b"'],
    ['"-gzip"', '"-gzip", ""'],
    ['"abc"', undefined],
    ['"abc-zstd"', undefined],
    ["*", undefined],
    ["abc-gzip", undefined],
    ['"abc-gzip', undefined],
    ["", undefined],
  ])("makes of %s %s", (header, expected) => {
    expect(withOwnTags(header, ["gzip", "br"])).toBe(expected);
  });

  it("gives back the tag that was coded", () => {
    for (const coding of ["gzip", "br", "zstd", "deflate"] as const) {
      const tag = codedTag('"v1-br"', coding) ?? "";
      expect(withOwnTags(tag, [coding])).toBe(`${tag}, "v1-br"`);
    }
  });
});

describe("isEntityTag", () => {
  it.each([
    ['"abc"', true],
    ['W/"abc"', true],
    ["Sat, 29 Oct 2022 19:43:31 GMT", false],
    ['"a", "b"', false],
  ])("%s: %s", (value, expected) => {
    expect(isEntityTag(value)).toBe(expected);
  });
});
