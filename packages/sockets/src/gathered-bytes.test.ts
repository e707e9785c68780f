import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatheredBytes } from "./gathered-bytes.ts";

describe("GatheredBytes", () => {
  it("gives all that came, after each piece", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 12 }), (pieces) => {
        const gathered = new GatheredBytes();
        let expected = Buffer.alloc(0);
        for (const piece of pieces) {
          expected = Buffer.concat([expected, piece]);
          expect(Buffer.compare(gathered.append(Buffer.from(piece)), expected)).toBe(0);
        }
      }),
    );
  });
});
