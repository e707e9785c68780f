import { createHook } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { microtasks, respond, TestExchange, TestSource } from "./test-sink.ts";
import { transformBody } from "./transform.ts";

import { chunks, Loud, sending, turn } from "./test-transform.ts";

describe("a source that pauses", () => {
  it("is flushed at the end of the turn, and the client sees what was sent", async () => {
    const source = new TestSource();
    const transform = new Loud();
    const exchange = new TestExchange(sending(source, transform));
    source.push("(a");
    await microtasks();
    expect(exchange.sink.body).toBe("");
    await turn();
    expect([exchange.sink.body, transform.calls]).toEqual(["(A", ["(A", "flush"]]);
    await turn();
    expect(transform.calls).toEqual(["(A", "flush"]);
    source.push("(b");
    await turn();
    source.finish();
    await exchange.done();
    expect([exchange.sink.body, transform.calls]).toEqual(["(A(B", ["(A", "flush", "(B", "flush", "end", "close"]]);
    expect(source.calls).toEqual(["next", "next", "next", "close"]);
  });

  it("is not flushed while it has chunks at hand", async () => {
    const source = new TestSource();
    const transform = new Loud();
    for (const text of ["(a", "b", "c"]) source.push(text);
    source.finish();
    await respond(sending(source, transform));
    expect(transform.calls).toEqual(["(A", "B", "C", "end", "close"]);
  });

  it("costs one check a turn, whatever the number of chunks and bodies", async () => {
    const made: string[] = [];
    const hook = createHook({ init: (_, type) => made.push(type) });
    const sources = Array.from({ length: 10 }, () => new TestSource());
    const bodies = sources.map((source) => {
      for (let i = 0; i < 100; i++) source.push(`(${i}`);
      source.finish();
      return transformBody(source, new Loud());
    });
    hook.enable();
    await Promise.all(bodies.map(chunks));
    hook.disable();
    expect(made.filter((type) => type === "Immediate").length).toBeLessThanOrEqual(1);
    expect(made.filter((type) => type === "Timeout")).toEqual([]);
  });

  it("needs no check where there is no flush", async () => {
    const made: string[] = [];
    const hook = createHook({ init: (_, type) => made.push(type) });
    const source = new TestSource();
    source.push("a");
    source.push("b");
    source.finish();
    hook.enable();
    await chunks(transformBody(source, { chunk: (chunk) => [chunk] }));
    hook.disable();
    expect(made).not.toContain("Immediate");
  });

  it("may fail after the flush", async () => {
    const source = new TestSource();
    const transform = new Loud();
    const exchange = new TestExchange(sending(source, transform));
    source.push("(a");
    await turn();
    source.fail(new Error("source"));
    await exchange.done();
    expect([exchange.sink.calls, exchange.errors]).toEqual([
      ["head 200 OK", "write (A", "abort"],
      expect.stringMatching(/^GET \/: Error: source/),
    ]);
    expect([source.calls.at(-1), transform.calls.at(-1)]).toEqual(["close", "close"]);
  });
});
