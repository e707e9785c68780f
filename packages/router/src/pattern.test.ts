import { describe, expect, it } from "vitest";
import { parsePattern } from "./pattern.ts";

const text = (value: string) => ({ kind: "text", text: value });
const param = (name: string) => ({ kind: "param", name });

describe("parsePattern", () => {
  it.each([
    ["/", [[text("")]]],
    ["/a/b", [[text("a"), text("b")]]],
    ["/a/", [[text("a"), text("")]]],
    ["/hello/:name", [[text("hello"), param("name")]]],
    ["/files/*path", [[text("files"), { kind: "rest", name: "path" }]]],
    ["/*all", [[{ kind: "rest", name: "all" }]]],
    ["/:name.:ext", [[{ kind: "mixed", texts: ["", ".", ""], names: ["name", "ext"] }]]],
    ["/v:major", [[{ kind: "mixed", texts: ["v", ""], names: ["major"] }]]],
    ["/a{/:b}", [[text("a"), param("b")], [text("a")]]],
    ["{/:lang}/about", [[param("lang"), text("about")], [text("about")]]],
    ["{/:lang}", [[param("lang")], [text("")]]],
    ["/a{b}c", [[text("abc")], [text("ac")]]],
    ["/a{/b{/c}}", [[text("a"), text("b"), text("c")], [text("a"), text("b")], [text("a")]]],
    [String.raw`/a\:b\*`, [[text("a:b*")]]],
    ['/:"a b"', [[param("a b")]]],
    ["/größe", [[text("größe")]]],
    ["/100%", [[text("100%")]]],
  ])("reads %s", (pattern, segments) => {
    expect(parsePattern(pattern)).toEqual(segments);
  });

  it.each([
    ["", undefined],
    ["hello", "does not begin with a slash"],
    [":name", "does not begin with a slash"],
    ["/a{b}/c{d", "cannot be read"],
    ["/a?", "cannot be read"],
    ["/(a)", "cannot be read"],
    ["/:", "cannot be read: Missing parameter name"],
    ["/:a:b", "no text between :a and :b"],
    ["/:a/:a", "two parameters called a"],
    ["/*a/b", "a wildcard stands at the end"],
    ["/*a/*b", "a wildcard stands at the end"],
    ["/a*b", "a wildcard stands for whole segments"],
    ["/caf%C3%A9", "write it decoded"],
    ["/a\0", "NUL"],
    ["/:__proto__", "__proto__"],
    [`/${"a".repeat(2048)}`, "longer than 2048"],
    [`/${"{a}".repeat(7)}`, "too many optional parts"],
    [`/${"{".repeat(17)}a${"}".repeat(17)}`, "more than 16 deep"],
  ])("refuses %j, and says why", (pattern, message) => {
    if (message === undefined) expect(parsePattern(pattern)).toEqual([[text("")]]);
    else expect(() => parsePattern(pattern)).toThrow(message);
  });
});
