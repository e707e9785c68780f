import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BodyPieces } from "./body-pieces.ts";

describe("BodyPieces", () => {
  it("gives what was pushed, in order, up to where it was truncated", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.nat({ max: 3000 }) },
      { weight: 3, arbitrary: fc.constant("shift" as const) },
      { weight: 1, arbitrary: fc.record({ truncate: fc.nat({ max: 5000 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pieces = new BodyPieces();
        let expected = "";
        let given = "";
        let taken = "";
        let next = 0;
        for (const one of steps) {
          if (typeof one === "number") {
            const text = Array.from({ length: one }, () => String.fromCharCode(97 + (next++ % 26))).join("");
            pieces.push(Buffer.from(text));
            expected += text;
          } else if (one === "shift") {
            const piece = pieces.shift()?.toString() ?? "";
            given += piece;
            taken += expected.slice(0, piece.length);
            expected = expected.slice(piece.length);
          } else {
            pieces.truncate(one.truncate);
            expected = expected.slice(0, one.truncate);
          }
          expect(pieces.bytes).toBe(expected.length);
        }
        while (pieces.bytes > 0) {
          const piece = pieces.shift()?.toString() ?? "";
          given += piece;
          taken += expected.slice(0, piece.length);
          expected = expected.slice(piece.length);
        }
        expect(given).toBe(taken);
      }),
      { numRuns: 500 },
    );
  });

  it("keeps large pieces as they are, and small ones together", () => {
    const pieces = new BodyPieces();
    const large = Buffer.alloc(2000);
    pieces.push(Buffer.from("a"));
    pieces.push(Buffer.from("b"));
    pieces.push(large);
    pieces.push(Buffer.from("c"));
    expect(pieces.shift()?.toString()).toBe("ab");
    expect(pieces.shift()).toBe(large);
    expect(pieces.shift()?.toString()).toBe("c");
    expect(pieces.shift()).toBeUndefined();
  });
});
