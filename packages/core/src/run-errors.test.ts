import { describe, expect, it } from "vitest";
import type { Application, HeaderList, StartResponse } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { bytes, microtasks, plain, respond, TestExchange, TestSource } from "./test-sink.ts";

describe("run and an error before the head", () => {
  it.each<[string, Application]>([
    [
      "is thrown",
      () => {
        throw new Error("secret");
      },
    ],
    ["is a rejection", () => Promise.reject(new Error("secret"))],
    [
      "is thrown after startResponse",
      (_, startResponse) => {
        startResponse("200 OK", [["X-App", "1"]]);
        throw new Error("secret");
      },
    ],
    [
      "is thrown by the iterator",
      (_, startResponse) => {
        startResponse("200 OK", [["X-App", "1"]]);
        return {
          [Symbol.iterator]: () => ({
            next() {
              throw new Error("secret");
            },
          }),
        };
      },
    ],
    [
      "is thrown while the iterator is made",
      (_, startResponse) => {
        startResponse("200 OK", [["X-App", "1"]]);
        return {
          [Symbol.asyncIterator]() {
            throw new Error("secret");
          },
        };
      },
    ],
    [
      "rejects next()",
      async function* (_, startResponse) {
        startResponse("200 OK", [["X-App", "1"]]);
        yield bytes("");
        throw new Error("secret");
      },
    ],
  ])("answers a 500 that tells nothing when it %s", async (_, app) => {
    const { sink, errors, ending } = await respond(app);
    expect(sink.calls).toEqual(["head 500 Internal Server Error", "write 500 Internal Server Error\n", "end"]);
    expect(sink.received?.headers).toEqual([["Content-Type", "text/plain; charset=utf-8"]]);
    expect([sink.received?.length, sink.breaches]).toEqual([26, []]);
    expect(errors).toMatch(/^GET \/: Error: secret\n {8}at /);
    expect(errors.match(/secret/g)).toHaveLength(1);
    expect(ending).toMatchObject({ outcome: "failed", reason: { message: "secret" } });
  });

  it("answers HEAD with the length of the page and no page", async () => {
    const { sink } = await respond(() => Promise.reject(new Error("x")), "HEAD");
    expect([sink.calls, sink.header("Content-Length"), sink.breaches]).toEqual([
      ["head 500 Internal Server Error", "end"],
      ["26"],
      [],
    ]);
  });

  it.each([undefined, null, 0, "text"])("takes a thrown %j for an error", async (value) => {
    for (const app of [
      () => Promise.reject(value),
      () => {
        throw value;
      },
    ]) {
      const { sink, errors, ending } = await respond(app);
      expect([sink.received?.code, errors, ending?.outcome]).toEqual([500, `GET /: thrown: ${value}\n`, "failed"]);
    }
  });

  it("answers what an HTTPError says, and reports nothing", async () => {
    const error = new HTTPError(405, "Only GET, naïvely.", { headers: [["Allow", "GET"]] });
    const { sink, errors, ending } = await respond(() => Promise.reject(error));
    expect(sink.calls[0]).toBe("head 405 Method Not Allowed");
    expect(Buffer.from(sink.body, "latin1").toString()).toBe("Only GET, naïvely.\n");
    expect(sink.received?.headers).toEqual([
      ["Allow", "GET"],
      ["Content-Type", "text/plain; charset=utf-8"],
    ]);
    expect([errors, ending?.outcome, ending?.reason, ending?.status]).toEqual([
      "",
      "finished",
      undefined,
      "405 Method Not Allowed",
    ]);
  });

  it("keeps the type that an HTTPError has, and counts its bytes itself", async () => {
    const headers: HeaderList = [
      ["content-type", "application/json"],
      ["Content-length", "999"],
    ];
    const { sink } = await respond(() => Promise.reject(new HTTPError(400, "{}", { headers })));
    expect([sink.received?.headers, sink.received?.length]).toEqual([[["content-type", "application/json"]], 3]);
    expect(headers).toHaveLength(2);
  });

  it("answers the same HTTPError twice", async () => {
    const error = new HTTPError(404, "no", { headers: [["A", "b"]] });
    const app: Application = () => {
      throw error;
    };
    await respond(app);
    expect((await respond(app)).sink.received?.code).toBe(404);
  });

  it("reports what caused an HTTPError, and only that", async () => {
    const { sink, errors } = await respond(() => Promise.reject(new HTTPError(502, "public", { cause: new Error("private") })));
    expect(sink.body).toBe("public\n");
    expect(errors).toMatch(/^GET \/: Error: private\n/);
    expect(errors).not.toContain("public");
  });

  it.each<[string, object]>([
    ["headers", { headers: [["A", "b\r\nc"]] }],
    ["a hop-by-hop header", { headers: [["Connection", "close"]] }],
    ["headers that are no list", { headers: { A: "b" } }],
    ["pairs that are none", { headers: ["A"] }],
    ["a status", { status: "4" }],
    ["an informational status", { status: "103 Early Hints" }],
  ])("answers a plain 500 to an HTTPError with %s that may not be sent, and reports why", async (_, changes) => {
    const error = Object.assign(new HTTPError(404, "public"), changes);
    const { sink, errors, ending } = await respond(() => Promise.reject(error));
    expect([sink.received?.code, sink.body, sink.breaches]).toEqual([500, "500 Internal Server Error\n", []]);
    expect(errors).toContain("TypeError");
    expect(errors).toContain("HTTPError: public");
    expect(ending?.outcome).toBe("failed");
  });
});

