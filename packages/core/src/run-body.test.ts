import { describe, expect, it } from "vitest";
import type { Application, HeaderList, ResponseBody } from "./contract.ts";
import { bytes, microtasks, plain, respond, TestBody, TestExchange, TestSource } from "./test-sink.ts";

const length = (value: number): HeaderList => [["Content-Length", `${value}`]];

/** An application with this status, these headers and this body. */
const answer =
  (body: () => ResponseBody, headers: () => HeaderList = plain, status = "200 OK"): Application =>
  (_, startResponse) => {
    startResponse(status, headers());
    return body();
  };

const array =
  (...chunks: string[]): (() => ResponseBody) =>
  () =>
    chunks.map(bytes);
const stream =
  (...chunks: string[]): (() => ResponseBody) =>
  () =>
    new Set(chunks.map(bytes)).values();
async function* slowly(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield bytes(chunk);
  }
}

describe("an array", () => {
  it("has a known length, and is one chunk after the other", async () => {
    const { sink, ending } = await respond(answer(array("ab", "", "c")));
    expect([sink.calls, sink.received?.length]).toEqual([["head 200 OK", "write ab", "write c", "end"], 3]);
    expect(ending).toMatchObject({ outcome: "finished", bodyBytes: 3 });
  });

  it.each([[[]], [[""]], [["", ""]]])("has length 0 when there is nothing in it: %j", async (chunks) => {
    const { sink } = await respond(answer(array(...chunks)));
    expect([sink.calls, sink.received?.length, sink.received?.headers]).toEqual([["head 200 OK", "end"], 0, plain()]);
  });

  it.each([0, 2, 4])("of 3 bytes with a Content-Length of %d is a 500", async (declared) => {
    const { sink, errors, ending } = await respond(answer(array("ab", "c"), () => length(declared)));
    expect([sink.received?.code, sink.breaches, ending?.outcome]).toEqual([500, [], "failed"]);
    expect(errors).toContain(`Content-Length is ${declared}, but the body has 3 bytes`);
  });

  it("with the right Content-Length is sent as it is", async () => {
    const { sink } = await respond(answer(array("ab", "c"), () => length(3)));
    expect([sink.received?.headers, sink.received?.seen, sink.received?.length]).toEqual([length(3), 1, 3]);
  });

  it("waits where the sink is blocked", async () => {
    const exchange = new TestExchange(answer(array("a", "b", "c")), "GET", ({ sink }) => {
      sink.blocking = true;
    });
    const { sink } = exchange;
    expect(sink.calls).toEqual(["head 200 OK", "write a"]);
    sink.unblock();
    await microtasks();
    expect(sink.calls).toEqual(["head 200 OK", "write a", "write b"]);
    sink.blocking = false;
    sink.unblock();
    await exchange.done();
    expect([sink.calls.slice(3), sink.breaches]).toEqual([["write c", "end"], []]);
  });

  it("that changes while the sink is blocked is broken off", async () => {
    for (const change of [(body: Uint8Array[]) => body.push(bytes("c")), (body: Uint8Array[]) => body.pop()]) {
      const body = [bytes("a"), bytes("b")];
      const exchange = new TestExchange(
        answer(() => body),
        "GET",
        ({ sink }) => {
          sink.blocking = true;
        },
      );
      exchange.sink.blocking = false;
      change(body);
      exchange.sink.unblock();
      await exchange.done();
      expect([exchange.sink.calls.at(-1), exchange.sink.breaches, exchange.ending?.outcome]).toEqual(["abort", [], "failed"]);
    }
  });

  it("may have a close of its own", async () => {
    const calls: string[] = [];
    await respond(answer(() => Object.assign([bytes("a")], { close: () => void calls.push("close") })));
    expect(calls).toEqual(["close"]);
  });

  it("may hold bytes of another realm", async () => {
    const { runInNewContext } = await import("node:vm");
    const foreign = runInNewContext("new Uint8Array([104, 105])") as Uint8Array;
    expect(foreign instanceof Uint8Array).toBe(false);
    expect((await respond(answer(() => [foreign]))).sink.body).toBe("hi");
  });
});

