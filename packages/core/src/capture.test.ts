import { describe, expect, it } from "vitest";
import { capture, send, type CapturedResponse } from "./capture.ts";
import type { Application, Environ, ResponseBody, StartResponse } from "./contract.ts";
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

function environ(): Environ & { text: string } {
  const made = Object.assign(setupTestingDefaults({}), { text: "" });
  made["wsgi.errors"] = {
    write: (text) => {
      made.text += text;
    },
    writelines() {},
    flush() {},
  };
  return made;
}

/** What a synchronous application was captured as. */
function captured(app: Application, given: Environ = environ()): CapturedResponse {
  const response = capture(app, given);
  if (response instanceof Promise) throw new Error("a promise");
  return response;
}

async function text(body: ResponseBody): Promise<string> {
  let all = "";
  for await (const chunk of body) all += Buffer.from(chunk).toString();
  return all;
}

const starting =
  (body: (startResponse: StartResponse) => ResponseBody): Application =>
  (_, startResponse) => {
    startResponse("200 OK", plain());
    return body(startResponse);
  };

describe("capture", () => {
  it("gives status, the application's own list and its own array, synchronously", () => {
    const headers = plain();
    const body = [bytes("a")];
    const response = captured((_, startResponse) => {
      startResponse("404 Not Found", headers);
      return body;
    });
    expect(response.headers).toBe(headers);
    expect(response.body).toBe(body);
    expect(response.status).toBe("404 Not Found");
  });

  it("pulls nothing of a body whose head is known when it is returned", () => {
    const body = new TestBody(["a"]);
    const response = captured(starting(() => body));
    expect(response.body).toBe(body);
    expect(body.calls).toEqual([]);
  });

  it("gives a promise for an asynchronous application", async () => {
    const body = [bytes("a")];
    const response = capture(async (...both) => starting(() => body)(...both), environ());
    expect(response).toBeInstanceOf(Promise);
    expect((await response).body).toBe(body);
  });

  it("pulls a late body until the head is known and no further, and gives what was pulled again", async () => {
    const calls: number[] = [];
    function* late(_: Environ, startResponse: StartResponse): Generator<Uint8Array> {
      yield bytes("");
      startResponse("200 OK", plain());
      calls.push(1);
      yield bytes("a");
      calls.push(2);
      yield bytes("b");
    }
    const response = captured(late);
    expect([calls, Symbol.iterator in response.body, Symbol.asyncIterator in response.body]).toEqual([[1], true, false]);
    expect(await text(response.body)).toBe("ab");
    const { sink } = await respond(looking(late));
    expect([sink.calls, sink.header("X-Looked")]).toEqual([["head 200 OK", "write a", "write b", "end"], ["200 OK"]]);
  });

  it("does so with an asynchronous body, and hands the empty chunk behind the head on", async () => {
    const seen: string[] = [];
    const response = await capture(async function* (_, startResponse) {
      yield bytes("");
      await Promise.resolve();
      startResponse("200 OK", plain());
      yield bytes("");
      yield bytes("b");
    }, environ());
    expect([Symbol.iterator in response.body, Symbol.asyncIterator in response.body]).toEqual([false, true]);
    for await (const chunk of response.body) seen.push(Buffer.from(chunk).toString());
    expect(seen).toEqual(["", "b"]);
  });

  it("takes a head that comes with the end of the body", async () => {
    const { sink } = await respond(
      looking(function* (_, startResponse) {
        yield bytes("");
        startResponse("204 No Content", []);
      }),
    );
    expect([sink.received?.code, sink.header("X-Looked")]).toEqual([204, ["204 No Content"]]);
  });

  it("lets excInfo replace the head until it is handed over, and throws it back then", async () => {
    const error = new Error("late");
    const replaced = captured((_, startResponse) => {
      startResponse("200 OK", plain());
      startResponse("500 Internal Server Error", plain(), error);
      return [];
    });
    expect(replaced.status).toBe("500 Internal Server Error");
    expect(() =>
      captured((_, startResponse) => {
        startResponse("200 OK", plain());
        startResponse("201 Created", plain());
        return [];
      }),
    ).toThrow("startResponse was called again without excInfo");
    for (const excInfo of [error, undefined]) {
      let thrown: unknown;
      const { body } = captured(function* (_, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("");
        try {
          startResponse("500 Internal Server Error", plain(), excInfo);
        } catch (caught) {
          thrown = caught;
          throw caught;
        }
      });
      const broken = await text(body).catch((caught: unknown) => caught);
      expect(broken).toBe(thrown);
      if (excInfo === undefined) expect(String(thrown)).toContain("after the head had been handed over");
      else expect(thrown).toBe(error);
    }
  });

  it("throws what the application throws before its head is known, its body closed", async () => {
    const error = new Error("early");
    expect(() =>
      capture(() => {
        throw error;
      }, environ()),
    ).toThrow(error);
    await expect(capture(() => Promise.reject(error), environ())).rejects.toBe(error);
    const sync = new TestBody([]);
    sync.next = () => {
      throw error;
    };
    expect(() => capture(() => sync, environ())).toThrow(error);
    const async = new TestSource();
    async.fail(error);
    await expect(capture(() => async, environ())).rejects.toBe(error);
    expect([sync.calls, async.calls]).toEqual([["close"], ["next", "close"]]);
  });

  it("throws for a body that ends, or gives a chunk, without startResponse: left, closed, and what fails there reported", async () => {
    for (const [chunks, message, calls] of [
      [[""], "the body ended, and startResponse was never called", ["next", "next", "close"]],
      [["", "a"], "the body gave a chunk before startResponse was called", ["next", "next", "return", "close"]],
    ] as const) {
      const sync = new TestBody(chunks);
      const given = environ();
      sync.close = () => {
        sync.calls.push("close");
        throw new Error("not closed");
      };
      expect(() => capture(() => sync, given)).toThrow(message);
      expect([sync.calls, given.text]).toEqual([calls, expect.stringMatching(/^GET \/: Error: not closed/)]);
      const async = new TestSource();
      for (const chunk of chunks) async.push(chunk);
      async.finish();
      await expect(capture(() => async, environ())).rejects.toThrow(message);
      expect(async.calls).toEqual(calls);
    }
  });

  it("runs the finally of a generator that it gives up", () => {
    let released = false;
    expect(() =>
      capture(function* () {
        try {
          yield bytes("a");
        } finally {
          released = true;
        }
      }, environ()),
    ).toThrow("before startResponse");
    expect(released).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ["a string", "text", "the body is a string"],
    ["undefined", undefined, "the application returned undefined"],
    ["bare bytes", bytes("ab"), "the body is a bare Uint8Array"],
  ])("lets %s fail where it is sent", async (_, body, message) => {
    for (const app of [starting(() => body as ResponseBody), () => body as ResponseBody]) {
      const { sink, errors } = await respond(looking(app));
      expect([sink.received?.code, errors]).toEqual([500, expect.stringContaining(message)]);
    }
  });
});