describe("run and an error after the head", () => {
  const broken = (error: unknown): Application =>
    function* (_, startResponse) {
      startResponse("200 OK", plain());
      yield bytes("a");
      throw error;
    };

  it("breaks the response off and reports", async () => {
    const error = new Error("late");
    const { sink, errors, ending } = await respond(broken(error));
    expect([sink.calls, sink.breaches, sink.reason]).toEqual([["head 200 OK", "write a", "abort"], [], error]);
    expect(errors).toMatch(/^GET \/: Error: late\n/);
    expect(ending).toMatchObject({ outcome: "failed", reason: error, status: "200 OK", bodyBytes: 1 });
  });

  it("reports an HTTPError too, for nobody is told what it says", async () => {
    const { sink, errors } = await respond(broken(new HTTPError(404, "not here")));
    expect([sink.calls.at(-1), errors]).toEqual(["abort", expect.stringContaining("HTTPError: not here")]);
  });
});

describe("run and wsgi.errors", () => {
  it("never shows that the client left, in whatever way it comes back", async () => {
    const source = new TestSource();
    const exchange = new TestExchange((environ, startResponse) => {
      startResponse("200 OK", plain());
      const { signal } = environ["gateway.exchange"];
      return {
        [Symbol.asyncIterator]: () => source,
        close: () => Promise.reject(new Error("The operation was aborted", { cause: signal.reason })),
      };
    });
    exchange.leave();
    source.fail(exchange.reason);
    await microtasks();
    expect([exchange.errors, exchange.ending?.outcome]).toEqual(["", "gone"]);
  });

  it("shows other errors that come when the client has left, but no HTTPError that nobody waits for", async () => {
    for (const [error, shown] of [
      [new Error("bug"), true],
      [new HTTPError(404), false],
      [new HTTPError(502, "x", { cause: new Error("bug") }), true],
    ] as const) {
      const source = new TestSource();
      const exchange = new TestExchange((_, startResponse) => {
        startResponse("200 OK", plain());
        return source;
      });
      exchange.leave();
      source.fail(error);
      await microtasks();
      expect(exchange.errors.includes("bug")).toBe(shown);
      if (!shown) expect(exchange.errors).toBe("");
    }
  });

  it("shows that a time limit made the application answer 500", async () => {
    const exchange = new TestExchange(async (environ) => {
      await Promise.resolve();
      throw environ["gateway.exchange"].signal.reason;
    });
    exchange.running?.cancel(new Error("the request took too long"));
    await exchange.done();
    expect([exchange.sink.received?.code, exchange.errors]).toEqual([500, expect.stringContaining("took too long")]);
  });

  it("may throw: the console gets the report", async () => {
    const shown: unknown[] = [];
    const { error } = console;
    console.error = (text: unknown) => shown.push(text);
    try {
      const { sink, ending } = await respond(
        () => Promise.reject(new Error("boom")),
        "GET",
        ({ environ }) => {
          environ["wsgi.errors"].write = () => {
            throw new Error("disk full");
          };
        },
      );
      expect([sink.received?.code, ending?.outcome]).toEqual([500, "failed"]);
    } finally {
      console.error = error;
    }
    expect(shown).toEqual([expect.stringMatching(/^GET \/: Error: boom\n/)]);
  });
});

