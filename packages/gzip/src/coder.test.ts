import { execFileSync } from "node:child_process";
import { client } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { transformBody, type ResponseBody } from "@gateway/core";
import * as fc from "fast-check";
import { Coder, type CoderSettings } from "./coder.ts";
import { availableCodings, type Coding } from "./codings.ts";
import { gzip } from "./gzip.ts";
import { eventually, scaled } from "@gateway/testing/campaign";
import { answers, between, decode, deferred, LiveCoders, text } from "./test-bodies.ts";

const settings = (coding: Coding): CoderSettings => ({
  coding,
  level: coding === "br" ? 4 : 1,
  bytes: undefined,
  paddingBytes: 0,
  announcedBytes: -1,
});

async function collected(body: ResponseBody): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("Coder", () => {
  it.each(availableCodings)(
    "gives the same bytes as %s however a stream is cut and flushed, synchronous or not",
    async (coding) => {
      const source = text(80_000);
      const property = fc.asyncProperty(
        fc.array(fc.nat({ max: source.length }), { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }),
        fc.boolean(),
        fc.constantFrom(0, 50),
        async (cuts, flushes, isAsync, paddingBytes) => {
          const at = [0, ...cuts.toSorted((a, b) => a - b), source.length];
          const parts = at.slice(1).flatMap((end, i) => {
            const part = source.subarray(at[i], end);
            return flushes[i] === true ? [part, Buffer.alloc(0)] : [part];
          });
          async function* asynchronous(): AsyncGenerator<Uint8Array> {
            for (const [i, part] of parts.entries()) {
              if (flushes[i % flushes.length] === true) await new Promise((resolve) => setImmediate(resolve));
              yield part;
            }
          }
          const coder = new Coder({ ...settings(coding), paddingBytes });
          const body = transformBody(isAsync ? asynchronous() : parts.values(), coder);
          const coded = await collected(body);
          await body.close?.();
          expect(decode(coding, coded).equals(source)).toBe(true);
        },
      );
      await fc.assert(property, { numRuns: scaled(1000), seed: 1952 });
    },
  );

  it("holds small chunks until they are enough, or asked for", async () => {
    const coder = new Coder(settings("gzip"));
    using coders = new LiveCoders();
    for (let i = 0; i < 16; i++) expect(coder.chunk(text(1024))).toBeUndefined();
    expect(coders.made).toBe(0);
    expect(coder.chunk(text(1))).toBeInstanceOf(Promise);
    coder.close();
    await eventually(() => coders.alive === 0);
  });

  it("makes no coder for a body that ends before, and flushes nothing where there was nothing", async () => {
    using coders = new LiveCoders();
    const coder = new Coder(settings("br"));
    expect(coder.flush()).toBeUndefined();
    void coder.chunk(text(5000));
    const coded = Buffer.concat([...((await coder.end()) ?? [])]);
    coder.close();
    expect(decode("br", coded)).toEqual(text(5000));
    expect(coders.made).toBe(0);
  });
});

describe("a coder", () => {
  const long = text(300_000);

  it.each(availableCodings)(
    "of %s is freed once: at the end, when the source fails, and when the client leaves",
    async (coding) => {
      using coders = new LiveCoders();
      const headers = { "Accept-Encoding": coding };
      const http = (body: () => ResponseBody): ReturnType<typeof client> => client(between(gzip(), answers(body)));

      await http(() => [long].values()).get("/", { headers });
      await eventually(() => coders.alive === 0);
      expect(coders.made).toBe(1);

      function* failing(): Generator<Uint8Array> {
        yield long;
        yield Buffer.alloc(0);
        throw new Error("from the source");
      }
      await expect(http(failing).get("/", { headers, errors: "ignore" })).rejects.toThrow("from the source");
      await eventually(() => coders.alive === 0);
      expect(coders.made).toBe(2);

      const never = deferred();
      const closed = vi.fn<() => void>();
      async function* waiting(): AsyncGenerator<Uint8Array> {
        yield long;
        await never.promise;
      }
      const open = await http(() => Object.assign(waiting(), { close: closed })).open("GET", "/", { headers });
      await open.body[Symbol.asyncIterator]().next();
      expect([coders.made, coders.alive]).toEqual([3, 1]);
      open.abort();
      await eventually(() => coders.alive === 0);
      await open.finished;
      expect(closed).toHaveBeenCalledTimes(1);
      expect(coders.closed).toBe(3);
      never.resolve();
    },
  );

  it("is not made for HEAD, for a buffered body, or for a body that is closed at once", async () => {
    using coders = new LiveCoders();
    const http = client(
      between(
        gzip(),
        answers(() => [long].values()),
      ),
    );
    await http.head("/", { headers: { "Accept-Encoding": "gzip" } });
    await client(
      between(
        gzip(),
        answers(() => [text(5000)]),
      ),
    ).get("/", { headers: { "Accept-Encoding": "gzip" } });
    const body = transformBody([long].values(), new Coder(settings("gzip")));
    await body.close?.();
    expect(coders.made).toBe(0);
  });

  it("that fails ends the response, and is freed", async () => {
    using coders = new LiveCoders();
    const coder = new Coder({ ...settings("gzip"), level: 99 });
    await expect(async () => coder.chunk(long)).rejects.toThrow("level");
    coder.close();
    const broken = new Coder(settings("gzip"));
    const coding = broken.chunk(long);
    await eventually(() => coders.made === 1);
    broken.close();
    // What was under way is given up.
    void coding;
    await eventually(() => coders.alive === 0);
  });
});

describe("what was coded", () => {
  const programs = { gzip: ["gzip", "-dc"], br: ["brotli", "-dc"], zstd: ["zstd", "-dcq"] } as const;
  const sizes = [1, 1023, 1024, 16_384, 16_385, 131_072, 131_073, 1_000_000];

  for (const coding of availableCodings) {
    if (coding === "deflate") continue;
    const [program, ...args] = programs[coding];
    it.each(["buffered", "streamed"])(`is decoded by the program of ${coding}: %s`, async (kind) => {
      for (const size of sizes) {
        const body = text(size);
        const app = answers(() =>
          kind === "buffered" ? [body] : [body.subarray(0, size >> 1), body.subarray(size >> 1)].values(),
        );
        const response = await client(between(gzip({ thresholdBytes: 1 }), app)).get("/", {
          headers: { "Accept-Encoding": coding },
        });
        expect(response.headers.get("content-encoding")).toBe(coding);
        const plain = execFileSync(program, args, { input: response.bytes, maxBuffer: 2_000_000 });
        expect(plain.equals(body)).toBe(true);
      }
    });
  }
});
