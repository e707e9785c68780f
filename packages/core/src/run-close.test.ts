import { describe, expect, it } from "vitest";
import type { Application, ResponseBody } from "./contract.ts";
import { bytes, deferred, microtasks, plain, respond, TestBody, TestExchange, TestSource } from "./test-sink.ts";

/** An application with this body. */
const answer =
  (body: ResponseBody): Application =>
  (_, startResponse) => {
    startResponse("200 OK", plain());
    return body;
  };

/** A body whose close is told, with whatever else it does. */
function closing(close: (calls: string[]) => void | Promise<void>): TestBody {
  const body = new TestBody(["a"]);
  body.close = () => {
    body.calls.push("close");
    return close(body.calls);
  };
  return body;
}

describe("close()", () => {
  it("is called when the sink has the end, before the listeners are told", async () => {
    const order: string[] = [];
    const body = closing((calls) => void order.push(...calls));
    await respond(
      (environ, startResponse) => {
        environ["gateway.exchange"].onEnd(() => order.push("told"));
        return answer(body)(environ, startResponse);
      },
      "GET",
      ({ sink }) => {
        sink.inside = (call) => order.push(call);
      },
    );
    expect(order).toEqual(["head", "write", "end", "next", "next", "close", "told"]);
  });

  it("waits for the end that is pending", async () => {
    const body = new TestBody(["a"]);
    const exchange = new TestExchange(answer(body), "GET", ({ sink }) => {
      sink.endPending = true;
    });
    await microtasks();
    expect([body.calls, exchange.endings]).toEqual([["next", "next"], []]);
    exchange.sink.unblock();
    await exchange.done();
    expect([body.calls.at(-1), exchange.ending?.outcome]).toEqual(["close", "finished"]);
  });

  it("is awaited before the listeners are told", async () => {
    const closed = deferred();
    const exchange = new TestExchange(answer(closing(() => closed.promise)));
    await microtasks();
    expect([exchange.sink.calls.at(-1), exchange.endings]).toEqual(["end", []]);
    closed.resolve();
    await exchange.done();
    expect(exchange.endings).toHaveLength(1);
  });

  it("that never settles holds up nothing but the listeners", async () => {
    const exchange = new TestExchange(answer(closing(() => deferred().promise)));
    exchange.leave();
    await microtasks();
    expect([exchange.sink.calls, exchange.endings, exchange.sink.breaches]).toEqual([["head 200 OK", "write a", "end"], [], []]);
  });

  it.each<[string, () => void | Promise<void>]>([
    [
      "throws",
      () => {
        throw new Error("not closed");
      },
    ],
    ["rejects", () => Promise.reject(new Error("not closed"))],
  ])("that %s is reported, and changes nothing about how it ended", async (_, close) => {
    const { errors, ending, sink } = await respond(answer(closing(close)));
    expect([ending?.outcome, ending?.reason, sink.calls.at(-1)]).toEqual(["finished", undefined, "end"]);
    expect(errors).toMatch(/^GET \/: Error: not closed\n/);
  });

  it("that is no function is reported", async () => {
    const { errors, ending } = await respond(answer(Object.assign([bytes("a")], { close: "me" }) as unknown as ResponseBody));
    expect([ending?.outcome, errors]).toEqual(["finished", expect.stringContaining("close is not a function")]);
  });

  it("may settle in the way of a thenable that calls back twice", async () => {
    const then = ["th", "en"].join("");
    const close = (): Promise<void> =>
      Object.defineProperty({}, then, {
        value: (resolve: () => void, reject: (error: unknown) => void) => {
          resolve();
          resolve();
          reject(new Error("x"));
        },
      }) as Promise<void>;
    const { endings, errors } = await respond(answer(closing(close)));
    expect([endings.length, errors]).toEqual([1, ""]);
  });

  it.each<[string, () => ResponseBody & { closed: number }]>([
    ["an object that is not iterable", () => ({ closed: 0, close: count }) as never],
    ["an iterable that throws", () => ({ closed: 0, close: count, [Symbol.iterator]: fail }) as never],
    ["an array with a bad chunk", () => Object.assign([5], { closed: 0, close: count }) as never],
    ["a stream with a bad chunk", () => ({ closed: 0, close: count, [Symbol.iterator]: () => [5].values() }) as never],
    ["a body that breaks the protocol", () => ({ closed: 0, close: count, [Symbol.iterator]: () => ({ next: () => 5 }) }) as never],
    ["a body that gives nothing to iterate", () => ({ closed: 0, close: count, [Symbol.iterator]: () => 5 }) as never],
  ])("is called on %s", async (_, make) => {
    for (const async of [false, true]) {
      const body = make();
      const { sink, endings } = await respond(async ? (...both) => Promise.resolve(answer(body)(...both)) : answer(body));
      expect([body.closed, sink.received?.code, endings.length]).toEqual([
        1,
        body instanceof Object && endings[0]?.outcome === "finished" ? 200 : 500,
        1,
      ]);
    }
  });

  it("is not there when the application throws, and the listeners are told all the same", async () => {
    const { endings } = await respond(() => {
      throw new Error("x");
    });
    expect(endings).toHaveLength(1);
  });
});

