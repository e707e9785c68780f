import { describe, expect, it } from "vitest";
import type { Application, HeaderList, Write } from "./contract.ts";
import { bytes, deferred, microtasks, plain, respond, TestBody, TestExchange } from "./test-sink.ts";

describe("write()", () => {
  it("sends the head and the bytes at once, in a synchronous application too", async () => {
    const { sink, ending } = await respond((_, startResponse) => {
      const write = startResponse("200 OK", plain());
      expect(write(bytes("a"))).toBeUndefined();
      expect(write(bytes(""))).toBeUndefined();
      void write(bytes("b"));
      return [bytes("c"), bytes("d")];
    });
    expect([sink.calls, sink.breaches]).toEqual([["head 200 OK", "write a", "write b", "write c", "write d", "end"], []]);
    expect([sink.received?.length, ending?.bodyBytes]).toEqual([-1, 4]);
  });

  it("does not send the head for an empty chunk", async () => {
    const { sink } = await respond((_, startResponse) => {
      const write = startResponse("200 OK", plain());
      void write(bytes(""));
      startResponse("201 Created", plain(), new Error("x"));
      return [bytes("c")];
    });
    expect([sink.calls, sink.received?.length]).toEqual([["head 201 Created", "write c", "end"], 1]);
  });

  it("ends the time in which excInfo can replace the head", async () => {
    const error = new Error("late");
    const { sink } = await respond((_, startResponse) => {
      const write = startResponse("200 OK", plain());
      void write(bytes("a"));
      startResponse("500 Internal Server Error", plain(), error);
      return [];
    });
    expect([sink.calls, sink.reason]).toEqual([["head 200 OK", "write a", "abort"], error]);
  });

  it("is the same function for each startResponse, and writes for the head in force", async () => {
    let same = false;
    const { sink } = await respond((_, startResponse) => {
      const first = startResponse("200 OK", plain());
      same = startResponse("202 Accepted", plain(), new Error("x")) === first;
      void first(bytes("a"));
      return [];
    });
    expect([same, sink.calls]).toEqual([true, ["head 202 Accepted", "write a", "end"]]);
  });

  it("gives what the sink gives to wait for, and the body is not pulled before that", async () => {
    const body = new TestBody(["b"]);
    const exchange = new TestExchange(
      (_, startResponse) => {
        expect(startResponse("200 OK", plain())(bytes("a"))).toBeInstanceOf(Promise);
        return body;
      },
      "GET",
      ({ sink }) => {
        sink.blocking = true;
      },
    );
    await microtasks();
    expect([exchange.sink.calls, body.calls]).toEqual([["head 200 OK", "write a"], []]);
    exchange.sink.blocking = false;
    exchange.sink.unblock();
    await exchange.done();
    expect([exchange.sink.body, body.calls]).toEqual(["ab", ["next", "next", "close"]]);
  });

  it("waits in an asynchronous application", async () => {
    const seen: string[] = [];
    const exchange = new TestExchange(
      async (_, startResponse) => {
        const write = startResponse("200 OK", plain());
        await write(bytes("a"));
        seen.push("a taken");
        await write(bytes("b"));
        return [];
      },
      "GET",
      ({ sink }) => {
        sink.blocking = true;
      },
    );
    await microtasks();
    expect(seen).toEqual([]);
    exchange.sink.blocking = false;
    exchange.sink.unblock();
    await exchange.done();
    expect([seen, exchange.sink.calls]).toEqual([["a taken"], ["head 200 OK", "write a", "write b", "end"]]);
  });

  it.each<[unknown, string]>([
    ["text", 'not the string "text": encode it'],
    [undefined, "not undefined"],
    [[1], "not an object of class Array"],
  ])("refuses %j", async (chunk, message) => {
    const { sink, errors } = await respond((_, startResponse) => {
      void startResponse("200 OK", plain())(chunk as Uint8Array);
      return [];
    });
    expect([sink.received?.code, errors]).toEqual([500, expect.stringContaining(message)]);
  });

  it("sends no byte in answer to HEAD, nor of a 204", async () => {
    for (const [method, status] of [
      ["HEAD", "200 OK"],
      ["GET", "204 No Content"],
    ] as const) {
      const { sink, errors } = await respond((_, startResponse) => {
        const write = startResponse(status, []);
        void write(bytes("a"));
        void write(bytes("b"));
        return [bytes("c")];
      }, method);
      expect([sink.calls, sink.breaches, errors]).toEqual([[`head ${status}`, "end"], [], ""]);
    }
  });

  it("counts with the body against the Content-Length", async () => {
    const app =
      (written: string, returned: string): Application =>
      (_, startResponse) => {
        void startResponse("200 OK", [["Content-Length", "3"]])(bytes(written));
        return [bytes(returned)];
      };
    expect((await respond(app("ab", "c"))).sink.calls.at(-1)).toBe("end");
    expect((await respond(app("ab", ""))).sink.calls).toEqual(["head 200 OK", "write ab", "abort"]);
    expect((await respond(app("ab", "cd"))).sink.calls).toEqual(["head 200 OK", "write ab", "abort"]);
  });
});

