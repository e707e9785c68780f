import { describe, expect, it } from "vitest";
import { Contents, decodeContents, encodeContents } from "./contents.ts";

describe("encodeContents", () => {
  it("is short, and brings all keys back", () => {
    const contents = new Contents({ user: "ada" });
    expect(encodeContents(contents, JSON)).toBe('[{"user":"ada"}]');
    contents.flash.set("note", "Hello");
    for (const key of ["__proto__", "constructor", "10", ""]) contents.data.set(key, key);
    const back = decodeContents(encodeContents(contents, JSON), JSON);
    expect(Object.entries(back?.data.record ?? {})).toEqual(Object.entries(contents.data.record));
    expect(back?.flash.record).toEqual({ note: "Hello" });
    expect(Object.getPrototypeOf(back?.data.record)).toBe(Object.prototype);
    for (const key of ["toString", "valueOf"]) expect([back?.data.has(key), back?.data.get(key)]).toEqual([false, undefined]);
  });

  it("refuses a serializer that gives no text", () => {
    const serializer = { stringify: () => undefined as unknown as string, parse: JSON.parse };
    expect(() => encodeContents(new Contents(), serializer)).toThrow("did not give a string");
  });
});

describe("decodeContents", () => {
  it.each(["", "{", "null", "1", '"text"', "{}", "[]", "[1]", "[null]", "[[]]", "[{},[]]", "[{},null]", "[{},{},{}]"])(
    "takes %j for nothing",
    (text) => {
      expect(decodeContents(text, JSON)).toBeUndefined();
    },
  );
});
