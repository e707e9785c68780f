import { PassThrough, Readable } from "node:stream";
import { inputStream } from "@gateway/core/gateway";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BodyInput } from "./body-input.ts";

const limits = { maxBodyBytes: Infinity, aheadBytes: 1000 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("BodyInput", () => {
  it("gives as many bytes as the length says, however they come, and touches nothing behind them", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), fc.nat({ max: 200 }), async (pieces, length) => {
        const all = Buffer.concat(pieces);
        const stream = Readable.from(
          pieces.map((piece) => Buffer.from(piece)),
          { objectMode: true },
        );
        const input = inputStream(new BodyInput(stream, length, limits));
        if (length <= all.length) expect(Buffer.compare(await input.read(), all.subarray(0, length))).toBe(0);
        else await expect(input.read()).rejects.toThrow("cut short");
        stream.destroy();
      }),
      { numRuns: 200 },
    ));

  it("does not wait for the end of a stream that stays open", async () => {
    const stream = new PassThrough();
    stream.write("hello and more");
    const input = inputStream(new BodyInput(stream, 5, limits));
    expect(Buffer.from(await input.read()).toString()).toBe("hello");
    expect((await input.read()).length).toBe(0);
  });

  it("reads to the end where there is no length", async () => {
    const stream = new PassThrough();
    stream.end("all there is");
    expect(Buffer.from(await inputStream(new BodyInput(stream, undefined, limits)).read()).toString()).toBe("all there is");
  });

  it("reads nothing before it is asked", async () => {
    const stream = new PassThrough();
    stream.write("hello");
    const body = new BodyInput(stream, 5, limits);
    await turn();
    expect(stream.readableLength).toBe(5);
    expect(stream.readableFlowing).toBe(null);
    expect(await body.pull()).toEqual(Buffer.from("hello"));
  });

  it("reads ahead only while it is told to, and up to a limit", async () => {
    const stream = new PassThrough({ highWaterMark: 100 });
    const body = new BodyInput(stream, 10_000, limits);
    let taken = 0;
    const write = (): void => {
      while (taken < 10_000) {
        taken += 100;
        if (!stream.write(Buffer.alloc(100))) return;
      }
    };
    stream.on("drain", write);
    write();
    await turn();
    expect(taken).toBeLessThan(300);
    body.readAhead(true);
    for (let i = 0; i < 20; i++) await turn();
    expect(taken).toBeGreaterThan(900);
    expect(taken).toBeLessThan(1600);
    body.readAhead(false);
    let read = 0;
    while (read < 10_000) read += (await body.pull())?.length ?? 0;
    expect(read).toBe(10_000);
    expect(await body.pull()).toBeUndefined();
  });

  it("drains what is left, and no more", async () => {
    const stream = new PassThrough();
    stream.write("hello, world; not mine");
    const body = new BodyInput(stream, 12, limits);
    await body.drain();
    expect(await body.pull()).toBeUndefined();
    const cut = new PassThrough();
    cut.end("short");
    await new BodyInput(cut, 100, limits).drain();
  });

  it("fails above the largest body, and when it is stopped", async () => {
    const stream = new PassThrough();
    stream.write("hello");
    await expect(new BodyInput(stream, undefined, { ...limits, maxBodyBytes: 4 }).pull()).rejects.toMatchObject({
      status: "413 Content Too Large",
    });
    const waiting = new BodyInput(new PassThrough(), 5, limits);
    const pulled = waiting.pull();
    waiting.stop(new Error("gone"));
    await expect(pulled).rejects.toThrow("gone");
  });
});
