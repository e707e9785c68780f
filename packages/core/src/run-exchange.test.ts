import { describe, expect, it } from "vitest";
import type { Application, HeaderList } from "./contract.ts";
import { detachedExchange } from "./detached-exchange.ts";
import { type Ending, type Exchange, ExchangeAborted } from "./exchange.ts";
import { run } from "./run.ts";
import { bytes, deferred, microtasks, plain, respond, TestExchange, TestSink, TestSource } from "./test-sink.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";

const hello: Application = (_, startResponse) => {
  startResponse("200 OK", plain());
  return [bytes("hello")];
};

/** An application that gives its exchange away before it answers. */
const telling =
  (tell: (exchange: Exchange) => void, app: Application = hello): Application =>
  (environ, startResponse) => {
    tell(environ["gateway.exchange"]);
    return app(environ, startResponse);
  };

describe("gateway.exchange", () => {
  it("is a plain slot of environ, which a copy keeps", async () => {
    const { environ } = await respond(hello);
    const descriptor = Object.getOwnPropertyDescriptor(environ, "gateway.exchange");
    expect(descriptor).toMatchObject({ writable: true, enumerable: true, configurable: true });
    expect({ ...environ }["gateway.exchange"]).toBe(environ["gateway.exchange"]);
  });

  it("is one for each request", async () => {
    expect((await respond(hello)).environ["gateway.exchange"]).not.toBe((await respond(hello)).environ["gateway.exchange"]);
  });
});

