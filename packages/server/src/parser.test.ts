import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultParserLimits } from "./limits.ts";
import { RequestParser } from "./parser.ts";
import { Refusal } from "@gateway/sockets";

interface Parsed {
  method: string;
  target: string;
  path: string;
  query: string;
  minor: number;
  headers: string[][];
  body: string;
  keepAlive: boolean;
  targetHost?: string;
  expectsContinue?: boolean;
}

interface Result {
  requests: Parsed[];
  /** The status it was refused with; 0 when it was not. */
  refused: number;
}

/** All that a parser makes of a connection's bytes, in the pieces they come in. Stops where a server would: after `Connection: close`. */
function parse(pieces: readonly Buffer[]): Result {
  const parser = new RequestParser(defaultParserLimits);
  const result: Result = { requests: [], refused: 0 };
  let current: Parsed | undefined;
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (;;) {
        if (current === undefined || parser.bodyEnded) {
          if (current?.keepAlive === false) return result;
          const head = parser.head();
          if (head === undefined) break;
          const { method, target, path, query, minor, keepAlive, names, values } = head;
          const headers = names.map((name, i) => [name.key, values[i] ?? ""]);
          current = { method, target, path, query, minor, headers, body: "", keepAlive };
          if (head.targetHost !== undefined) current.targetHost = head.targetHost;
          if (head.expectsContinue) current.expectsContinue = true;
          result.requests.push(current);
        } else {
          const data = parser.body();
          if (data === undefined && !parser.bodyEnded) break;
          current.body += data?.toString("latin1") ?? "";
        }
      }
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    result.refused = error.code;
  }
  return result;
}

function split(raw: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (raw.length + 1)).toSorted((a, b) => a - b), raw.length];
  const pieces: Buffer[] = [];
  // Copies: a piece must not see what lies behind it.
  for (let i = 1; i < places.length; i++) pieces.push(Buffer.from(raw.subarray(places[i - 1], places[i])));
  return pieces.filter((piece) => piece.length > 0);
}

const folder = new URL("../cases/", import.meta.url);
const read = (kind: string): { name: string; raw: Buffer }[] =>
  readdirSync(new URL(kind, folder))
    .filter((file) => file.endsWith(".http"))
    .map((file) => ({ name: file.slice(0, -5), raw: readFileSync(new URL(`${kind}/${file}`, folder)) }));
const valid = read("valid");
const invalid = read("invalid");

describe("RequestParser", () => {
  it("has cases to prove itself on", () => {
    expect(valid.length).toBeGreaterThan(45);
    expect(invalid.length).toBeGreaterThan(150);
  });

  it.each(valid)("takes $name", ({ name, raw }) => {
    const expected: unknown = JSON.parse(readFileSync(new URL(`valid/${name}.json`, folder), "utf8"));
    expect(parse([raw])).toEqual({ requests: expected, refused: 0 });
  });

  it.each(invalid)("refuses $name", ({ name, raw }) => {
    // What the environ refuses (a path that cannot be decoded) is no matter of the parser.
    if (name.startsWith("400-path-")) return expect(parse([raw]).refused).toBe(0);
    expect(parse([raw]).refused).toBe(Number(name.slice(0, 3)));
  });

  it.each([...valid, ...invalid])("makes the same of $name byte by byte", ({ raw }) => {
    const bytes = [...raw].map((byte) => Buffer.from([byte]));
    const whole = parse([raw]);
    const byByte = parse(bytes);
    expect(byByte.refused).toBe(whole.refused);
    expect(byByte.requests).toEqual(whole.requests);
  });

  it("makes the same of any bytes, however they are cut", () => {
    const all = [...valid, ...invalid];
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.array(fc.nat(20_000), { maxLength: 8 }), (which, cuts) => {
        const raw = all[which]?.raw ?? Buffer.alloc(0);
        expect(parse(split(raw, cuts))).toEqual(parse([raw]));
      }),
      { numRuns: 2000 },
    );
  });

  it("never throws anything but a refusal, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 3 }), (bytes, cuts) => {
        parse(split(Buffer.from(bytes), cuts));
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses a head that cannot become good before it has come whole", () => {
    expect(parse([Buffer.from("GET / HTTP/1.1\nHost: a\n\n")]).refused).toBe(400);
    expect(parse([Buffer.from("\x16\x03\x01")]).refused).toBe(400);
    expect(parse([Buffer.from("GET / HTTP/1.1\r"), Buffer.from("X")]).refused).toBe(400);
  });

  it("gives body data as slices of what was pushed, and lets go of what is read", () => {
    const parser = new RequestParser(defaultParserLimits);
    parser.push(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
    expect(parser.head()?.contentLength).toBe(10);
    expect(parser.unread).toBe(0);
    const piece = Buffer.from("0123456789");
    parser.push(piece);
    const data = parser.body();
    expect(data?.buffer).toBe(piece.buffer);
    expect(parser.bodyEnded).toBe(true);
    expect(parser.unread).toBe(0);
  });

  it("knows how much of a body is still to come, where anybody can", () => {
    const parser = new RequestParser(defaultParserLimits);
    parser.push(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n012"));
    parser.head();
    expect(parser.remaining).toBe(10);
    parser.body();
    expect(parser.remaining).toBe(7);
    const chunked = new RequestParser(defaultParserLimits);
    chunked.push(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    chunked.head();
    expect(chunked.remaining).toBe(-1);
  });
});
