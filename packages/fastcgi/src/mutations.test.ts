import type { Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { campaignTimeout, pieces, scaled, seededRandom } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { begin, pairs, rec, request, stream } from "./test-records.ts";

const mutants = scaled(200_000);
const seed = 20_261_122;

/** Conversations that are valid, as latin-1 strings. */
const seeds: readonly string[] = [
  request(1),
  request(1, { PATH_INFO: "/a", QUERY_STRING: "b=c", HTTP_HOST: "example.test", HTTP_COOKIE: "a=1" }, "hello", {
    cut: 9,
    padding: 3,
  }),
  request(3, { HTTP_X: "x".repeat(200) }, "", { keep: false, padding: 7 }),
  rec(9, 0, pairs({ FCGI_MAX_REQS: "", FCGI_MPXS_CONNS: "" })) + request(1) + request(3),
  begin(1) +
    begin(2) +
    stream(4, 2, pairs({ REQUEST_METHOD: "GET" }, true)) +
    stream(4, 1, pairs({ REQUEST_METHOD: "GET" })) +
    rec(2, 1),
  rec(77, 0, "?") + request(65_535, { SCRIPT_NAME: "/", CONTENT_LENGTH: "-1" }) + rec(2, 65_535),
  begin(1, true, 3) + request(1, {}, "body"),
];

type Random = () => number;
type Mutator = (text: string, random: Random) => string;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = (random: Random, from: readonly string[]): string => from[below(random, from.length)] ?? "";
const splice = (text: string, from: number, count: number, by: string): string =>
  text.slice(0, from) + by + text.slice(from + count);

/** Where records begin, as far as they are such. */
function starts(text: string): number[] {
  const all: number[] = [];
  for (
    let at = 0;
    at + 8 <= text.length;
    at += 8 + text.charCodeAt(at + 4) * 256 + text.charCodeAt(at + 5) + text.charCodeAt(at + 6)
  )
    all.push(at);
  return all;
}

/** Changes one field of the header of one record. */
const field =
  (offset: number, values: readonly number[]): Mutator =>
  (text, random) => {
    const all = starts(text);
    const at = all[below(random, all.length)] ?? 0;
    return splice(text, at + offset, 1, String.fromCharCode(values[below(random, values.length)] ?? 0));
  };

const mutators: readonly Mutator[] = [
  field(0, [0, 1, 2, 255]),
  field(1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255]),
  field(3, [0, 1, 2, 3, 9]),
  field(4, [0, 0, 1, 255]),
  field(5, [0, 1, 7, 8, 9, 255]),
  field(6, [0, 1, 8, 255]),
  field(8, [0, 1, 0x7f, 0x80, 0xff]),
  field(9, [0, 1, 2, 3, 0x80]),
  field(10, [0, 1, 0xff]),
  // Records dropped, doubled, put elsewhere.
  (text, random) => {
    const all = starts(text);
    const from = all[below(random, all.length)] ?? 0;
    const to = all.find((at) => at > from) ?? text.length;
    const part = text.slice(from, to);
    const rest = splice(text, from, to - from, "");
    const where = starts(rest)[below(random, starts(rest).length)] ?? 0;
    return [rest, splice(text, from, 0, part), splice(rest, where, 0, part)][below(random, 3)] ?? text;
  },
  // Octets.
  (text, random) => splice(text, below(random, text.length), 1 + below(random, 3), ""),
  (text, random) => splice(text, below(random, text.length), 1, String.fromCharCode(below(random, 256))),
  (text, random) =>
    splice(text, below(random, text.length), 0, pick(random, ["\0", "\x80", "\xff", "\x01\x01", "\r\n", "GET / HTTP/1.1\r\n"])),
  (text, random) => text.slice(0, below(random, text.length)),
  (text, random) => text + pick(random, seeds),
];

function mutant(random: Random): string {
  let text = pick(random, seeds);
  for (let left = 1 + below(random, 3); left > 0 && text !== ""; left--)
    text = mutators[below(random, mutators.length)]?.(text, random) ?? text;
  return text;
}

const app: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`${environ.REQUEST_METHOD} ${environ.SCRIPT_NAME}|${environ.PATH_INFO}`)];
};

/** All that a connection says to bytes that come in these pieces. */
function converse(parts: readonly string[]): { sent: string; refused: number[]; ended: boolean } {
  const front = new TestFront(app, { maxRequests: 3 });
  for (const part of parts) front.send(part);
  expect(front.reported).toEqual([]);
  return { sent: front.sent, refused: front.refused.map(({ code }) => code), ended: front.socket.writableEnded };
}

describe("mutated conversations", () => {
  it(
    `${mutants} of them: no throw, no hang, and the same however they are split`,
    () => {
      const random = seededRandom(seed);
      const refusals = new Map<number, number>();
      let accepted = 0;
      let incomplete = 0;
      for (let i = 0; i < mutants; i++) {
        const text = mutant(random);
        const result = converse([text]);
        const inPieces = converse(pieces(text, random));
        expect(JSON.stringify([i, text, inPieces])).toBe(JSON.stringify([i, text, result]));
        const [code] = result.refused;
        if (code !== undefined) refusals.set(code, (refusals.get(code) ?? 0) + 1);
        else if (result.sent.includes("Status: 200 OK")) accepted++;
        else incomplete++;
      }
      const percent = (100 * accepted) / mutants;
      const codes = [...refusals].map(([code, count]) => `${code}: ${count}`).join(", ");
      console.log(`${mutants} mutants: ${percent.toFixed(1)} % accepted, ${incomplete} incomplete, refused with ${codes}`);
      expect(percent).toBeGreaterThanOrEqual(5);
      expect(percent).toBeLessThanOrEqual(60);
    },
    campaignTimeout,
  );
});
