import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { freezeStored, storedCopy } from "./stored-value.ts";

describe("storedCopy", () => {
  it("copies what JSON holds, as JSON would", () => {
    const value = { text: "é", number: -0.5, yes: true, nothing: null, list: [1, [2, { three: 3 }]], left: undefined };
    const copy = storedCopy(value, "value");
    expect(copy).toEqual(JSON.parse(JSON.stringify(value)));
    expect(copy).not.toHaveProperty("left");
  });

  it("freezes the copy all the way down and leaves the original alone", () => {
    const value = { list: [{ inner: [1] }] };
    const copy = storedCopy(value, "value") as typeof value;
    expect(() => copy.list.push({ inner: [] })).toThrow(TypeError);
    expect(() => copy.list[0]?.inner.push(2)).toThrow(TypeError);
    expect(() => {
      copy.list = [];
    }).toThrow(TypeError);
    value.list[0]?.inner.push(2);
    expect(copy).toEqual({ list: [{ inner: [1] }] });
  });

  it("takes objects of another realm, and those without a prototype", () => {
    expect(storedCopy(runInNewContext("({ a: [1] })"), "value")).toEqual({ a: [1] });
    expect(storedCopy(Object.assign(Object.create(null), { a: 1 }), "value")).toEqual({ a: 1 });
  });

  it.each([
    ["undefined", undefined, "value is undefined"],
    ["a function", () => {}, "value is a function"],
    ["a symbol", Symbol("s"), "value is a symbol"],
    ["a bigint", 1n, "value is a bigint"],
    ["NaN", Number.NaN, "value is NaN"],
    ["infinity", [Infinity], "value[0] is Infinity"],
    ["a hole", [1, undefined], "value[1] is undefined"],
    ["a date", { when: new Date(0) }, "value.when is a Date"],
    ["a map", new Map(), "value is a Map"],
    ["octets", new Uint8Array(1), "value is a Uint8Array"],
    [
      "an object of a class",
      new (class Point {
        x = 1;
      })(),
      "value is a Point",
    ],
    ["a property __proto__", JSON.parse('{"a":{"__proto__":{}}}'), "value.a has a property __proto__"],
  ])("refuses %s and says where it is", (_name, value, message) => {
    expect(() => storedCopy(value, "value")).toThrow(message);
  });

  it("refuses a circle", () => {
    const value: { self?: unknown } = {};
    value.self = value;
    expect(() => storedCopy(value, "value")).toThrow("nested more than 64 deep, or in a circle");
  });
});

describe("freezeStored", () => {
  it("freezes what a serializer has made, but for what it does not know", () => {
    const date = new Date(0);
    const value = freezeStored({ list: [{ date }] });
    expect(Object.isFrozen(value.list[0])).toBe(true);
    expect(Object.isFrozen(date)).toBe(false);
  });

  it("copes with a circle", () => {
    const value: { self?: unknown } = {};
    value.self = value;
    expect(freezeStored(value)).toBe(value);
  });
});
