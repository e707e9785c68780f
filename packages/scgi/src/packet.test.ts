import * as fc from "fast-check";
import { campaignTimeout, cut, mutatePackets, readPacket, scaled, type PacketResult } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { scgiPacket } from "./client.ts";
import { ScgiReader } from "./packet.ts";

const read = (parts: readonly string[], maxBytes = 65_536): PacketResult => readPacket(new ScgiReader(maxBytes), parts);

const octet = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const packetOf = (...variables: string[]): string => scgiPacket(variables).toString("latin1");

describe("ScgiReader", () => {
  it("reads the smallest request there is, and the example of the specification", () => {
    expect(read(["24:CONTENT_LENGTH\x000\0SCGI\x001\0,"])).toEqual({
      variables: ["CONTENT_LENGTH", "0", "SCGI", "1"],
      rest: "",
      code: 0,
    });
    const text =
      "70:CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,What is the answer to life?";
    expect(read([text])).toMatchObject({ rest: "What is the answer to life?", code: 0 });
    expect(read([text]).variables).toEqual([
      "CONTENT_LENGTH",
      "27",
      "SCGI",
      "1",
      "REQUEST_METHOD",
      "POST",
      "REQUEST_URI",
      "/deepthought",
    ]);
  });

  it("reads what scgiPacket writes, however it is split", () => {
    const strings = fc.array(
      fc.tuple(fc.string({ unit: octet, minLength: 1, maxLength: 20 }), fc.string({ unit: octet, maxLength: 40 })),
    );
    fc.assert(
      fc.property(strings, fc.array(fc.integer({ min: 1, max: 50 })), (pairs, sizes) => {
        const given = pairs.filter(([name]) => name !== "SCGI" && name !== "CONTENT_LENGTH").flat();
        const text = `${packetOf("CONTENT_LENGTH", "4", ...given)}body`;
        const expected = { variables: ["CONTENT_LENGTH", "4", "SCGI", "1", ...given], rest: "body", code: 0 };
        expect(read(cut(text, sizes))).toEqual(expected);
        expect(read(text.split(""))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["no length", ":a\0b\0,", 400],
    ["a length that is none", "1x:", 400],
    ["another protocol", "GET / HTTP/1.1\r\n", 400],
    ["a length without a colon", "000000000000", 400],
    ["a length that is too long", "65537:", 431],
    ["a length that cannot be counted", "99999999999", 431],
    ["no comma", "24:CONTENT_LENGTH\x000\0SCGI\x001\0;", 400],
    ["a variable without a value", "15:CONTENT_LENGTH\x00,", 400],
    ["no variables", "0:,", 400],
    ["a value without a NUL behind it", "16:CONTENT_LENGTH\x000,", 400],
    ["another first variable", "7:SCGI\x001\0,", 400],
    ["CONTENT_LENGTH in small letters", "24:content_length\x000\0SCGI\x001\0,", 400],
    ["a length with a sign", "+24:CONTENT_LENGTH\x000\0SCGI\x001\0,", 400],
    ["a negative length", "-1:,", 400],
    ["a length with a blank before it", " 24:CONTENT_LENGTH\x000\0SCGI\x001\0,", 400],
    ["a length with a blank behind it", "24 :CONTENT_LENGTH\x000\0SCGI\x001\0,", 400],
    ["a length in hexadecimal digits", "0x18:CONTENT_LENGTH\x000\0SCGI\x001\0,", 400],
    ["a length that begins with a zero", "024:CONTENT_LENGTH\x000\0SCGI\x001\0,", 400],
    ["a length of twenty digits", "18446744073709551640:CONTENT_LENGTH\x000\0SCGI\x001\0,", 431],
    ["a length of twenty zeros", "00000000000000000000:,", 400],
    ["a length that is too short by one", "23:CONTENT_LENGTH\x000\0SCGI\x001\0,", 400],
    ["a length that is too long by one", "25:CONTENT_LENGTH\x000\0SCGI\x001\0,x", 400],
    ["a name without its value at the end", "26:CONTENT_LENGTH\x000\0SCGI\x001\0A\0,", 400],
  ])("refuses %s", (_name, text, code) => {
    expect(read([text]).code).toBe(code);
    expect(read(text.split("")).code).toBe(code);
  });
});

describe("scgiPacket", () => {
  it("puts CONTENT_LENGTH and SCGI first, and a length where there is none", () => {
    expect(packetOf("A", "b", "CONTENT_LENGTH", "5", "SCGI", "2")).toBe("28:CONTENT_LENGTH\x005\0SCGI\x001\0A\0b\0,");
    expect(packetOf("CONTENT_LENGTH", "")).toBe("24:CONTENT_LENGTH\x000\0SCGI\x001\0,");
  });

  it("refuses a NUL", () => {
    expect(() => packetOf("A\0", "b")).toThrow(TypeError);
    expect(() => packetOf("A", "b\0")).toThrow(TypeError);
  });
});

const count = scaled(200_000);

describe("mutated requests", () => {
  it(
    `${count} of them: no throw but a refusal, and the same however they are split`,
    () => {
      const packets = [
        packetOf("REQUEST_METHOD", "GET", "PATH_INFO", "/a", "HTTP_HOST", "example.test"),
        `${packetOf("CONTENT_LENGTH", "5", "REQUEST_METHOD", "POST", "SCRIPT_NAME", "/a", "PATH_INFO", "")}hello`,
        packetOf("REQUEST_METHOD", "GET", "HTTP_X", "x".repeat(300), "HTTP_X", "", "QUERY_STRING", "a=b"),
      ];
      const tricky = ["\0", "\0\0", ":", ",", "9", "0", "-", "65536", "\xff", "CONTENT_LENGTH\0", "\r\n"];
      const counts = mutatePackets({ seed: 20_261_124, count, packets, tricky, atBegin: 0.3, read });
      const percent = (100 * (counts.get("accepted") ?? 0)) / count;
      console.log(`${count} mutants: ${percent.toFixed(1)} % accepted;`, Object.fromEntries(counts));
      expect(percent).toBeGreaterThanOrEqual(5);
      expect(percent).toBeLessThanOrEqual(60);
    },
    campaignTimeout,
  );
});
