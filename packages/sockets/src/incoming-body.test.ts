import { describe, expect, it } from "vitest";
import { IncomingBody } from "./incoming-body.ts";

/** A body, and how often its connection was told of something. */
function bodyOf(): { body: IncomingBody; taken: () => number; left: () => number } {
  let taken = 0;
  let left = 0;
  const body = new IncomingBody({ taken: () => void taken++, left: () => void left++ });
  return { body, taken: () => taken, left: () => left };
}

async function chunksOf(body: IncomingBody): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}

describe("IncomingBody", () => {
  it("gives what came, in order, and hands on at once what is waited for", async () => {
    const { body } = bodyOf();
    const next = body[Symbol.asyncIterator]().next();
    body.push(Buffer.from("first "));
    expect(Buffer.from((await next).value as Uint8Array).toString()).toBe("first ");
    body.push(Buffer.from("second "));
    body.push(Buffer.alloc(100_000, "x"));
    body.push(Buffer.from("third"));
    expect(body.waitingBytes).toBe(100_012);
    body.end();
    expect(Buffer.concat(await chunksOf(body)).toString()).toBe(`second ${"x".repeat(100_000)}third`);
    expect(body.waitingBytes).toBe(0);
  });

  it("holds pieces of one byte together, and nothing of what they came in", async () => {
    const { body } = bodyOf();
    const received = Buffer.alloc(64 * 1024, "abcdefg");
    for (let at = 0; at < 60_000; at++) body.push(received.subarray(at, at + 1));
    body.end();
    const chunks = await chunksOf(body);
    expect(Buffer.concat(chunks).equals(received.subarray(0, 60_000))).toBe(true);
    expect(chunks.length).toBeLessThan(4);
    expect(chunks.every((chunk) => chunk.buffer !== received.buffer)).toBe(true);
  });

  it("gives what came before it failed, and then the error", async () => {
    const { body } = bodyOf();
    body.push(Buffer.from("half"));
    body.fail(new Error("broken off"));
    body.push(Buffer.from("more"));
    const iterator = body[Symbol.asyncIterator]();
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe("half");
    await expect(iterator.next()).rejects.toThrow("broken off");
  });

  it("says once that nobody reads any further, and gives nothing then", async () => {
    const { body, left } = bodyOf();
    body.push(Buffer.from("a"));
    const iterator = body[Symbol.asyncIterator]();
    await iterator.return?.();
    body.close();
    body.push(Buffer.from("b"));
    expect([left(), body.waitingBytes]).toEqual([1, 0]);
    expect((await iterator.next()).done).toBe(true);
  });
});
