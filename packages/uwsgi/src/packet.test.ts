import * as fc from "fast-check";
import { HTTPError } from "@gateway/core";
import { cgiEnviron, emptyInput } from "@gateway/core/gateway";
import { Refusal } from "@gateway/sockets";
import { describe, expect, it } from "vitest";
import { uwsgiPacket } from "./client.ts";
import { UwsgiReader } from "./packet.ts";
import { campaignTimeout, scaled, seededRandom } from "./test-campaign.ts";

interface Result {
  variables: readonly string[];
  rest: string;
  /** The status it was refused with; 0 where it was not, -1 where it is not whole. */
  code: number;
}

function read(pieces: readonly string[], maxBytes = 65_536): Result {
  const reader = new UwsgiReader(maxBytes);
  try {
    for (const [at, piece] of pieces.entries()) {
      const packet = reader.push(Buffer.from(piece, "latin1"));
      if (packet !== undefined)
        return { variables: packet.variables, rest: packet.rest.toString("latin1") + pieces.slice(at + 1).join(""), code: 0 };
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { variables: [], rest: "", code: error.code };
  }
  return { variables: [], rest: "", code: -1 };
}

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
  });

  it("reads what uwsgiPacket writes, however it is split", () => {
    const strings = fc.array(fc.tuple(fc.string({ unit: octet, maxLength: 20 }), fc.string({ unit: octet, maxLength: 300 })));
    fc.assert(
      fc.property(strings, fc.array(fc.integer({ min: 1, max: 50 })), (pairs, sizes) => {
        const text = `${packetOf(0, ...pairs.flat())}body`;
        const pieces: string[] = [];
        let at = 0;
        for (const size of sizes) {
          pieces.push(text.slice(at, at + size));
          at += size;
        }
        pieces.push(text.slice(at));
        const expected = { variables: pairs.flat(), rest: "body", code: 0 };
        expect(read(pieces)).toEqual(expected);
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

const mutants = scaled(200_000);

describe("mutated requests", () => {
  it(
    `${mutants} of them: no throw but a refusal, and the same however they are split`,
    () => {
      const random = seededRandom(20_261_125);
      const below = (limit: number): number => Math.floor(random() * limit);
      const seeds = [
        packetOf(0, "REQUEST_METHOD", "GET", "PATH_INFO", "/a", "HTTP_HOST", "example.test"),
        `${packetOf(30, "CONTENT_LENGTH", "5", "REQUEST_METHOD", "POST", "SCRIPT_NAME", "/a", "PATH_INFO", "/a/b")}hello`,
        packetOf(0, "REQUEST_METHOD", "GET", "HTTP_X", "x".repeat(300), "HTTP_X", "", "QUERY_STRING", "a=b"),
      ];
      const tricky = ["\0", "\0\0", "\x1e", "\x01\0", "\xff\xff", "\x05\0", "\x10", "/", "\r\n"];
      const counts = new Map<string, number>();
      for (let i = 0; i < mutants; i++) {
        let text = seeds[below(seeds.length)] ?? "";
        for (let left = 1 + below(3); left > 0; left--) {
          const at = random() < 0.2 ? below(6) : below(text.length);
          const by = random() < 0.5 ? (tricky[below(tricky.length)] ?? "") : String.fromCharCode(below(256));
          text = text.slice(0, at) + (random() < 0.2 ? "" : by) + text.slice(at + (random() < 0.6 ? by.length : below(3)));
        }
        const whole = read([text]);
        const pieces: string[] = [];
        for (let at = 0; at < text.length;) {
          const end = at + 1 + Math.floor(random() ** 3 * text.length);
          pieces.push(text.slice(at, end));
          at = end;
        }
        expect(JSON.stringify([i, text, read(pieces)])).toBe(JSON.stringify([i, text, whole]));
        const kind =
          whole.code === 0 ? environOf(whole.variables) : whole.code === -1 ? "incomplete" : `refused with ${whole.code}`;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
      const percent = (100 * (counts.get("accepted") ?? 0)) / mutants;
      console.log(`${mutants} mutants: ${percent.toFixed(1)} % accepted;`, Object.fromEntries(counts));
      expect(percent).toBeGreaterThanOrEqual(5);
      expect(percent).toBeLessThanOrEqual(60);
    },
    campaignTimeout,
  );
});

/** What becomes of the variables: an environ, or an answer. */
function environOf(variables: readonly string[]): string {
  try {
    cgiEnviron(variables, {
      input: emptyInput,
      errors: { write() {}, writelines() {}, flush() {} },
      serverName: "localhost",
      serverPort: "80",
      multiprocess: false,
      runOnce: false,
      mounts: undefined,
    });
    return "accepted";
  } catch (error) {
    if (!(error instanceof HTTPError)) throw error;
    return `answered with ${error.status}`;
  }
}
