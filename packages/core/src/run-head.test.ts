import { describe, expect, it } from "vitest";
import type { Application, Header, HeaderList } from "./contract.ts";
import { bytes, plain, respond } from "./test-sink.ts";

const textPlain: Header = ["Content-Type", "text/plain"];

describe("run and the head", () => {
  it("sends what startResponse was given", async () => {
    const { sink, ending, errors } = await respond((_, startResponse) => {
      startResponse("404 Not Found", [textPlain, ["Set-Cookie", "a"], ["Set-Cookie", "b"]]);
      return [bytes("no")];
    });
    expect(sink.calls).toEqual(["head 404 Not Found", "write no", "end"]);
    expect(sink.received).toEqual({
      status: "404 Not Found",
      code: 404,
      headers: [textPlain, ["Set-Cookie", "a"], ["Set-Cookie", "b"]],
      seen: 8,
      length: 2,
      bodiless: false,
    });
    expect([ending?.outcome, ending?.status, errors]).toEqual(["finished", "404 Not Found", ""]);
  });

  it.each<[string, Application]>([
    [
      "a generator",
      function* (_, startResponse) {
        yield bytes("");
        startResponse("201 Created", plain());
        yield bytes("");
        yield bytes("late");
      },
    ],
    [
      "an async generator",
      async function* (_, startResponse) {
        yield bytes("");
        await Promise.resolve();
        startResponse("201 Created", plain());
        yield bytes("");
        yield bytes("late");
      },
    ],
    [
      "an async function",
      async (_, startResponse) => {
        await Promise.resolve();
        startResponse("201 Created", plain());
        return [bytes("late")];
      },
    ],
  ])("accepts a late startResponse in %s", async (_, app) => {
    const { sink } = await respond(app);
    expect([sink.calls, sink.breaches]).toEqual([["head 201 Created", "write late", "end"], []]);
  });

  it("accepts a startResponse behind the last empty chunk of a body that has no others", async () => {
    const { sink } = await respond(function* (_, startResponse) {
      yield bytes("");
      startResponse("200 OK", plain());
    });
    expect([sink.calls, sink.received?.length]).toEqual([["head 200 OK", "end"], 0]);
  });

  it("sends no head for an empty chunk, and lets excInfo replace it until the first byte", async () => {
    const { sink, errors } = await respond(function* (_, startResponse) {
      startResponse("200 OK", plain());
      yield bytes("");
      startResponse("503 Service Unavailable", [...plain(), ["Retry-After", "1"]], new Error("database"));
      yield bytes("");
      startResponse("502 Bad Gateway", plain(), "again");
      yield bytes("sorry");
    });
    expect([sink.calls, sink.header("Retry-After"), errors]).toEqual([["head 502 Bad Gateway", "write sorry", "end"], [], ""]);
  });

  it("throws excInfo back, the very value, when the head has gone", async () => {
    const error = { not: "an Error" };
    let thrown: unknown;
    const { sink, ending } = await respond(function* (_, startResponse) {
      startResponse("200 OK", plain());
      yield bytes("a");
      try {
        startResponse("500 Internal Server Error", plain(), error);
      } catch (caught) {
        thrown = caught;
        throw caught;
      }
    });
    expect(thrown).toBe(error);
    expect(sink.calls).toEqual(["head 200 OK", "write a", "abort"]);
    expect([sink.reason, ending?.outcome, ending?.reason]).toEqual([error, "failed", error]);
  });

  it.each([null, 0, "", false])("takes %j for excInfo, for it is not undefined", async (excInfo) => {
    const { sink } = await respond((_, startResponse) => {
      startResponse("200 OK", plain());
      startResponse("500 Internal Server Error", plain(), excInfo);
      return [];
    });
    expect(sink.received?.code).toBe(500);
  });

  it("refuses a second startResponse without excInfo", async () => {
    const { sink, errors, ending } = await respond((_, startResponse) => {
      startResponse("200 OK", plain());
      startResponse("201 Created", plain(), undefined);
      return [bytes("x")];
    });
    expect(sink.calls).toEqual(["head 500 Internal Server Error", "write 500 Internal Server Error\n", "end"]);
    expect(errors).toMatch(/^GET \/: Error: startResponse was called again without excInfo\n/);
    expect([ending?.outcome, ending?.status]).toEqual(["failed", "500 Internal Server Error"]);
  });

  it("refuses a startResponse without excInfo when the head has gone", async () => {
    const { sink, errors } = await respond(function* (_, startResponse) {
      startResponse("200 OK", plain());
      yield bytes("a");
      startResponse("200 OK", plain());
    });
    expect([sink.calls.at(-1), errors]).toEqual(["abort", expect.stringContaining("after the head had been sent")]);
  });

  it("keeps the first head when the one that should replace it is refused and the application goes on", async () => {
    const { sink } = await respond((_, startResponse) => {
      startResponse("200 OK", plain());
      try {
        startResponse("bad", plain(), new Error("x"));
      } catch {
        return [bytes("a")];
      }
      return [];
    });
    expect(sink.calls).toEqual(["head 200 OK", "write a", "end"]);
  });

  it("answers 500 when a refused head is all there was", async () => {
    const { sink, errors } = await respond((_, startResponse) => {
      try {
        startResponse("200 OK", [["A", "\n"]]);
      } catch {
        return [bytes("a")];
      }
      return [];
    });
    expect([sink.received?.code, errors]).toEqual([500, expect.stringContaining("without having called startResponse")]);
  });

  it.each<[string, Application, string]>([
    ["returns an array", () => [bytes("a")], "returned an array without having called startResponse"],
    ["returns an empty array", () => [], "returned an array without having called startResponse"],
    ["gives a chunk", () => new Set([bytes("a")]), "the body gave a chunk before startResponse was called"],
    ["gives nothing", () => new Set<Uint8Array>(), "the body ended, and startResponse was never called"],
  ])("answers 500 to an application that %s without startResponse", async (_, app, message) => {
    const { sink, errors, ending } = await respond(app);
    expect([sink.received?.code, sink.breaches, ending?.outcome]).toEqual([500, [], "failed"]);
    expect(errors).toContain(message);
  });
});