function count(this: { closed: number }): void {
  this.closed++;
}

function fail(): never {
  throw new Error("no iterator");
}

describe("return()", () => {
  it("is called before close() where a body is left early", async () => {
    const body = new TestBody(["a", "b"]);
    await respond((_, startResponse) => {
      startResponse("200 OK", [["Content-Length", "1"]]);
      return body;
    });
    expect(body.calls).toEqual(["next", "next", "return", "close"]);
  });

  it("is not called on what has ended or failed by itself", async () => {
    const ended = new TestBody(["a"]);
    await respond(answer(ended));
    expect(ended.calls).toEqual(["next", "next", "close"]);
    const source = new TestSource();
    source.fail(new Error("x"));
    await respond(answer(source));
    expect(source.calls).toEqual(["next", "close"]);
  });

  it("may be missing", async () => {
    let closed = 0;
    const next = (): IteratorResult<Uint8Array> => ({ done: false, value: bytes("ab") });
    const { sink } = await respond((_, startResponse) => {
      startResponse("200 OK", [["Content-Length", "3"]]);
      return { [Symbol.iterator]: () => ({ next }), close: () => void closed++ };
    });
    expect([sink.calls.at(-1), closed]).toEqual(["abort", 1]);
  });

  it("runs the finally of a generator that was begun", async () => {
    const order: string[] = [];
    function* body(): Generator<Uint8Array> {
      try {
        yield bytes("a");
        yield bytes("b");
      } finally {
        order.push("finally");
      }
    }
    await respond(answer(Object.assign(body(), { close: () => void order.push("close") })), "HEAD");
    expect(order).toEqual(["finally", "close"]);
  });

  it("that never settles is not waited for, and one that fails is reported", async () => {
    for (const [returned, errors] of [
      [() => deferred<IteratorResult<Uint8Array>>().promise, ""],
      [() => Promise.reject(new Error("not left")), "GET /: Error: not left"],
      [fail, "GET /: Error: no iterator"],
    ] as const) {
      const source = new TestSource();
      source.return = returned;
      const exchange = new TestExchange(answer(source));
      exchange.leave();
      await exchange.done();
      await microtasks();
      expect([source.calls.at(-1), exchange.ending?.outcome, exchange.errors.slice(0, errors.length || 1)]).toEqual([
        "close",
        "gone",
        errors,
      ]);
    }
  });
});