describe("the body of a captured response", () => {
  function* late(_: Environ, startResponse: StartResponse, order: string[]): Generator<Uint8Array> {
    try {
      startResponse("200 OK", [["Content-Length", "1"]]);
      yield bytes("a");
      yield bytes("b");
    } finally {
      order.push("finally");
    }
  }
  const app =
    (order: string[]): Application =>
    (given, startResponse) =>
      Object.assign(late(given, startResponse, order), { close: () => void order.push("close") });

  it("that was begun is left and closed, also where it is never iterated", () => {
    const order: string[] = [];
    const { body } = captured(app(order));
    expect(order).toEqual([]);
    void body.close?.();
    expect(order).toEqual(["finally", "close"]);
  });

  it("that is left early is left and closed once", async () => {
    const order: string[] = [];
    await respond(looking(app(order)));
    expect(order).toEqual(["finally", "close"]);
  });

  it("that is left before its first chunk gives none afterwards", () => {
    const order: string[] = [];
    const { body } = captured(app(order));
    const iterator = (body as Iterable<Uint8Array>)[Symbol.iterator]();
    iterator.return?.();
    expect(iterator.next().done).toBe(true);
    void body.close?.();
    expect(order).toEqual(["finally", "close"]);
  });

  it("that was begun and never iterated reports what return() throws, and is closed all the same", async () => {
    const given = environ();
    const source = new TestSource();
    source.return = () => Promise.reject(new Error("not left"));
    source.push("");
    source.push("a");
    let start: StartResponse = () => () => {};
    const next = source.next.bind(source);
    source.next = () => {
      if (source.calls.length > 0) start("200 OK", plain());
      return next();
    };
    const { body } = await capture((_, startResponse) => {
      start = startResponse;
      return source;
    }, given);
    void body.close?.();
    await microtasks();
    expect([source.calls, given.text]).toEqual([["next", "next", "close"], expect.stringMatching(/^GET \/: Error: not left/)]);
  });

  it("is closed when the client left while the application was busy", async () => {
    const answered = deferred();
    const order: string[] = [];
    const exchange = new TestExchange(
      looking(async (...both) => {
        await answered.promise;
        return app(order)(...both);
      }),
    );
    exchange.leave();
    answered.resolve();
    await exchange.done();
    expect([order, exchange.sink.calls, exchange.ending?.outcome]).toEqual([["finally", "close"], [], "gone"]);
  });

  it("is closed when the client left while the head was waited for", async () => {
    const source = new TestSource();
    let start: StartResponse = () => () => {};
    const exchange = new TestExchange(
      looking((_, startResponse) => {
        start = startResponse;
        return source;
      }),
    );
    exchange.leave();
    start("200 OK", plain());
    source.push("a");
    await exchange.done();
    expect([source.calls, exchange.sink.calls, exchange.errors]).toEqual([["next", "return", "close"], [], ""]);
  });
});

describe("send", () => {
  it("closes the body where startResponse throws, and throws that", async () => {
    for (const close of [() => {}, () => Promise.reject(new Error("not closed")), () => fail()]) {
      const body = new TestBody(["a"]);
      body.close = () => {
        body.calls.push("close");
        return close();
      };
      const { sink, errors } = await respond((given, startResponse) => {
        const response = captured(
          starting(() => body),
          given,
        );
        response.headers.push(["Bad", "a\nb"]);
        return send(response, startResponse);
      });
      expect([sink.received?.code, body.calls]).toEqual([500, ["close"]]);
      expect(errors).toMatch(/^GET \/: TypeError: header Bad has a control character/);
    }
  });
});

function fail(error: unknown = new Error("failed")): never {
  throw error;
}
