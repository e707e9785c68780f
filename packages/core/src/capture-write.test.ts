import { describe, expect, it } from "vitest";
import { capture, send, type CapturedResponse } from "./capture.ts";
import type { Application, Environ, ResponseBody, StartResponse, Write } from "./contract.ts";
import { bytes, deferred, microtasks, plain, respond, TestBody, TestExchange, TestSource } from "./test-sink.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";
import { whenReady } from "./thenable.ts";

/** A layer that looks at the whole response, adds to it and sends it on. */
const looking =
  (app: Application): Application =>
  (environ, startResponse) =>
    whenReady(capture(app, environ), (response) => {
      response.headers.push(["X-Looked", response.status]);
      return send(response, startResponse);
    });

/** What a synchronous application was captured as. */
function captured(app: Application): CapturedResponse {
  const response = capture(app, setupTestingDefaults({}));
  if (response instanceof Promise) throw new Error("a promise");
  return response;
}

describe("write() in a captured application", () => {
  it("comes before what a synchronous one returns: an array stays an array, a stream a stream", async () => {
    const calls: string[] = [];
    const constant: ResponseBody = Object.assign([bytes("c")], { close: () => void calls.push("close") });
    const writing =
      (body: ResponseBody): Application =>
      (_, startResponse) => {
        const write = startResponse("200 OK", plain());
        expect(write(bytes("a"))).toBeUndefined();
        void write(bytes(""));
        void write(bytes("b"));
        return body;
      };
    const response = captured(writing(constant));
    expect([Array.isArray(response.body), (constant as unknown[]).length]).toEqual([true, 1]);
    const { sink } = await respond(looking(writing(constant)));
    expect([sink.received?.length, sink.body, calls]).toEqual([3, "abc", ["close"]]);
    const stream = new TestBody(["c", "d"]);
    expect((await respond(looking(writing(stream)))).sink.body).toBe("abcd");
    expect(stream.calls).toEqual(["next", "next", "next", "close"]);
    const source = new TestSource();
    source.push("c");
    source.finish();
    expect((await respond(looking(writing(source)))).sink.body).toBe("abc");
    expect(source.calls.at(-1)).toBe("close");
  });

  it("throws for what is no body, closed all the same", async () => {
    let closed = 0;
    const { sink, errors } = await respond(
      looking((_, startResponse) => {
        void startResponse("200 OK", plain())(bytes("a"));
        return { close: () => void closed++ } as unknown as ResponseBody;
      }),
    );
    expect([sink.received?.code, closed, errors]).toEqual([
      500,
      1,
      expect.stringContaining("the application returned a plain object"),
    ]);
  });

  it("hands the head over", async () => {
    for (const isAsync of [false, true]) {
      const error = new Error("too late");
      const sync: Application = (_, startResponse) => {
        void startResponse("200 OK", plain())(bytes("a"));
        startResponse("500 Internal Server Error", plain(), error);
        return [];
      };
      const { sink, ending } = await respond(looking(isAsync ? async (...both) => sync(...both) : sync));
      expect(ending).toMatchObject({ outcome: "failed", reason: error });
      expect(sink.calls[0]).toBe(isAsync ? "head 200 OK" : "head 500 Internal Server Error");
    }
  });

  it("does not hand it over for an empty chunk", () => {
    const response = captured((_, startResponse) => {
      void startResponse("200 OK", plain())(bytes(""));
      startResponse("201 Created", plain(), new Error("x"));
      return [];
    });
    expect(response.status).toBe("201 Created");
  });

  it("refuses what is no chunk, and throws inside the returned iterable", async () => {
    expect(() =>
      captured((_, startResponse) => {
        void startResponse("200 OK", plain())("text" as never);
        return [];
      }),
    ).toThrow("a chunk of the body is a Uint8Array");
    for (const isAsync of [false, true]) {
      let write: Write = () => {};
      function* body(): Generator<Uint8Array> {
        yield bytes("a");
        void write(bytes("b"));
      }
      const sync: Application = (_, startResponse) => {
        write = startResponse("200 OK", plain());
        if (isAsync) void write(bytes("w"));
        return body();
      };
      const { errors } = await respond(looking(isAsync ? async (...both) => sync(...both) : sync));
      expect(errors).toContain("write() was called after the body had been returned: yield the bytes from it");
    }
  });

  it("of an asynchronous one is sent as it is written, each held back until the server has taken it", async () => {
    const seen: string[] = [];
    const exchange = new TestExchange(
      looking(async (_, startResponse) => {
        const write = startResponse("200 OK", plain());
        await Promise.resolve();
        await write(bytes("a"));
        seen.push("a");
        await write(bytes("b"));
        seen.push("b");
        return [bytes("c")];
      }),
      "GET",
      ({ sink }) => {
        sink.blocking = true;
      },
    );
    const { sink } = exchange;
    await microtasks();
    expect([sink.body, seen, sink.header("X-Looked")]).toEqual(["a", [], ["200 OK"]]);
    sink.unblock();
    await microtasks();
    expect([sink.body, seen]).toEqual(["ab", ["a"]]);
    sink.blocking = false;
    sink.unblock();
    await exchange.done();
    expect([sink.body, seen, sink.calls.at(-1), sink.breaches]).toEqual(["abc", ["a", "b"], "end", []]);
  });

  it("in the synchronous part of an asynchronous one is captured at once", async () => {
    const app: Application = async (_, startResponse) => {
      const write = startResponse("200 OK", plain());
      void write(bytes("a"));
      await Promise.resolve();
      await write(bytes("b"));
      return new TestBody(["c"]);
    };
    expect(captured(app).status).toBe("200 OK");
    expect((await respond(looking(app))).sink.body).toBe("abc");
  });

  it("that is not awaited keeps its order", async () => {
    const { sink } = await respond(
      looking(async (_, startResponse) => {
        const write = startResponse("200 OK", plain());
        await Promise.resolve();
        for (const chunk of "abcd") void write(bytes(chunk));
        return [bytes("e")];
      }),
    );
    expect(sink.body).toBe("abcde");
  });

  it.each<[string, (error: Error) => unknown]>([
    ["throws", (error) => Promise.reject(error)],
    ["returns nothing", () => undefined],
    ["returns a string", () => "text"],
    ["returns a body that throws", (error) => ({ [Symbol.iterator]: () => ({ next: () => fail(error) }) })],
  ])("of one that then %s breaks off behind what was written", async (_, then) => {
    const error = new Error("after writing");
    const { sink, ending, errors } = await respond(
      looking((async (_: Environ, startResponse: StartResponse) => {
        const write = startResponse("200 OK", plain());
        await Promise.resolve();
        await write(bytes("a"));
        return then(error);
      }) as Application),
    );
    expect([sink.calls, ending?.outcome]).toEqual([["head 200 OK", "write a", "abort"], "failed"]);
    expect(errors).not.toBe("");
  });

  it("forwards return() and close() of the body that is returned", async () => {
    const body = new TestBody(["b", "c"]);
    const { sink } = await respond(
      looking(async (_, startResponse) => {
        const write = startResponse("200 OK", [["Content-Length", "2"]]);
        await Promise.resolve();
        await write(bytes("a"));
        return body;
      }),
    );
    expect([sink.calls, body.calls]).toEqual([
      ["head 200 OK", "write a", "write b", "abort"],
      ["next", "next", "return", "close"],
    ]);
  });

  it("throws why the client is gone, which nobody reports, and the body that still comes is closed", async () => {
    for (const swallows of [false, true]) {
      for (const fails of [false, true]) {
        const body = new TestBody(["b"]);
        if (fails) body.close = () => fail();
        const thrown: unknown[] = [];
        const exchange = new TestExchange(
          looking(async (_, startResponse) => {
            const write = startResponse("200 OK", plain());
            await Promise.resolve();
            await write(bytes("a"));
            for (let twice = 0; twice < 2; twice++) {
              try {
                await write(bytes("late"));
              } catch (error) {
                thrown.push(error);
                if (!swallows) throw error;
              }
            }
            return body;
          }),
          "GET",
          ({ sink }) => {
            sink.blocking = true;
          },
        );
        await microtasks();
        exchange.leave();
        await exchange.done();
        await microtasks();
        expect(thrown).toEqual(swallows ? [exchange.reason, exchange.reason] : [exchange.reason]);
        expect([exchange.sink.calls, exchange.sink.breaches]).toEqual([["head 200 OK", "write a"], []]);
        expect(body.calls).toEqual(swallows && !fails ? ["close"] : []);
        expect(exchange.errors.slice(0, 19)).toBe(swallows && fails ? "GET /: Error: faile" : "");
      }
    }
  });

  it("reports an error of the application that comes when nobody can be told any more", async () => {
    const begun = deferred();
    const exchange = new TestExchange(
      looking(async (_, startResponse) => {
        const write = startResponse("200 OK", plain());
        await Promise.resolve();
        await write(bytes("a"));
        await begun.promise;
        throw new Error("a bug");
      }),
    );
    await microtasks();
    exchange.leave();
    begun.resolve();
    await microtasks();
    expect([exchange.ending?.outcome, exchange.errors]).toEqual(["gone", expect.stringContaining("a bug")]);
  });

  it("throws an error of its own where the response ended for another reason", async () => {
    const begun = deferred();
    let thrown: unknown;
    const exchange = new TestExchange(
      looking(async (_, startResponse) => {
        const write = startResponse("200 OK", [["Content-Length", "1"]]);
        await Promise.resolve();
        await write(bytes("a"));
        void write(bytes("too much"));
        await begun.promise;
        try {
          await write(bytes("late"));
        } catch (error) {
          thrown = error;
          throw error;
        }
        return [];
      }),
    );
    await exchange.done();
    begun.resolve();
    await microtasks();
    expect([exchange.sink.calls, String(thrown)]).toEqual([
      ["head 200 OK", "write a", "abort"],
      "Error: write() was called after the response had ended",
    ]);
    expect(exchange.errors.match(/^GET \/: Error/gm)).toHaveLength(1);
  });
});

function fail(error: unknown = new Error("failed")): never {
  throw error;
}
