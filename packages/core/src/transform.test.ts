import { createHook } from "node:async_hooks";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResponseBody } from "./contract.ts";
import { bytes, deferred, microtasks, plain, respond, TestBody, TestExchange, TestSource } from "./test-sink.ts";
import { transformBody, type BodyTransform, type Chunks } from "./transform.ts";

/** Upper case, with what is held back behind a `(`, and all that was done to it. */
class Loud implements BodyTransform {
  readonly calls: string[] = [];
  held = "";

  chunk(chunk: Uint8Array): Chunks | Promise<Chunks> {
    const text = Buffer.from(chunk).toString().toUpperCase();
    this.calls.push(text);
    if (this.held === "" && !text.startsWith("(")) return [bytes(text)];
    this.held += text;
    return undefined;
  }

  flush(): Chunks | Promise<Chunks> {
    this.calls.push("flush");
    return this.#release();
  }

  end(): Chunks | Promise<Chunks> {
    this.calls.push("end");
    return this.#release();
  }

  close(): void | Promise<void> {
    this.calls.push("close");
  }

  #release(): Chunks {
    const { held } = this;
    this.held = "";
    return held === "" ? undefined : [bytes(held)];
  }
}

const sending =
  (body: ResponseBody, transform: BodyTransform) =>
  (_: unknown, startResponse: (status: string, headers: [string, string][]) => unknown): ResponseBody => {
    startResponse("200 OK", plain() as [string, string][]);
    return transformBody(body, transform);
  };

/** What comes out chunk by chunk. */
async function chunks(body: ResponseBody): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of body) all.push(Buffer.from(chunk).toString());
  return all;
}

/** This turn of the event loop to its end, and what comes of that. */
async function turn(): Promise<void> {
  await microtasks();
  await new Promise((resolve) => setImmediate(resolve));
  await microtasks();
}

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

describe("an error", () => {
  const error = new Error("step");
  const throwing = (step: string, async: boolean, rejects: boolean): BodyTransform & { calls: string[] } => {
    const calls: string[] = [];
    const fail = (): never | Promise<never> => {
      if (rejects) return Promise.reject(error);
      throw error;
    };
    return { calls, async, chunk: () => [], close: () => void calls.push("close"), [step]: fail };
  };

  it.each([
    ["chunk", ["next", "return", "close"]],
    ["flush", ["next", "next", "return", "close"]],
    ["end", ["next", "next", "next", "close"]],
  ])("in the step %s leaves the source, as for...of does, and closes all", async (step, calls) => {
    for (const [async, rejects] of [
      [false, false],
      [true, false],
      [true, true],
    ] as const) {
      const source = new TestBody(["a", ""]);
      const transform = throwing(step, async, rejects);
      const { errors, ending } = await respond(sending(source, transform));
      expect([source.calls, transform.calls, ending?.reason]).toEqual([calls, ["close"], error]);
      expect(errors.match(/^GET \/: Error/gm)).toHaveLength(1);
    }
  });

  it("in what a step gave leaves the source too", async () => {
    for (const async of [false, true]) {
      const source = new TestBody(["a", "b"]);
      const { sink } = await respond(
        sending(source, {
          async,
          *chunk(chunk) {
            yield chunk;
            throw error;
          },
        }),
      );
      expect([source.calls, sink.calls.at(-1)]).toEqual([["next", "return", "close"], "abort"]);
    }
  });

  it("is the one that counts, whatever then fails in return()", async () => {
    const source = new TestBody(["a"]);
    source.return = () => {
      throw new Error("return");
    };
    const { errors } = await respond(sending(source, throwing("chunk", false, false)));
    expect(errors).toMatch(/^GET \/: Error: step/);
    expect(errors).not.toContain("Error: return");
  });

  it("of the source does not return() to it", async () => {
    for (const async of [false, true]) {
      const source = new TestBody([]);
      source.next = () => {
        throw new Error("source");
      };
      const transform = Object.assign(new Loud(), { async });
      const { errors } = await respond(sending(source, transform));
      expect([source.calls, transform.calls, errors]).toEqual([
        ["close"],
        ["close"],
        expect.stringMatching(/^GET \/: Error: source/),
      ]);
    }
  });

  it("is given once: then the body has ended", async () => {
    for (const async of [false, true]) {
      const body = transformBody(new TestBody(["a"]), throwing("chunk", async, false));
      const iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
      await expect((async () => iterator.next())()).rejects.toBe(error);
      expect((await iterator.next()).done).toBe(true);
    }
  });
});