describe("onEnd", () => {
  it("tells each listener once, in order, though one throws", async () => {
    const told: string[] = [];
    const { errors } = await respond(
      telling((exchange) => {
        exchange.onEnd(() => told.push("first"));
        exchange.onEnd(() => {
          throw new Error("in a listener");
        });
        exchange.onEnd(() => told.push("last"));
      }),
    );
    expect([told, errors]).toEqual([["first", "last"], expect.stringMatching(/^GET \/: Error: in a listener\n/)]);
  });

  it("tells a listener that comes late at once, also one that is registered by another", async () => {
    const told: string[] = [];
    const { environ } = await respond(
      telling((exchange) =>
        exchange.onEnd((ending) => {
          exchange.onEnd((again) => told.push(`inner ${again.outcome}`));
          told.push(`outer ${ending.outcome}`);
        }),
      ),
    );
    environ["gateway.exchange"].onEnd(() => told.push("late"));
    expect(told).toEqual(["inner finished", "outer finished", "late"]);
  });

  it("reports what a late listener throws", async () => {
    const exchange = await respond(hello);
    exchange.environ["gateway.exchange"].onEnd(() => {
      throw new Error("late");
    });
    expect(exchange.errors).toMatch(/^GET \/: Error: late\n/);
  });

  it("takes nothing but a function", async () => {
    const { sink, errors } = await respond(telling((exchange) => exchange.onEnd(5 as never)));
    expect([sink.received?.code, errors]).toEqual([500, expect.stringContaining("onEnd takes a function")]);
  });

  it("says how it ended, and when", async () => {
    const before = performance.now();
    const { ending } = await respond(hello);
    const after = performance.now();
    expect(ending).toMatchObject({ outcome: "finished", reason: undefined, status: "200 OK", bodyBytes: 5 });
    const times = [before, ending?.startedAt, ending?.headAt, ending?.endedAt, after].map(Number);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("does not know times at which nobody listened", async () => {
    const late: Ending[] = [];
    const environ = setupTestingDefaults({});
    expect(run(hello, environ, new TestSink())).toBeUndefined();
    environ["gateway.exchange"].onEnd((ending) => late.push(ending));
    expect(late).toEqual([
      {
        outcome: "finished",
        reason: undefined,
        status: "200 OK",
        bodyBytes: 5,
        startedAt: undefined,
        headAt: undefined,
        endedAt: undefined,
      },
    ]);
    const source = new TestSource();
    const other = setupTestingDefaults({});
    const app: Application = (_, startResponse) => {
      startResponse("200 OK", plain());
      return source;
    };
    const running = run(app, other, new TestSink());
    source.push("a");
    await microtasks();
    other["gateway.exchange"].onEnd((ending) => late.push(ending));
    source.finish();
    await running?.done;
    expect(late[1]).toMatchObject({ headAt: undefined, startedAt: expect.any(Number), endedAt: expect.any(Number) });
  });

  it("counts no byte of the body of an error that a HEAD asked for", async () => {
    const { ending } = await respond(() => Promise.reject(new Error("x")), "HEAD");
    expect(ending).toMatchObject({ outcome: "failed", bodyBytes: 0, status: "500 Internal Server Error" });
  });
});

describe("signal", () => {
  it("is made when it is first read, and is the same then", async () => {
    const made: unknown[] = [];
    const real = globalThis.AbortController;
    globalThis.AbortController = class extends real {
      constructor() {
        super();
        made.push(this);
      }
    };
    try {
      await respond(hello);
      expect(made).toHaveLength(0);
      await respond(telling((exchange) => expect(exchange.signal).toBe(exchange.signal)));
      expect(made).toHaveLength(1);
    } finally {
      globalThis.AbortController = real;
    }
  });

  it("is aborted with the reason when the client is gone, before the body is closed", async () => {
    const source = new TestSource();
    const exchange = new TestExchange(
      telling(
        ({ signal }) => signal.addEventListener("abort", () => source.calls.push("aborted")),
        (_, startResponse) => {
          startResponse("200 OK", plain());
          return source;
        },
      ),
    );
    const { signal } = exchange.environ["gateway.exchange"];
    expect(signal.aborted).toBe(false);
    exchange.leave();
    expect([signal.aborted, signal.reason, source.calls]).toEqual([true, exchange.reason, ["next", "aborted", "return", "close"]]);
  });

  it("is aborted already when it is read later", async () => {
    const exchange = new TestExchange(() => deferred<[]>().promise);
    exchange.leave();
    const { signal } = exchange.environ["gateway.exchange"];
    expect([signal.aborted, signal.reason]).toEqual([true, exchange.reason]);
  });

  it("is aborted by cancel() and the response goes on", async () => {
    const source = new TestSource();
    const exchange = new TestExchange((_, startResponse) => {
      startResponse("200 OK", plain());
      return source;
    });
    const limit = new ExchangeAborted("TIME_LIMIT");
    exchange.running?.cancel(limit);
    exchange.running?.cancel(new ExchangeAborted("SERVER_STOPPING"));
    expect(exchange.environ["gateway.exchange"].signal.reason).toBe(limit);
    source.push("a");
    source.finish();
    await exchange.done();
    expect([exchange.sink.calls, exchange.ending?.outcome]).toEqual([["head 200 OK", "write a", "end"], "finished"]);
  });

  it("keeps the first reason when the client leaves after a cancel()", async () => {
    const source = new TestSource();
    const exchange = new TestExchange((_, startResponse) => {
      startResponse("200 OK", plain());
      return source;
    });
    const limit = new ExchangeAborted("TIME_LIMIT");
    exchange.running?.cancel(limit);
    exchange.leave();
    source.fail(limit);
    await microtasks();
    expect(exchange.environ["gateway.exchange"].signal.reason).toBe(limit);
    expect([exchange.ending?.outcome, exchange.ending?.reason, exchange.errors]).toEqual(["gone", exchange.reason, ""]);
  });

  it("is not aborted when the response was simply sent, nor when it failed", async () => {
    const apps: Application[] = [hello, () => Promise.reject(new Error("x"))];
    for (const app of apps) {
      const exchange = new TestExchange(async (...both) => app(...both));
      await exchange.done();
      exchange.running?.cancel(exchange.reason);
      expect(exchange.environ["gateway.exchange"].signal.aborted).toBe(false);
    }
  });
});

describe("earlyHints", () => {
  const links: HeaderList = [["Link", "</a.css>; rel=preload"]];

  it("gives checked headers to the sink, while the head has not gone", async () => {
    const { sink } = await respond((environ, startResponse) => {
      const exchange = environ["gateway.exchange"];
      exchange.earlyHints(links);
      exchange.earlyHints(links);
      const write = startResponse("200 OK", plain());
      exchange.earlyHints(links);
      void write(bytes("a"));
      exchange.earlyHints(links);
      return [];
    });
    expect([sink.hints, sink.breaches]).toEqual([[links, links, links], []]);
  });

  it("does nothing where the sink cannot, after an error page, or when the client is gone", async () => {
    const environ = setupTestingDefaults({});
    const sink: Partial<TestSink> = new TestSink();
    sink.earlyHints = undefined as never;
    run(
      telling((exchange) => exchange.earlyHints(links)),
      environ,
      sink as TestSink,
    );
    expect(sink.calls?.at(-1)).toBe("end");
    const failed = await respond(() => Promise.reject(new Error("x")));
    failed.environ["gateway.exchange"].earlyHints(links);
    const left = new TestExchange(() => deferred<[]>().promise);
    left.leave();
    left.environ["gateway.exchange"].earlyHints(links);
    expect([failed.sink.hints, left.sink.hints, left.sink.breaches]).toEqual([[], [], []]);
  });

  it.each<[unknown, string]>([
    [[["Link", "a\nb"]], "control character"],
    [[["Li nk", "a"]], "is not a header name"],
    [[["Connection", "close"]], "hop-by-hop"],
    [[["Link"]], "is a [name, value] pair"],
    [{ Link: "a" }, "early hints are an array of [name, value] pairs, not a plain object"],
  ])("throws for headers that may not be sent: %j", async (headers, message) => {
    const { environ, sink, errors } = await respond(telling((exchange) => exchange.earlyHints(headers as HeaderList)));
    expect([sink.hints, sink.received?.code, errors]).toEqual([[], 500, expect.stringContaining(message)]);
    expect(() => environ["gateway.exchange"].earlyHints(headers as HeaderList)).toThrow(TypeError);
  });
});

describe("detachedExchange", () => {
  it("is never aborted, never over, and takes what any exchange takes", () => {
    const told: unknown[] = [];
    detachedExchange.onEnd((ending) => told.push(ending));
    detachedExchange.earlyHints([]);
    expect([told, detachedExchange.signal.aborted]).toEqual([[], false]);
    expect(detachedExchange.signal).toBe(detachedExchange.signal);
  });
});

describe("Running", () => {
  it("is undefined when all is over, and its done resolves later too", async () => {
    expect(new TestExchange(hello).running).toBeUndefined();
    const exchange = new TestExchange(async (...both) => hello(...both));
    const { running } = exchange;
    expect(running).toBeDefined();
    expect(running?.done).toBe(running?.done);
    await running?.done;
    const late = new TestExchange(async (...both) => hello(...both));
    await microtasks();
    await expect(late.running?.done).resolves.toBeUndefined();
  });
});