describe("gone()", () => {
  it("during the promise of the application closes the body that comes, without pulling it", async () => {
    const body = new TestBody(["a"]);
    const answered = deferred<ResponseBody>();
    const exchange = new TestExchange(async (_, startResponse) => {
      await answered.promise;
      // Late, but it must be accepted: or the body would never be handed over.
      startResponse("200 OK", plain());
      return body;
    });
    exchange.leave();
    await microtasks();
    expect(exchange.endings).toEqual([]);
    answered.resolve([]);
    await exchange.done();
    expect([body.calls, exchange.sink.calls, exchange.sink.breaches, exchange.errors]).toEqual([["close"], [], [], ""]);
    expect(exchange.ending).toMatchObject({ outcome: "gone", reason: exchange.reason, status: "", bodyBytes: 0 });
  });

  it("during the promise of an application that then fails ends it", async () => {
    const answered = deferred<ResponseBody>();
    const exchange = new TestExchange(() => answered.promise);
    exchange.leave();
    answered.reject(new Error("bug"));
    await exchange.done();
    expect([exchange.sink.calls, exchange.ending?.outcome, exchange.errors]).toEqual([
      [],
      "gone",
      expect.stringMatching(/^GET \/: Error: bug/),
    ]);
  });

  it("during a pending next() returns and closes at once, and ignores what comes", async () => {
    for (const settle of [(source: TestSource) => source.push("late"), (source: TestSource) => source.finish()]) {
      const source = new TestSource();
      const exchange = new TestExchange(answer(source));
      exchange.leave();
      expect([source.calls, exchange.endings.length]).toEqual([["next", "return", "close"], 1]);
      settle(source);
      await microtasks();
      expect([source.calls.length, exchange.sink.calls, exchange.errors]).toEqual([3, [], ""]);
    }
  });

  it.each<[string, () => IteratorResult<Uint8Array>]>([
    ["gives a chunk", () => ({ done: false, value: bytes("b") })],
    ["ends", () => ({ done: true, value: undefined })],
    [
      "throws",
      () => {
        throw new Error("inside");
      },
    ],
  ])("inside a next() that then %s closes behind it", async (what, then) => {
    const body = new TestBody(["a"]);
    const exchange = new TestExchange(answer(body), "GET", ({ sink }) => {
      sink.blocking = true;
    });
    body.next = () => {
      body.calls.push("next");
      exchange.leave();
      expect(body.calls.at(-1)).toBe("next");
      return then();
    };
    exchange.sink.unblock();
    await exchange.done();
    expect([exchange.sink.calls, exchange.sink.breaches, exchange.endings.length]).toEqual([["head 200 OK", "write a"], [], 1]);
    expect(body.calls.slice(2)).toEqual(what === "throws" ? ["close"] : ["return", "close"]);
    expect(exchange.errors.includes("inside")).toBe(what === "throws");
  });

  it("inside a next() that gives a promise, and inside the making of the iterator", async () => {
    for (const where of ["next", "iterator"]) {
      const source = new TestSource();
      const exchange = new TestExchange(async (_, startResponse) => {
        await Promise.resolve();
        startResponse("200 OK", plain());
        return source;
      });
      if (where === "next") {
        source.next = () => {
          source.calls.push("next");
          exchange.leave();
          return deferred<IteratorResult<Uint8Array>>().promise;
        };
      } else {
        source[Symbol.asyncIterator] = () => {
          exchange.leave();
          return source;
        };
      }
      await exchange.done();
      expect(source.calls).toEqual(where === "next" ? ["next", "return", "close"] : ["return", "close"]);
      expect([exchange.sink.calls, exchange.endings.length]).toEqual([[], 1]);
    }
  });

  it("while the sink is blocked returns and closes at once", async () => {
    const body = new TestBody(["abc", "d"]);
    const exchange = new TestExchange(answer(body), "GET", ({ sink }) => {
      sink.blocking = true;
    });
    exchange.leave(2);
    expect(body.calls).toEqual(["next", "return", "close"]);
    await exchange.done();
    await microtasks();
    expect([exchange.sink.calls, exchange.ending?.bodyBytes]).toEqual([["head 200 OK", "write abc"], 1]);
  });

  it("while the sink is blocked by an array closes it", async () => {
    let closed = 0;
    const exchange = new TestExchange(
      answer(Object.assign([bytes("a"), bytes("b")], { close: () => void closed++ })),
      "GET",
      ({ sink }) => {
        sink.blocking = true;
      },
    );
    exchange.leave();
    await microtasks();
    expect([closed, exchange.sink.calls]).toEqual([1, ["head 200 OK", "write a"]]);
  });

  it("while the end is pending counts what was not handed over", async () => {
    const body = new TestBody(["abc"]);
    const exchange = new TestExchange(answer(body), "GET", ({ sink }) => {
      sink.endPending = true;
    });
    exchange.leave(3);
    await exchange.done();
    await microtasks();
    expect([body.calls.at(-1), exchange.endings]).toMatchObject([
      "close",
      [{ outcome: "gone", reason: exchange.reason, status: "200 OK", bodyBytes: 0 }],
    ]);
  });

  it.each(["head", "write", "end"] as const)("inside %s of the sink ends everything there", async (where) => {
    for (const kind of ["array", "stream", "empty array", "empty stream", "error", "write()"]) {
      const body = new TestBody(kind === "empty stream" ? [] : ["a", "b"]);
      const exchange = new TestExchange(async (_, startResponse) => {
        await Promise.resolve();
        const write = startResponse("200 OK", plain());
        if (kind === "error") throw new Error("bug");
        if (kind === "write()") await write(bytes("x"));
        if (kind === "array") return Object.assign([bytes("a"), bytes("b")], { close: () => body.close() });
        if (kind === "empty array") return Object.assign([], { close: () => body.close() });
        return body;
      });
      exchange.sink.inside = (call) => {
        if (call === where) exchange.leave();
      };
      await exchange.done();
      const reached = exchange.sink.calls.some((call) => call.startsWith(where));
      expect([exchange.sink.breaches, exchange.endings.length, exchange.ending?.outcome]).toEqual([
        [],
        1,
        reached ? "gone" : "finished",
      ]);
      expect(reached).toBe(where !== "write" || !kind.startsWith("empty"));
      const closed = body.calls.filter((call) => call === "close").length;
      expect(closed).toBe(kind === "error" || (kind === "write()" && where === "head") ? 0 : 1);
      expect(exchange.errors.includes("bug")).toBe(kind === "error");
      if (kind !== "error") expect(exchange.errors).toBe("");
    }
  });

  it("counts once, and never after the end", async () => {
    const source = new TestSource();
    const exchange = new TestExchange(answer(source));
    exchange.leave();
    exchange.running?.gone(new Error("again"), 5);
    exchange.running?.cancel(new Error("again"));
    expect([source.calls, exchange.endings.length]).toEqual([["next", "return", "close"], 1]);
    expect(exchange.ending).toMatchObject({ reason: exchange.reason, bodyBytes: 0 });
    const finished = new TestExchange(async (_, startResponse) => {
      startResponse("200 OK", plain());
      return [];
    });
    await finished.done();
    finished.leave();
    expect([finished.ending?.outcome, finished.endings.length, finished.environ["gateway.exchange"].signal.aborted]).toEqual([
      "finished",
      1,
      false,
    ]);
  });

  it("called by a sink from inside abort changes nothing: the application failed first", async () => {
    const source = new TestSource();
    const exchange = new TestExchange(answer(source));
    exchange.sink.inside = (call) => {
      if (call === "abort") exchange.leave();
    };
    source.push("a");
    source.fail(new Error("bug"));
    await exchange.done();
    expect([exchange.ending?.outcome, exchange.endings.length, source.calls.at(-1)]).toEqual(["failed", 1, "close"]);
  });

  it("does not begin a generator that was never begun", async () => {
    let begun = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      begun = true;
      yield bytes("a");
    }
    let closed = 0;
    const exchange = new TestExchange(
      async (_, startResponse) => {
        await startResponse("200 OK", plain())(bytes("x"));
        return Object.assign(body(), { close: () => void closed++ });
      },
      "GET",
      ({ sink }) => {
        sink.blocking = true;
      },
    );
    exchange.leave();
    await exchange.done();
    expect([begun, closed]).toEqual([false, 1]);
  });
});
