import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scaled } from "@gateway/testing/campaign";
import { text } from "./test-bodies.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** What the program of zstd makes, with all that a header may or may not hold. */
function frame(bytes: Uint8Array, ...options: string[]): Buffer {
  return execFileSync("zstd", ["-cq", ...options], { input: bytes });
}

const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]);
// The repeated letter makes a block of that kind; a size that is told is of 1, 2 or 4 bytes.
const frames = [
  frame(text(300), "--no-check"),
  frame(text(300), "--check", "--stream-size=300"),
  skippable,
  frame(Buffer.alloc(300_000, "a"), "--check", "--stream-size=300000"),
  frame(Buffer.alloc(0)),
  frame(text(400_000), "-1", "--stream-size=400000"),
  frame(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 31) >> 7)), "--no-check"),
  Buffer.from([...skippable.subarray(0, 4), 0, 0, 0, 0]),
];
const whole = Buffer.concat(frames);
const ends = frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length);

describe("ZstdFrames", () => {
  it("finds the ends of frames, however the bytes are split", () => {
    const property = fc.property(fc.array(fc.nat({ max: whole.length }), { maxLength: 30 }), (cuts) => {
      const follower = new ZstdFrames();
      const found: number[] = [];
      const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      for (const [i, end] of at.slice(1).entries()) {
        const start = at[i] ?? 0;
        const piece = whole.subarray(start, end);
        for (let next = 0; next < piece.length;) {
          next = follower.follow(piece, next);
          if (follower.isBetween) found.push(start + next);
        }
      }
      expect(found).toEqual(ends);
      expect(follower.count).toBe(frames.length);
    });
    fc.assert(property, { numRuns: scaled(2000), seed: 8878 });
  });

  it("is between frames at their ends only", () => {
    const follower = new ZstdFrames();
    const between: number[] = [];
    for (let i = 0; i < whole.length; i++) {
      follower.follow(whole.subarray(i, i + 1), 0);
      if (follower.isBetween) between.push(i + 1);
    }
    expect(between).toEqual(ends);
  });

  it("leaves what is no frame to the decoder", () => {
    const follower = new ZstdFrames();
    const garbage = Buffer.from("no such thing");
    expect(follower.follow(garbage, 0)).toBe(garbage.length);
    expect(follower.isBetween).toBe(false);
  });
});