describe("write() that goes over the length", () => {
  const header = (): HeaderList => [["Content-Length", "1"]];

  it.each<[string, (write: Write) => unknown]>([
    ["throws on", () => {}],
    ["returns an array", () => []],
    ["returns another array", () => [bytes("z")]],
    ["returns a stream", () => new Set([bytes("z")])],
    ["writes again", (write) => void write(bytes("z"))],
    [
      "throws something else",
      () => {
        throw new Error("other");
      },
    ],
  ])("throws, and the response is over for an application that then %s", async (what, then) => {
    for (const [first, calls] of [
      ["", ["head 500 Internal Server Error", "write 500 Internal Server Error\n", "end"]],
      ["a", ["head 200 OK", "write a", "abort"]],
    ] as const) {
      for (const endPending of [false, true]) {
        const thrown: unknown[] = [];
        const body = new TestBody([]);
        const exchange = new TestExchange(
          async (_, startResponse) => {
            const write = startResponse("200 OK", header());
            await write(bytes(first));
            try {
              await write(bytes("bc"));
            } catch (error) {
              thrown.push(error);
              if (what === "throws on") throw error;
            }
            then(write);
            return body;
          },
          "GET",
          ({ sink }) => {
            sink.endPending = endPending;
          },
        );
        await microtasks();
        exchange.sink.unblock();
        await exchange.done();
        expect([exchange.sink.calls, exchange.sink.breaches]).toEqual([calls, []]);
        expect(exchange.ending).toMatchObject({ outcome: "failed", reason: thrown[0] });
        expect(exchange.errors.match(/longer than its Content-Length/g)).toHaveLength(1);
      }
    }
  });

  it("closes the body that comes all the same, without pulling it", async () => {
    for (const endPending of [false, true]) {
      const body = new TestBody(["x"]);
      const exchange = new TestExchange(
        (_, startResponse) => {
          try {
            void startResponse("200 OK", header())(bytes("bc"));
          } catch {
            return body;
          }
          return [];
        },
        "GET",
        ({ sink }) => {
          sink.endPending = endPending;
        },
      );
      exchange.sink.unblock();
      await exchange.done();
      expect([body.calls, exchange.sink.breaches]).toEqual([["close"], []]);
    }
  });
});

describe("write() at the wrong time", () => {
  it("throws inside the returned iterable", async () => {
    for (const kind of ["sync", "async"]) {
      let write: Write = () => {};
      function* sync(): Generator<Uint8Array> {
        yield bytes("a");
        void write(bytes("b"));
      }
      async function* async(): AsyncGenerator<Uint8Array> {
        yield* sync();
      }
      const { sink, errors } = await respond((_, startResponse) => {
        write = startResponse("200 OK", plain());
        return kind === "sync" ? sync() : async();
      });
      expect([sink.calls, errors]).toEqual([
        ["head 200 OK", "write a", "abort"],
        expect.stringContaining("write() was called after the body had been returned: yield the bytes from it"),
      ]);
    }
  });

  it("throws when the response is over", async () => {
    let write: Write = () => {};
    await respond((_, startResponse) => {
      write = startResponse("200 OK", plain());
      return [];
    });
    expect(() => write(bytes("a"))).toThrow("write() was called after the response had ended");
  });

  it("throws why the client is gone, and the response is not reported", async () => {
    const begun = deferred();
    const exchange = new TestExchange(async (_, startResponse) => {
      const write = startResponse("200 OK", plain());
      await write(bytes("a"));
      await begun.promise;
      await write(bytes("b"));
      return [];
    });
    await microtasks();
    exchange.leave();
    begun.resolve();
    await exchange.done();
    expect([exchange.sink.calls, exchange.sink.breaches, exchange.errors]).toEqual([["head 200 OK", "write a"], [], ""]);
    expect(exchange.ending).toMatchObject({ outcome: "gone", reason: exchange.reason });
  });

  it("throws where the client leaves while the head goes out", async () => {
    let thrown: unknown;
    const exchange = new TestExchange(async (_, startResponse) => {
      await Promise.resolve();
      try {
        await startResponse("200 OK", plain())(bytes("a"));
      } catch (error) {
        thrown = error;
      }
      return [];
    });
    exchange.sink.inside = (call) => {
      if (call === "head") exchange.leave();
    };
    await exchange.done();
    expect([exchange.sink.calls, exchange.sink.breaches, exchange.errors]).toEqual([["head 200 OK"], [], ""]);
    expect(thrown).toBe(exchange.reason);
  });

  it("cannot write from a listener of the signal", async () => {
    const begun = deferred();
    const thrown: unknown[] = [];
    const exchange = new TestExchange(async (environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      environ["gateway.exchange"].signal.addEventListener("abort", () => {
        try {
          void write(bytes("late"));
        } catch (error) {
          thrown.push(error);
        }
      });
      await begun.promise;
      return [];
    });
    exchange.leave();
    begun.resolve();
    await exchange.done();
    expect([exchange.sink.calls, exchange.sink.breaches, thrown]).toEqual([[], [], [exchange.reason]]);
  });
});
