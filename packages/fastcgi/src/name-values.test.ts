import * as fc from "fast-check";
import { Refusal } from "@gateway/sockets";
import { describe, expect, it } from "vitest";
import { formatNameValues, NameValueReader, parseNameValues } from "./name-values.ts";
import { pairs } from "./test-records.ts";

const parse = (text: string): readonly string[] => parseNameValues(Buffer.from(`<${text}>`, "latin1"), 1, text.length + 1);
const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));

describe("parseNameValues", () => {
  it("reads lengths of one byte and of four, short ones in four too", () => {
    expect(parse("\x01\x02abb")).toEqual(["a", "bb"]);
    expect(parse("\x80\0\0\x01\x80\0\0\x02abb\0\0")).toEqual(["a", "bb", "", ""]);
    const long = "v".repeat(70_000);
    expect(parse(`\x01\x80\x01\x11\x70n${long}`)).toEqual(["n", long]);
    expect(parse(pairs({ a: "b", ["n".repeat(127)]: "x".repeat(128) }, true))).toEqual([
      "a",
      "b",
      "n".repeat(127),
      "x".repeat(128),
    ]);
  });

  it.each([
    ["a length of four bytes that is cut off", "\x80\0\0"],
    ["a name without the length of its value", "\x05"],
    ["a pair that is longer than the stream", "\x01\x02ab"],
    ["lengths whose sum is more than 32 bits", "\xff\xff\xff\xff\xff\xff\xff\xffab"],
  ])("refuses %s", (_name, text) => {
    expect(() => parse(text)).toThrow(Refusal);
  });

  it("reads back what formatNameValues writes", () => {
    const strings = fc.array(fc.tuple(fc.string({ unit: octet, maxLength: 300 }), fc.string({ unit: octet, maxLength: 300 })));
    fc.assert(
      fc.property(strings, (all) => {
        expect(parse(formatNameValues(all.flat()))).toEqual(all.flat());
      }),
    );
  });

  it("throws nothing but a Refusal, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          parseNameValues(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("NameValueReader", () => {
  it("reads the same, whatever it has read before", () => {
    const name = fc.constantFrom("A", "AB", "B", "", "N".repeat(130));
    const value = fc.constantFrom("", "x", "xy", "y", "v".repeat(200));
    fc.assert(
      fc.property(fc.array(fc.array(fc.tuple(name, value), { maxLength: 6 }), { maxLength: 10 }), (streams) => {
        const reader = new NameValueReader();
        for (const all of streams) {
          const bytes = Buffer.from(formatNameValues(all.flat()), "latin1");
          expect(reader.read(bytes, 0, bytes.length)).toEqual(all.flat());
        }
      }),
    );
  });
});