describe("the end of a transformed body", () => {
  it("that comes early is handed on: return(), then close() of the body, then that of the transform", async () => {
    for (const async of [false, true]) {
      const calls: string[] = [];
      const source = new TestBody(["a", "b", "c"]);
      source.return = () => {
        calls.push("return");
        return { done: true, value: undefined };
      };
      source.close = () => void calls.push("close body");
      const transform: BodyTransform = {
        async,
        *chunk(chunk) {
          try {
            yield chunk;
            yield chunk;
          } finally {
            calls.push("step left");
          }
        },
        close: () => void calls.push("close transform"),
      };
      const { sink } = await respond((_, startResponse) => {
        startResponse("200 OK", [["Content-Length", "1"]]);
        return transformBody(source, transform);
      });
      expect(sink.calls).toEqual(["head 200 OK", "write a", "abort"]);
      expect(calls).toEqual(["step left", "return", "close body", "close transform"]);
    }
  });

  it("before it was iterated closes body and transform, once", () => {
    for (const async of [false, true]) {
      const source = new TestBody(["a"]);
      const transform = Object.assign(new Loud(), { async });
      const { close } = transformBody(source, transform);
      void close?.();
      void close?.();
      expect([source.calls, transform.calls]).toEqual([["close"], ["close"]]);
    }
  });

  it("while next() waits for the source does not wait for it", async () => {
    const source = new TestSource();
    const transform = new Loud();
    const exchange = new TestExchange(sending(source, transform));
    await microtasks();
    exchange.leave();
    expect([source.calls, transform.calls, exchange.endings.length]).toEqual([["next", "return", "close"], ["close"], 1]);
    source.push("late");
    await turn();
    expect([transform.calls, exchange.sink.calls]).toEqual([["close"], []]);
  });

  it("while next() waits after a flush does not wait for it either", async () => {
    const source = new TestSource();
    const transform = new Loud();
    const exchange = new TestExchange(sending(source, transform));
    source.push("(a");
    await turn();
    exchange.leave();
    expect(transform.calls).toEqual(["(A", "flush", "close"]);
    source.fail(new Error("too late for the transform"));
    await turn();
    expect([transform.calls.length, exchange.errors]).toEqual([3, expect.stringContaining("too late for the transform")]);
  });

  it.each(["chunk", "flush", "end"])("while the step %s is running waits for it, but the connection does not", async (name) => {
    const step = deferred<Chunks>();
    const calls: string[] = [];
    let given = 0;
    function* lazy(): Generator<Uint8Array> {
      given++;
      yield bytes("x");
    }
    const transform: BodyTransform = {
      async: true,
      chunk: () => undefined,
      close: () => void calls.push("close transform"),
      [name]: () => step.promise,
    };
    const source = new TestBody(["a", ""]);
    const exchange = new TestExchange(sending(source, transform));
    await microtasks();
    exchange.leave();
    await turn();
    expect([source.calls.at(-1), calls, exchange.endings]).toEqual(["close", [], []]);
    step.resolve(lazy());
    await exchange.done();
    expect([calls, given, exchange.ending?.outcome, exchange.errors]).toEqual([["close transform"], 0, "gone", ""]);
  });

  it("while a step is running that then fails releases too, and the error is reported", async () => {
    const step = deferred<Chunks>();
    const calls: string[] = [];
    const exchange = new TestExchange(
      sending(new TestBody(["a"]), { async: true, chunk: () => step.promise, close: () => void calls.push("close") }),
    );
    await microtasks();
    exchange.leave();
    step.reject(new Error("step"));
    await exchange.done();
    await microtasks();
    expect([calls, exchange.errors]).toEqual([["close"], expect.stringMatching(/^GET \/: Error: step/)]);
  });

  it("inside a step that is not asynchronous releases behind it", async () => {
    const source = new TestSource();
    const calls: string[] = [];
    const exchange = new TestExchange(
      sending(source, {
        chunk(chunk) {
          exchange.leave();
          calls.push("chunk done");
          return [chunk];
        },
        close: () => void calls.push("close"),
      }),
    );
    source.push("a");
    await exchange.done();
    expect([calls, source.calls, exchange.sink.calls]).toEqual([["chunk done", "close"], ["next", "return", "close"], []]);
  });

  it("is told when the promise of close() has resolved", async () => {
    const closed = deferred();
    const exchange = new TestExchange(sending(new TestBody([]), { chunk: () => [], close: () => closed.promise }));
    await microtasks();
    expect(exchange.endings).toEqual([]);
    closed.resolve();
    await exchange.done();
    expect(exchange.ending?.outcome).toBe("finished");
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