describe("the header list", () => {
  /** An application that changes its list after startResponse. */
  const changing = (change: (headers: HeaderList) => void, body = "abc"): Application =>
    function* (_, startResponse) {
      const headers = plain();
      startResponse("200 OK", headers);
      yield bytes("");
      change(headers);
      yield bytes(body);
    };
  const changingArray =
    (change: (headers: HeaderList) => void): Application =>
    (_, startResponse) => {
      const headers = plain();
      startResponse("200 OK", headers);
      change(headers);
      return [bytes("abc")];
    };

  it("may be pushed to until the head goes: what was pushed is sent", async () => {
    for (const app of [changing, changingArray]) {
      const { sink } = await respond(app((headers) => headers.push(["X-Late", "1"], ["Date", "now"])));
      expect(sink.header("X-Late")).toEqual(["1"]);
      expect(sink.received?.seen).toBe(8 + 2);
    }
  });

  it.each<[string, (headers: HeaderList) => void, string]>([
    ["a bad value that was pushed", (headers) => headers.push(["X-Late", "a\r\nb"]), "control character: U+000D at 1"],
    ["a bad name that was pushed", (headers) => headers.push(["X Late", "a"]), "is not a header name"],
    ["a hop-by-hop header that was pushed", (headers) => headers.push(["connection", "close"]), "hop-by-hop"],
    ["a bad pair put in the place of another", (headers) => (headers[0] = ["Content-Type", "a\n"]), "control character"],
    ["a value changed in place", (headers) => ((headers[0] as [string, string])[1] = "a\nb"), "control character"],
    ["a name changed in place", (headers) => ((headers[0] as [string, string])[0] = "a:b"), "is not a header name"],
    ["a pair that is none", (headers) => headers.push(["A"] as unknown as Header), "is a [name, value] pair"],
    ["a hole", (headers) => (headers.length = 2), "is a [name, value] pair"],
    ["a second length", (headers) => headers.push(["Content-Length", "3"], ["content-length", "3"]), "given twice"],
  ])("is checked again: %s is a 500", async (_, change, message) => {
    for (const app of [changing, changingArray]) {
      const { sink, errors, ending } = await respond(app(change));
      expect([sink.received?.code, sink.breaches, ending?.outcome]).toEqual([500, [], "failed"]);
      expect(errors).toContain(message);
    }
  });

  it("may be emptied", async () => {
    const { sink } = await respond(changingArray((headers) => (headers.length = 0)));
    expect([sink.received?.code, sink.received?.headers, sink.received?.seen]).toEqual([200, [], 0]);
  });

  it("counts with a Content-Length that was pushed late", async () => {
    const { sink: right } = await respond(changing((headers) => headers.push(["Content-Length", "3"])));
    expect([right.received?.length, right.received?.seen, right.body]).toEqual([3, 8 + 1, "abc"]);
    for (const app of [changing, changingArray]) {
      const { sink, errors } = await respond(app((headers) => headers.push(["Content-Length", "2"])));
      expect([sink.received?.code, sink.breaches]).toEqual([500, []]);
      expect(errors).toContain("Content-Length");
    }
    const { sink: short } = await respond(changing((headers) => headers.push(["Content-Length", "4"])));
    expect([short.calls, short.breaches]).toEqual([["head 200 OK", "write abc", "abort"], []]);
    const { sink: empty } = await respond(changing((headers) => headers.push(["Content-Length", "4"]), ""));
    expect(empty.received?.code).toBe(500);
  });

  it("counts no more with a Content-Length that was taken away", async () => {
    for (const kind of ["stream", "array"]) {
      const { sink } = await respond((_, startResponse) => {
        const headers: HeaderList = [["Content-Length", "1"]];
        startResponse("200 OK", headers);
        headers.pop();
        return kind === "array" ? [bytes("abc")] : new Set([bytes("abc")]);
      });
      expect([sink.calls, sink.received?.length]).toEqual([["head 200 OK", "write abc", "end"], kind === "array" ? 3 : -1]);
    }
  });

  it.each<[string, string, Application]>([
    [
      "a stream",
      "GET",
      function* (_, startResponse) {
        const headers: HeaderList = [["Content-Length", "1"]];
        startResponse("200 OK", headers);
        yield bytes("a");
        headers.push(["X", "a\r\nb"]);
        (headers[0] as [string, string])[1] = "5";
      },
    ],
    [
      "write()",
      "HEAD",
      async (_, startResponse) => {
        const headers: HeaderList = [["Content-Length", "1"]];
        const write = startResponse("200 OK", headers);
        await write(bytes("a"));
        headers.push(["X", "a\r\nb"]);
        (headers[0] as [string, string])[1] = "5";
        return [];
      },
    ],
  ])("is out of reach once the head was sent by %s, though a sink may hold it back until the end", async (_, method, app) => {
    const { sink, ending } = await respond(app, method);
    expect([sink.breaches, sink.received?.headers, ending?.outcome]).toEqual([[], [["Content-Length", "1"]], "finished"]);
  });

  it("given again is a 500 that says why", async () => {
    const headers = plain();
    const app: Application = (_, startResponse) => {
      startResponse("200 OK", headers);
      return [bytes("a")];
    };
    expect((await respond(app)).sink.received?.code).toBe(200);
    const { sink, errors } = await respond(app);
    expect(sink.received?.code).toBe(500);
    expect(errors).toContain(
      "TypeError: this header list was sent with an earlier response and belongs to the server: make a fresh one",
    );
  });

  it("may be given again while it was not sent", async () => {
    const headers = plain();
    const { sink } = await respond((_, startResponse) => {
      startResponse("200 OK", headers);
      startResponse("201 Created", headers, new Error("x"));
      return [];
    });
    expect(sink.received?.code).toBe(201);
  });

  it("that cannot be changed is refused: layers push to it", async () => {
    const headers = Object.freeze(plain()) as HeaderList;
    const { sink, errors } = await respond((_, startResponse) => {
      startResponse("200 OK", headers);
      return [bytes("a")];
    });
    expect([sink.received?.code, sink.breaches]).toEqual([500, []]);
    expect(errors).toContain("frozen");
  });
});
