import * as fc from "fast-check";
import type { Application, Environ } from "@gateway/core";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { cut as splitAt, turns } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { begin, ending, output, pairs, rec, records, request, stream } from "./test-records.ts";

const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

/** Answers with the body of the request. */
const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [body];
};

/** Keeps what it was called with, and answers when it is told to. */
function controlled(): { app: Application; calls: { environ: Environ; answer(text: string): void; closes: number }[] } {
  const calls: { environ: Environ; answer(text: string): void; closes: number }[] = [];
  const app: Application = (environ, startResponse) =>
    new Promise((resolve) => {
      const call = {
        environ,
        closes: 0,
        answer(text: string) {
          startResponse("200 OK", [["Content-Type", "text/plain"]]);
          resolve(Object.assign([Buffer.from(text)], { close: () => void call.closes++ }));
        },
      };
      calls.push(call);
    });
  return { app, calls };
}

const whole = "Content-Type: text/plain\r\nContent-Length: 7\r\nStatus: 200 OK\r\n\r\nhello /";

describe("a FastCGI connection", () => {
  it("answers a request in one record of STDOUT, the end of it and END_REQUEST", () => {
    const front = new TestFront(validator(hello));
    front.send(request(1));
    expect(records(front.sent)).toEqual([
      { type: 6, id: 1, content: whole },
      { type: 6, id: 1, content: "" },
      { type: 3, id: 1, content: "\0".repeat(8) },
    ]);
  });

  it("understands any split of the bytes, any cut of the records, and any padding", () => {
    const variables = { PATH_INFO: "/a", HTTP_X_LONG: "x".repeat(300), [`HTTP_${"N".repeat(200)}`]: "y", HTTP_X_EMPTY: "" };
    let seen: Environ | undefined;
    const app: Application = async (environ, startResponse) => {
      seen = environ;
      return echo(environ, startResponse);
    };
    const body = "0123456789".repeat(30);
    const pick = (environ: Environ | undefined): unknown => Object.entries(environ ?? {}).filter(([key]) => !key.includes("."));
    let expected: unknown;
    return fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 40 }),
        async (cut, padding, long, sizes) => {
          const all = { REQUEST_METHOD: "POST", CONTENT_LENGTH: `${body.length}`, ...variables };
          const bytes = begin(7) + stream(4, 7, pairs(all, long), cut, padding) + stream(5, 7, body, cut, padding);
          const front = new TestFront(app);
          for (const piece of splitAt(bytes, sizes)) front.send(piece);
          await turns();
          expect(output(front.sent, 7)).toContain(`\r\n\r\n${body}`);
          expect(ending(front.sent, 7)).toEqual([0, 0]);
          expected ??= pick(seen);
          expect(pick(seen)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("understands bytes that come one by one", async () => {
    const front = new TestFront(echo);
    for (const byte of request(1, {}, "hello", { cut: 3, padding: 5 })) front.send(byte);
    await turns();
    expect(output(front.sent, 1)).toContain("\r\n\r\nhello");
  });

  it("calls the application at the end of PARAMS, not of STDIN", () => {
    const { app, calls } = controlled();
    const front = new TestFront(app);
    front.send(begin(1) + stream(4, 1, pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/", CONTENT_LENGTH: "5" })));
    expect(calls).toHaveLength(1);
  });

  it("takes STDIN that comes before the end of PARAMS, and no more of it than the length", async () => {
    const front = new TestFront(echo);
    const params = pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/", CONTENT_LENGTH: "7" });
    front.send(begin(1) + rec(4, 1, params.slice(0, 10)) + rec(5, 1, "hel") + rec(5, 1, "lo, world"));
    front.send(rec(4, 1, params.slice(10)) + rec(4, 1) + rec(5, 1, "more") + rec(5, 1));
    await turns();
    expect(output(front.sent, 1)).toContain("\r\n\r\nhello, ");
    expect(front.refused).toEqual([]);
  });

  it.each([
    ["no CONTENT_LENGTH", {}],
    ["an empty one", { CONTENT_LENGTH: "" }],
    ["-1, as Caddy sends it", { CONTENT_LENGTH: "-1" }],
  ])("reads a body with %s to the end of STDIN", async (_name, variables) => {
    const front = new TestFront(validator(echo));
    front.send(begin(1) + stream(4, 1, pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/", ...variables })) + rec(5, 1, "some"));
    front.send(rec(5, 1, " body") + rec(5, 1));
    await turns();
    expect(output(front.sent, 1)).toContain("\r\n\r\nsome body");
  });

  it("fails the reading of a body that is shorter than its length", async () => {
    const front = new TestFront(echo);
    front.send(request(1, { CONTENT_LENGTH: "9" }, "hello"));
    await turns();
    expect(output(front.sent, 1)).toContain("Status: 400 Bad Request");
    expect(ending(front.sent, 1)).toEqual([0, 0]);
  });

  it("fails the reading of a body whose front server closes its side, whatever it said of the length", async () => {
    for (const variables of [{ CONTENT_LENGTH: "9" }, { CONTENT_LENGTH: "" }]) {
      const front = new TestFront(echo);
      front.push(begin(1) + stream(4, 1, pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/", ...variables })) + rec(5, 1, "hello"));
      front.end();
      await turns(6);
      expect(output(front.sent, 1)).toContain("Status: 400 Bad Request");
    }
  });

  it("answers whole requests of a front server that closes its side", async () => {
    const front = new TestFront(echo);
    front.push(request(1, {}, "hello"));
    front.end();
    await turns(6);
    expect(output(front.sent, 1)).toContain("\r\n\r\nhello");
    expect(front.closed).toBe(1);
  });

  it.each([
    [true, false],
    [false, true],
  ])("with FCGI_KEEP_CONN %s the connection is closed: %s", async (keep, isClosed) => {
    const front = new TestFront(hello);
    front.send(request(1, {}, "", { keep }));
    await turns();
    expect(ending(front.sent, 1)).toEqual([0, 0]);
    expect(front.socket.ended).toBe(isClosed);
  });

  it("keeps the connection across errors of the application and refused requests", async () => {
    const app: Application = (environ, startResponse) => {
      if (environ.PATH_INFO === "/throws") throw new Error("on purpose");
      return hello(environ, startResponse);
    };
    const front = new TestFront(app, { headerBytes: 500 });
    front.send(request(1, { PATH_INFO: "/throws" }));
    front.send(request(1, { PATH_INFO: "no path" }));
    front.send(request(1, { HTTP_X: "x".repeat(600) }));
    front.send(request(1, { CONTENT_LENGTH: "9".repeat(30) }));
    front.send(request(1));
    await turns();
    expect(output(front.sent, 1).match(/Status: [0-9]+/g)).toEqual([
      "Status: 500",
      "Status: 400",
      "Status: 431",
      "Status: 413",
      "Status: 200",
    ]);
    expect(front.refused.map(({ code }) => code)).toEqual([400, 431, 413]);
    expect(front.socket.ended).toBe(false);
    expect(front.errors).toContain("on purpose");
  });

  it("serves ids 1, 3, 5 … one after the other, and any other", () => {
    const front = new TestFront(hello);
    for (const id of [1, 3, 5, 7, 65_535, 256]) front.send(request(id, { PATH_INFO: `/${id}` }));
    for (const id of [1, 3, 5, 7, 65_535, 256]) {
      expect(output(front.sent, id)).toContain(`hello /${id}`);
      expect(ending(front.sent, id)).toEqual([0, 0]);
    }
  });

  it("serves several requests at once, their records mixed, in whatever order they are answered", async () => {
    const { app, calls } = controlled();
    const front = new TestFront(app);
    const [a, b, c] = [1, 2, 9].map((id) => request(id, { PATH_INFO: `/${id}` }, `body ${id}`, { cut: 11 }));
    // Record by record, in turn.
    const parts = [a, b, c].map((text = "") => records(text).map(({ type, id, content }) => rec(type, id, content)));
    for (let i = 0; i < 30; i++) for (const part of parts) front.send(part[i] ?? "");
    expect(calls.map(({ environ }) => environ.PATH_INFO)).toEqual(["/1", "/2", "/9"]);
    for (const call of calls.toReversed()) {
      call.answer(`for ${call.environ.PATH_INFO}: ${Buffer.from(await call.environ["wsgi.input"].read()).toString()}`);
      await turns();
    }
    expect(
      records(front.sent)
        .filter(({ type }) => type === 3)
        .map(({ id }) => id),
    ).toEqual([9, 2, 1]);
    for (const id of [1, 2, 9]) expect(output(front.sent, id)).toContain(`for /${id}: body ${id}`);
  });

  it("answers GET_VALUES with what was asked for and is known", () => {
    // As HAProxy sends it.
    const asked = rec(9, 0, pairs({ FCGI_MAX_REQS: "", FCGI_MPXS_CONNS: "" }));
    expect(asked).toBe("\x01\x09\0\0\0\x20\0\0\x0d\0FCGI_MAX_REQS\x0f\0FCGI_MPXS_CONNS");
    const front = new TestFront(hello, { maxConnections: 40 });
    front.send(asked);
    expect(records(front.sent)).toEqual([{ type: 10, id: 0, content: pairs({ FCGI_MAX_REQS: "40", FCGI_MPXS_CONNS: "0" }) }]);
    front.send(rec(9, 0, pairs({ FCGI_MAX_CONNS: "", SOMETHING: "", toString: "" })) + request(1));
    expect(records(front.sent)[1]).toEqual({ type: 10, id: 0, content: pairs({ FCGI_MAX_CONNS: "40" }) });
    expect(ending(front.sent, 1)).toEqual([0, 0]);
    const multiplexing = new TestFront(hello, { multiplex: true, maxRequests: 8, maxConnections: 2 });
    multiplexing.send(asked);
    expect(records(multiplexing.sent)[0]?.content).toBe(pairs({ FCGI_MAX_REQS: "16", FCGI_MPXS_CONNS: "1" }));
  });

  it("answers records of the connection that it does not know, and ignores those of requests", () => {
    const front = new TestFront(hello);
    front.send(
      rec(42, 0, "what?") + rec(42, 5, "what?") + rec(2, 77) + rec(5, 78, "body") + rec(4, 79, "params") + rec(8, 1, "data"),
    );
    expect(records(front.sent)).toEqual([{ type: 11, id: 0, content: "\x2a\0\0\0\0\0\0\0" }]);
    front.send(request(1));
    expect(ending(front.sent, 1)).toEqual([0, 0]);
    expect(front.refused).toEqual([]);
  });

  it.each([2, 3, 0, 257])("answers the role %i with FCGI_UNKNOWN_ROLE, and goes on", async (role) => {
    const front = new TestFront(hello);
    front.send(begin(1, true, role) + stream(4, 1, pairs({ REQUEST_METHOD: "GET" })) + rec(5, 1) + request(1));
    expect(records(front.sent)[0]).toEqual({ type: 3, id: 1, content: "\0\0\0\0\x03\0\0\0" });
    expect(output(front.sent, 1)).toContain("hello /");
    expect(front.refused.map(({ code }) => code)).toEqual([501]);
    const closing = new TestFront(hello);
    closing.send(begin(1, false, role));
    await turns();
    expect(closing.socket.ended).toBe(true);
  });

  it("answers one request too many with FCGI_OVERLOADED, and the others as ever", async () => {
    const { app, calls } = controlled();
    const front = new TestFront(app, { maxRequests: 2 });
    front.send(request(1) + request(2) + request(3));
    expect(calls).toHaveLength(2);
    expect(ending(front.sent, 3)).toEqual([0, 2]);
    expect(front.refused.map(({ code }) => code)).toEqual([503]);
    for (const call of calls) call.answer("ok");
    await turns();
    expect([ending(front.sent, 1), ending(front.sent, 2)]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    front.send(request(3));
    expect(calls).toHaveLength(3);
  });

  it("ends after one request where it is to serve one", async () => {
    const front = new TestFront(hello, {}, true);
    front.send(request(1));
    await turns();
    expect(front.socket.ended).toBe(true);
  });

  it("writes no STDERR records: wsgi.errors goes elsewhere", () => {
    const front = new TestFront((environ, startResponse) => {
      environ["wsgi.errors"].write("a complaint\n");
      return hello(environ, startResponse);
    });
    front.send(request(1));
    expect(records(front.sent).map(({ type }) => type)).toEqual([6, 6, 3]);
    expect(front.errors).toBe("a complaint\n");
  });

  it("splits a head and chunks that are too large for a record", async () => {
    const value = "v".repeat(70_000);
    const chunk = Buffer.alloc(200_000, "c");
    const front = new TestFront((_environ, startResponse) => {
      startResponse("200 OK", [["X-Large", value]]);
      return [chunk, Buffer.from("end")];
    });
    front.send(request(1));
    await turns();
    const all = output(front.sent, 1);
    expect(all).toContain(`X-Large: ${value}\r\n`);
    expect(all.endsWith(`\r\n\r\n${chunk.toString()}end`)).toBe(true);
    expect(Math.max(...records(front.sent).map(({ content }) => content.length))).toBeLessThanOrEqual(65_535);
    expect(records(front.sent).filter(({ type, content }) => type === 6 && content === "")).toHaveLength(1);
  });

  it("sends what a stream has given before it ends, also when that is all of its Content-Length", async () => {
    let goOn = (): void => {};
    const front = new TestFront(async function* slow(_environ, startResponse) {
      startResponse("200 OK", [["Content-Length", "5"]]);
      yield Buffer.from("hello");
      await new Promise<void>((resolve) => (goOn = resolve));
    });
    front.send(request(1));
    await turns();
    expect(output(front.sent, 1)).toContain("\r\n\r\nhello");
    expect(ending(front.sent, 1)).toBeUndefined();
    goOn();
    await turns();
    expect(ending(front.sent, 1)).toEqual([0, 0]);
  });

  it("answers HEAD without a body, what it refuses too", () => {
    const front = new TestFront(hello, { mounts: ["/app"] });
    front.send(request(1, { REQUEST_METHOD: "HEAD", PATH_INFO: "/app/x" }));
    front.send(request(2, { REQUEST_METHOD: "HEAD", PATH_INFO: "/elsewhere" }));
    expect(output(front.sent, 1)).toMatch(/Status: 200 OK\r\n\r\n$/);
    expect(output(front.sent, 2)).toMatch(/Status: 404 Not Found\r\n\r\n$/);
  });

  it.each([
    ["another version", "\x02"],
    ["a BEGIN_REQUEST that is too short", rec(1, 1, "\0\x01\0")],
    ["a BEGIN_REQUEST without an id", begin(0)],
    ["a GET_VALUES that is too long", rec(9, 0, "x".repeat(2000))],
    ["a GET_VALUES that is cut off", rec(9, 0, "\x0d\0FCGI")],
  ])("ends the connection for %s, with one report", async (_name, bytes) => {
    const front = new TestFront(hello);
    front.send(`${bytes}${"\xff".repeat(20)}`);
    front.send("\xff".repeat(20));
    await turns();
    expect(front.socket.ended).toBe(true);
    expect(front.refused).toHaveLength(1);
    expect(front.refused[0]?.code).toBe(400);
  });

  it("ends the connection for an id that is in use, and closes what runs on it", async () => {
    const { app, calls } = controlled();
    const front = new TestFront(app);
    front.send(request(1) + begin(1));
    calls[0]?.answer("too late");
    await turns();
    expect(front.refused).toHaveLength(1);
    expect(calls[0]?.closes).toBe(1);
    expect(ending(front.sent, 1)).toBeUndefined();
    expect(front.socket.ended).toBe(true);
  });

  it("reads nothing behind the end of a connection, also in the same piece of bytes", async () => {
    const { app, calls } = controlled();
    const front = new TestFront((environ, startResponse) => (calls.length === 0 ? app : hello)(environ, startResponse));
    front.send(`${rec(9, 0, "\x05")}${request(1)}`);
    const closing = new TestFront(hello);
    closing.send(request(1, {}, "", { keep: false }) + request(1));
    await turns();
    expect(calls).toHaveLength(0);
    expect(records(closing.sent).filter(({ type }) => type === 3)).toHaveLength(1);
  });

  it("refuses addresses that are not allowed", async () => {
    const front = new TestFront(hello, { allowedAddresses: ["10.0.0.0/8"] });
    await turns();
    expect(front.refused.map(({ code }) => code)).toEqual([403]);
    expect(front.closed).toBe(1);
  });
});
