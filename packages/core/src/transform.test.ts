import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResponseBody } from "./contract.ts";
import { bytes, respond, TestBody, TestSource } from "./test-sink.ts";
import { transformBody, type BodyTransform } from "./transform.ts";

import { chunks, Loud, sending, turn } from "./test-transform.ts";

describe("transformBody", () => {
  it("is synchronous for a synchronous source, asynchronous for an asynchronous one or if the transform is", async () => {
    for (const [source, async, kind] of [
      [[bytes("a")], undefined, "sync"],
      [new TestBody(["a"]), false, "sync"],
      [new TestBody(["a"]), true, "async"],
      [new TestSource(), undefined, "async"],
    ] as const) {
      if (source instanceof TestSource) {
        source.push("a");
        source.finish();
      }
      const transform: BodyTransform = Object.assign(new Loud(), async === undefined ? {} : { async });
      const body = transformBody(source as ResponseBody, transform);
      expect([Symbol.iterator in body, Symbol.asyncIterator in body]).toEqual([kind === "sync", kind === "async"]);
      expect(await chunks(body)).toEqual(["A"]);
    }
  });

  it("gives what the steps give, and what is left at the end", async () => {
    const transform = new Loud();
    const { sink } = await respond(sending(new TestBody(["a", "(b", "c"]), transform));
    expect([sink.calls, transform.calls]).toEqual([
      ["head 200 OK", "write A", "write (BC", "end"],
      ["A", "(B", "C", "end", "close"],
    ]);
  });

  it("pulls a chunk when one is asked for and never ahead", async () => {
    const sync = new TestBody(["a", "b", "c"]);
    const syncIterator = (transformBody(sync, new Loud()) as Iterable<Uint8Array>)[Symbol.iterator]();
    expect(sync.calls).toEqual([]);
    syncIterator.next();
    expect(sync.calls).toEqual(["next"]);
    const source = new TestSource();
    const iterator = (transformBody(source, new Loud()) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    source.push("a");
    source.push("b");
    await iterator.next();
    await turn();
    expect(source.calls).toEqual(["next"]);
  });

  it("flushes on an empty chunk, and hands it on for the layers further out", async () => {
    for (const async of [false, true]) {
      const transform = Object.assign(new Loud(), { async });
      const inner = transformBody(new TestBody(["(a", "", "(b", ""]), transform);
      const outer = new Loud();
      expect(await chunks(transformBody(inner, outer))).toEqual(["(A", "", "(B", ""]);
      expect(outer.calls).toEqual(["(A", "flush", "(B", "flush", "end"]);
    }
  });

  it("hands an empty chunk on where there is nothing to flush", async () => {
    for (const async of [false, true]) {
      const body = transformBody(new TestBody(["", "a"]), { async, chunk: (chunk) => [chunk] });
      expect(await chunks(body)).toEqual(["", "a"]);
    }
  });

  it("works with steps that are generators, and with promises of their results", async () => {
    function* twice(chunk: Uint8Array): Generator<Uint8Array> {
      yield chunk;
      yield chunk;
    }
    expect(await chunks(transformBody(new TestBody(["a", "b"]), { chunk: twice }))).toEqual(["a", "a", "b", "b"]);
    const transform: BodyTransform = {
      async: true,
      chunk: async (chunk) => twice(chunk),
      flush: async () => [bytes("f")],
      end: async () => [bytes("e")],
    };
    expect(await chunks(transformBody(new TestBody(["a", ""]), transform))).toEqual(["a", "a", "f", "", "e"]);
  });

  it("says so where a step gives a promise and must not", async () => {
    for (const step of ["chunk", "flush", "end"]) {
      const source = new TestBody(["a", ""]);
      const transform = { chunk: () => undefined, [step]: async () => undefined };
      const { errors } = await respond(sending(source, transform));
      expect(errors).toContain("TypeError: a step of a BodyTransform returned a promise: say async: true");
      expect(source.calls.filter((call) => call !== "next")).toEqual(step === "end" ? ["close"] : ["return", "close"]);
    }
  });

  it("takes no chunk that is none, for a step must not see it", async () => {
    for (const async of [false, true]) {
      const transform = Object.assign(new Loud(), { async });
      const source = { [Symbol.iterator]: () => ["text"].values(), close() {} };
      const { errors, sink } = await respond(sending(source as unknown as ResponseBody, transform));
      expect([sink.received?.code, transform.calls]).toEqual([500, ["close"]]);
      expect(errors).toContain('a chunk of the body is a Uint8Array, not the string "text": encode it');
    }
  });

  it.each([undefined, null, "text", {}])("lets what is no body fail where it is iterated, and releases: %j", async (none) => {
    for (const async of [false, true]) {
      const transform = Object.assign(new Loud(), { async });
      const { sink } = await respond(sending(none as ResponseBody, transform));
      expect([sink.received?.code, transform.calls]).toEqual([500, ["close"]]);
    }
  });

  it("gives the same bytes however they are split, synchronous or not", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ maxLength: 4 })), fc.boolean(), async (texts, async) => {
        const expected = texts.map((text) => Buffer.from(text).toString().toUpperCase()).join("");
        const body = texts.map((text) => Buffer.from(text));
        const transform: BodyTransform = { async, chunk: (chunk) => [Buffer.from(Buffer.from(chunk).toString().toUpperCase())] };
        expect((await chunks(transformBody(body, transform))).join("")).toBe(expected);
      }),
    );
  });
});

describe("a long body", () => {
  it("does not overflow the stack where no step gives anything", async () => {
    for (const async of [false, true]) {
      let left = 200_000;
      const next = (): IteratorResult<Uint8Array> =>
        left-- > 0 ? { done: false, value: bytes("a") } : { done: true, value: undefined };
      let count = 0;
      const body = transformBody(
        { [Symbol.iterator]: () => ({ next }) },
        { async, chunk: () => void count++, end: () => [bytes(`${count}`)] },
      );
      expect(await chunks(body)).toEqual(["200000"]);
    }
  });
});
