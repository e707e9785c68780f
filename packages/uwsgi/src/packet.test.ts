import * as fc from "fast-check";
import { campaignTimeout, cut, mutatePackets, readPacket, scaled, type PacketResult } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { uwsgiPacket } from "./client.ts";
import { UwsgiReader } from "./packet.ts";

const read = (parts: readonly string[], maxBytes = 65_536): PacketResult => readPacket(new UwsgiReader(maxBytes), parts);

const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const packetOf = (modifier1: number, ...variables: string[]): string => uwsgiPacket(variables, modifier1, 0).toString("latin1");

describe("UwsgiReader", () => {
  it("reads a packet: its length, and each length in it, the lower byte first", () => {
    expect(read(["\0\x08\0\0\x01\0A\x03\0bcdrest"])).toEqual({ variables: ["A", "bcd"], rest: "rest", code: 0 });
    const long = "x".repeat(0x102);
    expect(read([`\0\x07\x01\0\x01\0A\x02\x01${long}`])).toEqual({ variables: ["A", long], rest: "", code: 0 });
  });

  it("reads a packet without variables", () => {
    expect(read(["\0\0\0\0"])).toEqual({ variables: [], rest: "", code: 0 });
    expect(read(["\0\0\0\xffbody"])).toEqual({ variables: [], rest: "body", code: 0 });
  });

  it("reads what uwsgiPacket writes, however it is split", () => {
    const strings = fc.array(fc.tuple(fc.string({ unit: octet, maxLength: 20 }), fc.string({ unit: octet, maxLength: 300 })));
    fc.assert(
      fc.property(strings, fc.array(fc.integer({ min: 1, max: 50 })), (pairs, sizes) => {
        const text = `${packetOf(0, ...pairs.flat())}body`;
        const expected = { variables: pairs.flat(), rest: "body", code: 0 };
        expect(read(cut(text, sizes))).toEqual(expected);
        expect(read(text.split(""))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["/app", "/app/a", "/app", "/a"],
    ["/app", "/app", "/app", ""],
    ["/app/", "/app/a", "/app", "/a"],
    ["/app", "/apple", "/app", "/apple"],
    ["/app", "/other", "/app", "/other"],
    ["", "/a", "", "/a"],
  ])("takes SCRIPT_NAME %j off PATH_INFO %j for modifier1 30, and not for 0", (script, path, expectedScript, expectedPath) => {
    const last = (variables: readonly string[], name: string): string | undefined => variables[variables.lastIndexOf(name) + 1];
    const { variables } = read([packetOf(30, "SCRIPT_NAME", script, "PATH_INFO", path)]);
    expect([last(variables, "SCRIPT_NAME"), last(variables, "PATH_INFO")]).toEqual([expectedScript, expectedPath]);
    const untouched = read([packetOf(0, "SCRIPT_NAME", script, "PATH_INFO", path)]);
    expect(untouched.variables).toEqual(["SCRIPT_NAME", script, "PATH_INFO", path]);
  });

  it.each([
    ["another modifier1", "\x05\0\0\0", 400],
    ["another protocol", "GET / HTTP/1.1\r\n", 400],
    ["a ping, which is for uWSGI itself", "\x64\0\0\0", 400],
    ["a length that is cut off", "\0\x01\0\0\x01", 400],
    ["a variable longer than the packet", "\0\x03\0\0\x05\0a", 400],
    ["a variable without a value", "\0\x03\0\0\x01\0a", 400],
    ["more than the server takes", "\0\x65\0\0", 431],
    ["the most there can be", "\0\xff\xff\0", 431],
    ["the length of a name that is cut off", "\0\x01\0\0\x01", 400],
    ["the length of a value that is cut off", "\0\x04\0\0\x01\0A\x01", 400],
    ["a name that takes the rest of the packet and more", "\0\x02\0\0\xff\xff", 400],
    ["a value that reaches into the body", "\0\x06\0\0\x01\0A\x04\0bbody", 400],
  ])("refuses %s", (_name, text, code) => {
    expect(read([text], 100).code).toBe(code);
    expect(read(text.split(""), 100).code).toBe(code);
  });
});

describe("uwsgiPacket", () => {
  it("refuses more than the protocol can carry", () => {
    expect(packetOf(7, "A", "b")).toBe("\x07\x06\0\0\x01\0A\x01\0b");
    expect(packetOf(0, "A", "x".repeat(65_530))).toHaveLength(4 + 65_535);
    expect(() => packetOf(0, "A", "x".repeat(65_531))).toThrow(RangeError);
    expect(() => packetOf(0, "A", "x".repeat(70_000))).toThrow(RangeError);
  });
});

const count = scaled(200_000);

describe("mutated requests", () => {
  it(
    `${count} of them: no throw but a refusal, and the same however they are split`,
    () => {
      const packets = [
        packetOf(0, "REQUEST_METHOD", "GET", "PATH_INFO", "/a", "HTTP_HOST", "example.test"),
        `${packetOf(30, "CONTENT_LENGTH", "5", "REQUEST_METHOD", "POST", "SCRIPT_NAME", "/a", "PATH_INFO", "/a/b")}hello`,
        packetOf(0, "REQUEST_METHOD", "GET", "HTTP_X", "x".repeat(300), "HTTP_X", "", "QUERY_STRING", "a=b"),
      ];
      const tricky = ["\0", "\0\0", "\x1e", "\x01\0", "\xff\xff", "\x05\0", "\x10", "/", "\r\n"];
      const counts = mutatePackets({ seed: 20_261_125, count, packets, tricky, atBegin: 0.2, read });
      const percent = (100 * (counts.get("accepted") ?? 0)) / count;
      console.log(`${count} mutants: ${percent.toFixed(1)} % accepted;`, Object.fromEntries(counts));
      expect(percent).toBeGreaterThanOrEqual(5);
      expect(percent).toBeLessThanOrEqual(60);
    },
    campaignTimeout,
  );
});