describe("an unusual answer", () => {
  it.each<[unknown, string]>([
    [undefined, "the application returned undefined"],
    [null, "the application returned null"],
    [5, "the application returned a number"],
    ["text", "the body is a string: return [Buffer.from(text)]"],
    [new Uint8Array(3), "the body is a bare Uint8Array"],
    [Buffer.from("abc"), "the body is a bare Uint8Array"],
    [{}, "the application returned a plain object"],
    [() => [], "the application returned a function"],
    [{ [Symbol.iterator]: 5 }, "the application returned a plain object"],
    [{ [Symbol.iterator]: () => undefined }, "the application returned a plain object"],
    [{ [Symbol.asyncIterator]: () => 5 }, "the application returned a plain object"],
    [["text"], 'a chunk of the body is a Uint8Array, not the string "text": encode it, as Buffer.from(text) does'],
    [[[bytes("a")]], "a chunk of the body is a Uint8Array, not an object of class Array"],
    [[Promise.resolve(bytes("a"))], "a chunk of the body is a Uint8Array, not an object of class Promise"],
    [[new Uint16Array(1)], "a chunk of the body is a Uint8Array, not an object of class Uint16Array"],
    [[new ArrayBuffer(1)], "a chunk of the body is a Uint8Array, not an object of class ArrayBuffer"],
    [Array.from({ length: 1 }), "a chunk of the body is a Uint8Array, not undefined"],
    [new Set(["text"]), "a chunk of the body is a Uint8Array, not the string"],
    [{ [Symbol.iterator]: () => ({}) }, "next is not a function"],
    [{ [Symbol.iterator]: () => ({ next: () => undefined }) }, "undefined"],
    [{ [Symbol.asyncIterator]: () => ({ next: async () => null }) }, "null"],
    [{ [Symbol.asyncIterator]: () => ({ next: () => null }) }, "null"],
  ])("is a 500 with the fix in the report (%#)", async (body, message) => {
    const app = (async: boolean): Application =>
      ((_: unknown, startResponse: StartResponse) => {
        startResponse("200 OK", plain());
        return async ? Promise.resolve(body) : body;
      }) as Application;
    for (const async of [false, true]) {
      const { sink, errors, ending } = await respond(app(async));
      expect([sink.received?.code, sink.breaches, ending?.outcome]).toEqual([500, [], "failed"]);
      expect(errors).toContain(message);
    }
  });

  it("may be a thenable that is no promise, even one that calls back at once, twice, or throws", async () => {
    // oxlint knows why one does not write such an object; applications may.
    const then = ["th", "en"].join("");
    const thenables: [(resolve: (body: unknown) => void, reject: (error: unknown) => void) => void, number, string][] = [
      [(resolve) => resolve([bytes("a")]), 200, "a"],
      [
        (resolve, reject) => {
          resolve([bytes("a")]);
          resolve([bytes("b")]);
          reject(new Error("c"));
        },
        200,
        "a",
      ],
      [(_, reject) => reject(new Error("x")), 500, "500 Internal Server Error\n"],
      [
        () => {
          throw new Error("x");
        },
        500,
        "500 Internal Server Error\n",
      ],
    ];
    for (const [make, code, body] of thenables) {
      const { sink } = await respond(((_: unknown, startResponse: StartResponse) => {
        startResponse("200 OK", plain());
        return Object.defineProperty({}, then, { value: make });
      }) as unknown as Application);
      expect([sink.received?.code, sink.body, sink.breaches]).toEqual([code, body, []]);
    }
  });
});