describe("HEAD, 204 and 304", () => {
  it.each<[string, string, () => ResponseBody, HeaderList, HeaderList]>([
    ["HEAD", "200 OK", array("abc"), [], length(3)],
    ["HEAD", "200 OK", array("abc"), length(3), length(3)],
    ["HEAD", "200 OK", array("abc"), length(9), length(9)],
    ["HEAD", "200 OK", array(), [], []],
    ["HEAD", "200 OK", array(""), [], []],
    ["HEAD", "200 OK", array(), length(9), length(9)],
    ["HEAD", "200 OK", stream("abc"), [], []],
    ["HEAD", "200 OK", stream("abc"), length(1), length(1)],
    ["HEAD", "200 OK", stream(), length(9), length(9)],
    ["HEAD", "304 Not Modified", array("abc"), [], []],
    ["HEAD", "204 No Content", array("abc"), length(3), []],
    ["GET", "204 No Content", array(), [], []],
    ["GET", "204 No Content", array("abc"), length(0), []],
    ["GET", "204 No Content", stream("abc"), [["A", "b"], ...length(3)], [["A", "b"]]],
    ["GET", "304 Not Modified", array(), [], []],
    ["GET", "304 Not Modified", array(), length(9), length(9)],
    ["GET", "304 Not Modified", stream("abc"), length(9), length(9)],
  ])("%s %s sends no byte of the body (%#)", async (method, status, body, headers, expected) => {
    const { sink, ending, errors } = await respond(
      answer(body, () => headers.slice(), status),
      method,
    );
    expect([sink.calls, sink.breaches]).toEqual([[`head ${status}`, "end"], []]);
    expect(sink.received).toMatchObject({
      headers: expected,
      length: 0,
      bodiless: true,
      seen: expected.length === 1 ? (expected[0]?.[0] === "A" ? 0 : 1) : 0,
    });
    expect([ending?.outcome, ending?.bodyBytes, errors]).toEqual(["finished", 0, ""]);
  });

  it("leave a stream at its first byte, and close it", async () => {
    const body = new TestBody(["", "a", "b"]);
    await respond(
      answer(() => body),
      "HEAD",
    );
    expect(body.calls).toEqual(["next", "next", "return", "close"]);
  });

  it("go by the method as it came, whatever a layer made of it", async () => {
    const { sink } = await respond((environ, startResponse) => {
      environ.REQUEST_METHOD = "GET";
      startResponse("200 OK", plain());
      return [bytes("abc")];
    }, "HEAD");
    expect([sink.body, sink.header("Content-Length")]).toEqual(["", ["3"]]);
  });

  it("go by the case of the method", async () => {
    expect((await respond(answer(array("abc")), "head")).sink.body).toBe("abc");
  });
});

