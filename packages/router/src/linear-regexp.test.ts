import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearRegExp } from "./linear-regexp.ts";

describe("linearRegExp", () => {
  it("gives the groups in order, and the named ones by name too", () => {
    const regexp = linearRegExp(/^\/(\d+)(?:\/(?<slug>[a-z-]+))?$/);
    expect(regexp.match("/12/a-b")).toEqual({ groups: ["12", "a-b"], named: { slug: "a-b" } });
    expect(regexp.match("/12")).toEqual({ groups: ["12", undefined], named: { slug: undefined } });
    expect(regexp.match("/x")).toBeUndefined();
  });

  it("matches from the start, and to the end only where it says so", () => {
    expect(linearRegExp(/^\/a/).test("/abc")).toBe(true);
    expect(linearRegExp(/^\/a$/).test("/abc")).toBe(false);
    expect(linearRegExp(/^\/a|\/b/).test("/x/b")).toBe(false);
    expect(linearRegExp(/^\/a$/).test("/a\n")).toBe(false);
  });

  it("keeps the flags i, s and u", () => {
    expect(linearRegExp(/^\/É$/i).test("/é")).toBe(true);
    expect(linearRegExp(/^\/.$/).test("/\n")).toBe(false);
    expect(linearRegExp(/^\/.$/s).test("/\n")).toBe(true);
    expect(linearRegExp(/^\/\p{L}$/u).test("/ß")).toBe(true);
  });

  it.each([
    [/\/a/, "does not begin with ^"],
    [/^a/m, "flag m"],
    [/^a/g, "flag g"],
    [/^a/y, "flag y"],
    [/^(?=a)/, "never backtracks"],
    [/^(?<!a)b/, "never backtracks"],
    [/^(a)\1/, "never backtracks"],
  ])("refuses %s, and says why", (expression, message) => {
    expect(() => linearRegExp(expression)).toThrow(TypeError);
    expect(() => linearRegExp(expression)).toThrow(message);
  });

  it("matches what the expressions of the language match", () => {
    const atom = fc.constantFrom(
      "a",
      "b",
      String.raw`\/`,
      "[^/]",
      ".",
      String.raw`\d`,
      String.raw`\w`,
      "[a-c]",
      "(a|b)",
      "(?:ab)",
      "(?<n>b)",
    );
    const piece = fc.tuple(atom, fc.constantFrom("", "*", "+", "?", "{1,3}", "*?", "+?")).map((parts) => parts.join(""));
    const source = fc
      .array(piece, { minLength: 1, maxLength: 5 })
      .filter((pieces) => pieces.filter((text) => text.startsWith("(?<n>")).length < 2)
      .map((pieces) => `^${pieces.join("")}`);
    const path = fc.string({ unit: fc.constantFrom("a", "b", "c", "/", "1", "\n", "é"), maxLength: 10 });
    fc.assert(
      fc.property(source, fc.boolean(), path, (source, toEnd, path) => {
        const expression = new RegExp(toEnd ? `${source}$` : source);
        const native = expression.exec(path);
        const found = linearRegExp(expression).match(path);
        expect(found?.groups).toEqual(native === null ? undefined : native.slice(1));
        expect(found === undefined ? undefined : { ...found.named }).toEqual(native === null ? undefined : { ...native.groups });
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
