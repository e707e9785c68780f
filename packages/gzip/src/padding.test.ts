import { client } from "@gateway/testing";
import { execFileSync } from "node:child_process";
import { brotliCompressSync, constants, createBrotliCompress } from "node:zlib";
import { describe, expect, it } from "vitest";
import { availableCodings } from "./codings.ts";
import { gzip } from "./gzip.ts";
import { padded } from "./padding.ts";
import { answers, between, decode, text } from "./test-bodies.ts";

const body = text(4096);

/** What a brotli encoder gives when it is flushed before anything, and then for the body. */
async function flushedBrotli(): Promise<[Buffer, Buffer]> {
  const encoder = createBrotliCompress();
  const chunks: Buffer[] = [];
  encoder.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => encoder.flush(constants.BROTLI_OPERATION_FLUSH, resolve));
  const start = Buffer.concat(chunks.splice(0));
  await new Promise<void>((resolve) => encoder.once("end", resolve).end(body));
  return [start, Buffer.concat(chunks)];
}

describe("padded", () => {
  it("puts a metadata block of any length into brotli", async () => {
    const [start, rest] = await flushedBrotli();
    for (const count of [0, 1, 2, 3, 4, 100, 257, 258, 259, 260, 261, 5000, 65_535]) {
      const whole = Buffer.concat([...padded("br", start, count), rest]);
      const added = whole.length - start.length - rest.length;
      expect(added).toBe(count < 3 ? 0 : count === 259 ? 258 : count);
      expect(decode("br", whole)).toEqual(body);
      expect(execFileSync("brotli", ["-dc"], { input: whole })).toEqual(body);
    }
    // The ordinary header of brotli does not end with a byte, which is why it must be flushed.
    expect(start.length).toBeGreaterThan(0);
    expect(brotliCompressSync(body).subarray(0, start.length)).not.toEqual(start);
  });
});

describe("breachPaddingBytes", () => {
  const long = text(200_000);
  const bodies = [
    ["short", () => [body], body],
    ["long", () => [long], long],
    ["a short stream", () => [body].values(), body],
    ["a long stream", () => [long.subarray(0, 20_000), Buffer.alloc(0), long.subarray(20_000)].values(), long],
  ] as const;

  for (const coding of availableCodings) {
    it.each(bodies)(`makes the ${coding} of a body longer, and every decoder skips it: %s`, async (_what, make, expected) => {
      const lengths: number[] = [];
      for (const count of [0, 40, 100]) {
        const layer = gzip({ breachPaddingBytes: 100, random: (most) => Math.min(most, count), levels: { br: 4, zstd: 3 } });
        const app = client(between(layer, answers(make)));
        const response = await app.get("/", { headers: { "Accept-Encoding": coding } });
        expect(response.headers.get("content-encoding")).toBe(coding);
        expect(expected.equals(decode(coding, response.bytes))).toBe(true);
        lengths.push(response.bytes.length);
        const program = { gzip: "gzip", br: "brotli", zstd: "zstd", deflate: undefined }[coding];
        if (program !== undefined) {
          expect(expected.equals(execFileSync(program, ["-dc"], { input: response.bytes }))).toBe(true);
        }
      }
      const [none = 0, some = 0, most = 0] = lengths;
      const step = { gzip: 1, br: 1, deflate: 5, zstd: 3 }[coding];
      expect(most - some).toBe(100 - (100 % step) - 40 + (40 % step));
      // The first flush of br takes a byte or two itself.
      expect(some - none - 40 + (40 % step)).toBeLessThanOrEqual(coding === "br" ? 2 : 0);
      expect(some - none).toBeGreaterThanOrEqual(40 - (40 % step));
    });
  }

  it("takes a random number of bytes from 0 up to it", async () => {
    const app = client(
      between(
        gzip({ breachPaddingBytes: 3 }),
        answers(() => [body]),
      ),
    );
    const lengths = new Set<number>();
    for (let i = 0; i < 200; i++) lengths.add((await app.get("/", { headers: { "Accept-Encoding": "gzip" } })).bytes.length);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBe(3);
    expect(lengths.size).toBe(4);
  });
});