describe("a stream", () => {
  it("is pulled until its first byte before the head goes", async () => {
    const source = new TestSource();
    const exchange = new TestExchange(answer(() => source));
    source.push("");
    source.push("");
    await microtasks();
    expect([exchange.sink.calls, source.calls.length]).toEqual([[], 3]);
    source.push("a");
    await microtasks();
    expect(exchange.sink.calls).toEqual(["head 200 OK", "write a"]);
    source.finish();
    await exchange.done();
    expect([exchange.sink.calls.at(-1), exchange.sink.received?.length, source.calls.at(-1)]).toEqual(["end", -1, "close"]);
  });

  it("that is empty has length 0", async () => {
    for (const body of [stream(), stream(""), () => slowly(), () => slowly("", "")]) {
      const { sink } = await respond(answer(body));
      expect([sink.calls, sink.received?.length]).toEqual([["head 200 OK", "end"], 0]);
    }
  });

  it("of the declared length is sent", async () => {
    for (const body of [stream("ab", "c"), () => slowly("ab", "c")]) {
      const { sink } = await respond(answer(body, () => length(3)));
      expect([sink.calls, sink.received?.length]).toEqual([["head 200 OK", "write ab", "write c", "end"], 3]);
    }
  });

  it("that is too long is broken off, the overflowing chunk unsent", async () => {
    const body = new TestBody(["ab", "cd", "e"]);
    const { sink, ending, errors } = await respond(
      answer(
        () => body,
        () => length(3),
      ),
    );
    expect([sink.calls, sink.breaches]).toEqual([["head 200 OK", "write ab", "abort"], []]);
    expect(body.calls).toEqual(["next", "next", "return", "close"]);
    expect(ending).toMatchObject({ outcome: "failed", bodyBytes: 2 });
    expect(errors).toContain("the body is longer than its Content-Length of 3 bytes");
  });

  it("whose first chunk is too long is a 500", async () => {
    const { sink, ending } = await respond(answer(stream("abcd"), () => length(3)));
    expect([sink.received?.code, sink.breaches, ending?.status]).toEqual([500, [], "500 Internal Server Error"]);
  });

  it("that is too short is broken off", async () => {
    for (const body of [stream("ab"), () => slowly("ab")]) {
      const { sink, ending, errors } = await respond(answer(body, () => length(3)));
      expect([sink.calls, sink.breaches, ending?.outcome]).toEqual([["head 200 OK", "write ab", "abort"], [], "failed"]);
      expect(errors).toContain("the body ended after 2 of the 3 bytes of its Content-Length");
    }
  });

  it("that ends before its first byte, and should not, is a 500", async () => {
    for (const body of [stream(), () => slowly("")]) {
      expect((await respond(answer(body, () => length(3)))).sink.received?.code).toBe(500);
    }
  });

  it("is pulled no further than the sink takes", async () => {
    const body = new TestBody(["a", "b", "c"]);
    const exchange = new TestExchange(
      answer(() => body),
      "GET",
      ({ sink }) => {
        sink.blocking = true;
      },
    );
    expect(body.calls).toEqual(["next"]);
    exchange.sink.unblock();
    await microtasks();
    expect([body.calls, exchange.sink.body]).toEqual([["next", "next"], "ab"]);
    exchange.sink.blocking = false;
    exchange.sink.unblock();
    await exchange.done();
    expect(body.calls).toEqual(["next", "next", "next", "next", "close"]);
  });

  it("may be iterated by what gives promises without being called asynchronous", async () => {
    const source = new TestSource();
    source.push("a");
    source.finish();
    const { sink } = await respond(answer(() => ({ [Symbol.iterator]: () => source }) as unknown as ResponseBody));
    expect(sink.calls).toEqual(["head 200 OK", "write a", "end"]);
  });

  it("is asynchronous where it could be both", async () => {
    const body = {
      *[Symbol.iterator]() {
        yield bytes("sync");
      },
      async *[Symbol.asyncIterator]() {
        yield bytes("async");
      },
    };
    expect((await respond(answer(() => body))).sink.body).toBe("async");
  });

  it.each<[string, (left: number) => Uint8Array | undefined]>([
    ["chunks", (left) => (left > 0 ? bytes("a") : undefined)],
    ["empty chunks", (left) => (left > 0 ? bytes("") : undefined)],
  ])("of a million %s does not overflow the stack, synchronous or not", async (_, give) => {
    const chunk = give(1) ?? bytes("");
    const steps = (): { next(): IteratorResult<Uint8Array> } => {
      let left = 1_000_000;
      return { next: () => (left-- > 0 ? { done: false, value: chunk } : { done: true, value: undefined }) };
    };
    let written = 0;
    const count = (exchange: TestExchange): void => {
      exchange.sink.write = () => {
        written++;
      };
      exchange.sink.end = () => {};
    };
    const sync = await respond(
      answer(() => ({ [Symbol.iterator]: steps })),
      "GET",
      count,
    );
    const ready = steps();
    // Asynchronous by its name, but with every chunk at hand.
    const atHand = await respond(
      answer(() => ({ [Symbol.asyncIterator]: () => ready }) as unknown as ResponseBody),
      "GET",
      count,
    );
    const async = await respond(
      answer(() => {
        const inner = steps();
        return { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(inner.next()) }) };
      }),
      "GET",
      count,
    );
    expect([sync.ending?.outcome, atHand.ending?.outcome, async.ending?.outcome]).toEqual(["finished", "finished", "finished"]);
    expect(written).toBe(chunk.length * 3_000_000);
  });

  it("does not overflow the stack where next() gives thenables that call back at once", async () => {
    const then = ["th", "en"].join("");
    let left = 20_000;
    const next = (): unknown => {
      const step = left-- > 0 ? { done: false, value: bytes("a") } : { done: true, value: undefined };
      return Object.defineProperty({}, then, { value: (resolve: (value: unknown) => void) => resolve(step) });
    };
    const { ending } = await respond(answer(() => ({ [Symbol.asyncIterator]: () => ({ next }) }) as unknown as ResponseBody));
    expect(ending).toMatchObject({ outcome: "finished", bodyBytes: 20_000 });
  });
});
