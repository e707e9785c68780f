import { describe, expect, it } from "vitest";
import { bytes, deferred, microtasks, respond, TestBody, TestExchange, TestSource } from "./test-sink.ts";
import { transformBody, type BodyTransform, type Chunks } from "./transform.ts";

import { Loud, sending, turn } from "./test-transform.ts";

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
