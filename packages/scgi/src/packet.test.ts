import * as fc from "fast-check";
import { cgiEnviron, emptyInput } from "@gateway/core/gateway";
import { HTTPError } from "@gateway/core";
import { Refusal } from "@gateway/sockets";
import { describe, expect, it } from "vitest";
import { scgiPacket } from "./client.ts";
import { ScgiReader } from "./packet.ts";
import { campaignTimeout, scaled, seededRandom } from "./test-campaign.ts";

interface Result {
  variables: readonly string[];
  rest: string;
  /** The status it was refused with; 0 where it was not, -1 where it is not whole. */
  code: number;
}

function read(pieces: readonly string[], maxBytes = 65_536): Result {
  const reader = new ScgiReader(maxBytes);
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
        const pieces: string[] = [];
        let at = 0;
        for (const size of sizes) {
          pieces.push(text.slice(at, at + size));
          at += size;
        }
        pieces.push(text.slice(at));
        const expected = { variables: ["CONTENT_LENGTH", "4", "SCGI", "1", ...given], rest: "body", code: 0 };
        expect(read(pieces)).toEqual(expected);
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

const mutants = scaled(200_000);

describe("mutated requests", () => {
  it(
    `${mutants} of them: no throw but a refusal, and the same however they are split`,
    () => {
      const random = seededRandom(20_261_124);
      const below = (limit: number): number => Math.floor(random() * limit);
      const seeds = [
        packetOf("REQUEST_METHOD", "GET", "PATH_INFO", "/a", "HTTP_HOST", "example.test"),
        `${packetOf("CONTENT_LENGTH", "5", "REQUEST_METHOD", "POST", "SCRIPT_NAME", "/a", "PATH_INFO", "")}hello`,
        packetOf("REQUEST_METHOD", "GET", "HTTP_X", "x".repeat(300), "HTTP_X", "", "QUERY_STRING", "a=b"),
      ];
      const tricky = ["\0", "\0\0", ":", ",", "9", "0", "-", "65536", "\xff", "CONTENT_LENGTH\0", "\r\n"];
      const counts = new Map<string, number>();
      for (let i = 0; i < mutants; i++) {
        let text = seeds[below(seeds.length)] ?? "";
        for (let left = 1 + below(3); left > 0; left--) {
          const at = random() < 0.3 ? below(6) : below(text.length);
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
