import * as fc from "fast-check";
import { Refusal } from "@gateway/sockets";
import { cut } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { endRequest, record, RecordReader, recordHeader } from "./records.ts";
import { rec } from "./test-records.ts";

/** What a reader tells, with the pieces of a stream joined. */
function told(pieces: readonly string[]): { told: string[]; refusal: string } {
  const all: string[] = [];
  let open = "";
  const reader = new RecordReader({
    piece(type, id, bytes, from, end) {
      if (open === `${type} ${id}`) all[all.length - 1] += bytes.toString("latin1", from, end);
      else all.push(`piece ${type} ${id} ${bytes.toString("latin1", from, end)}`);
      open = `${type} ${id}`;
    },
    streamEnded: (type, id) => {
      open = "";
      all.push(`end ${type} ${id}`);
    },
    record: (type, id, bytes, from, end) => {
      open = "";
      all.push(`record ${type} ${id} ${bytes.toString("latin1", from, end)}`);
    },
  });
  try {
    for (const piece of pieces) reader.push(Buffer.from(piece, "latin1"));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { told: all, refusal: error.message };
  }
  return { told: all, refusal: "" };
}

const anyRecord = fc
  .tuple(
    fc.integer({ min: 0, max: 12 }),
    fc.constantFrom(0, 1, 3, 65_535),
    fc.string({ unit: fc.constantFrom("a", "\0", "\xff"), maxLength: 40 }),
    fc.integer({ min: 0, max: 255 }),
  )
  .map(([type, id, content, padding]) => rec(type, id, content, padding));

describe("RecordReader", () => {
  it("tells the same however the bytes are split", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 60 })), (list, sizes) => {
        const text = list.join("");
        expect(told(cut(text, sizes))).toEqual(told([text]));
        expect(told(text.split(""))).toEqual(told([text]));
      }),
      { numRuns: 1000 },
    );
  });

  it("ends streams with an empty record, and gives other records whole", () => {
    expect(told([rec(5, 1, "ab") + rec(5, 1, "cd", 3) + rec(5, 1) + rec(9, 0) + rec(1, 2, "12345678")]).told).toEqual([
      "piece 5 1 abcd",
      "end 5 1",
      "record 9 0 ",
      "record 1 2 12345678",
    ]);
  });

  it("refuses any version but 1, and nothing else", () => {
    for (let version = 0; version < 256; version++)
      expect(told([String.fromCharCode(version) + rec(5, 1, "ab").slice(1)]).refusal === "").toBe(version === 1);
  });
});

describe("record", () => {
  it("writes the header that the specification shows", () => {
    expect(recordHeader(6, 258, 65_535)).toBe("\x01\x06\x01\x02\xff\xff\0\0");
    expect(record(10, 0, "ab")).toBe("\x01\x0a\0\0\0\x02\0\0ab");
    expect(endRequest(3, 1, 2)).toBe("\x01\x03\0\x03\0\x08\0\0\0\0\0\x01\x02\0\0\0");
  });
});
