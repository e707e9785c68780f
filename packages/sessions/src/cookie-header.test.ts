import { parseCookie } from "cookie";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duplicated, findCookie } from "./cookie-header.ts";

describe("findCookie", () => {
  it.each([
    ["sid=a", "a"],
    ["a=b; sid=c; d=e", "c"],
    ["a=b;sid=c", "c"],
    ["a=b; \tsid \t= \tc \t; d=e", "c"],
    ["sid=", ""],
    ["sid==a=", "=a="],
    ['sid="a"', '"a"'],
    ["sid=%61", "%61"],
    ["xsid=a; sid=b", "b"],
    ["sidx=a; sid=b", "b"],
    ["x=sid=a; sid=b", "b"],
    ["x=a sid=c; sid=b", "b"],
    ["sid; sid=b", "b"],
  ])("finds in %j the value %j", (header, value) => {
    expect(findCookie(header, "sid")).toBe(value);
  });

  it.each([undefined, "", "a=b", "sid", "SID=a", "=sid=a", "=sid", "%73id=a", "x sid=a", '"sid"=a', "sid x=a", "__Host-sid=a"])(
    "finds none in %j",
    (header) => {
      expect(findCookie(header, "sid")).toBeUndefined();
    },
  );

  it.each(["sid=a; sid=b", "sid=a; sid=a", "sid=a; x=y; sid=", "sid=a;sid =b"])("does not choose in %j", (header) => {
    expect(findCookie(header, "sid")).toBe(duplicated);
  });

  it("agrees with the cookie package where that has one answer", () => {
    const name = fc.constantFrom("sid", "s", "sidsid", "id");
    const value = fc.string({ unit: fc.constantFrom("s", "i", "d", "-", "1", "="), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), fc.constantFrom("; ", ";", " ; "), (pairs, separator) => {
        const header = pairs.map(([key, text]) => `${key}=${text}`).join(separator);
        const found = findCookie(header, "sid");
        const count = pairs.filter(([key]) => key === "sid").length;
        expect(found).toBe(count > 1 ? duplicated : parseCookie(header)["sid"]);
      }),
    );
  });

  it("reads a long header once, whatever is in it", () => {
    let reads = 0;
    const header = `${"sid ".repeat(4000)}${" ".repeat(4000)}sid`;
    const counting = new Proxy(new String(header), {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (key !== "charCodeAt") return typeof member === "function" ? member.bind(target) : member;
        return (at: number) => {
          reads++;
          return target.charCodeAt(at);
        };
      },
    });
    expect(findCookie(counting as unknown as string, "sid")).toBeUndefined();
    expect(reads).toBeLessThan(header.length * 2);
  });
});
