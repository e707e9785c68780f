import type { Application } from "@gateway/core";
import { eventually } from "@gateway/testing/campaign";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ServerOptions } from "./options.ts";
import { count, echo, hello, request, testServer } from "./test-client.ts";

interface Limit {
  name: keyof ServerOptions;
  options: ServerOptions;
  atLimit: string;
  oneOver: string;
  code: number;
}

const chunked = (body: string): string => request("/", "Transfer-Encoding: chunked\r\n", body, "POST");
const sized = (bytes: number): string => request("/", `Content-Length: ${bytes}\r\n`, "x".repeat(bytes), "POST");

/** Header lines of so many bytes, line ends included. */
const lines = (bytes: number): string => `Host: test\r\nX: ${"x".repeat(bytes - 17)}\r\n`;

const limits: Limit[] = [
  {
    name: "requestLineBytes",
    options: { requestLineBytes: 100 },
    atLimit: request(`/${"a".repeat(86)}`),
    oneOver: request(`/${"a".repeat(87)}`),
    code: 414,
  },
  {
    name: "headerBytes",
    options: { headerBytes: 100 },
    atLimit: `GET / HTTP/1.1\r\n${lines(100)}\r\n`,
    oneOver: `GET / HTTP/1.1\r\n${lines(101)}\r\n`,
    code: 431,
  },
  {
    name: "headerCount",
    options: { headerCount: 10 },
    atLimit: request("/", "X: y\r\n".repeat(9)),
    oneOver: request("/", "X: y\r\n".repeat(10)),
    code: 431,
  },
  {
    name: "headerCount",
    options: { headerCount: 10 },
    atLimit: chunked(`0\r\n${"X: y\r\n".repeat(10)}\r\n`),
    oneOver: chunked(`0\r\n${"X: y\r\n".repeat(11)}\r\n`),
    code: 431,
  },
  {
    name: "chunkOverheadBytes",
    options: { chunkOverheadBytes: 20 },
    atLimit: chunked(`1;${"a".repeat(9)}\r\nx\r\n1;${"b".repeat(9)}\r\nx\r\n0\r\n\r\n`),
    oneOver: chunked(`1;${"a".repeat(9)}\r\nx\r\n1;${"b".repeat(10)}\r\nx\r\n0\r\n\r\n`),
    code: 413,
  },
  {
    name: "chunkOverheadBytes",
    options: { chunkOverheadBytes: 20 },
    atLimit: chunked(`${"0".repeat(20)}1\r\nx\r\n0\r\n\r\n`),
    oneOver: chunked(`${"0".repeat(21)}1\r\nx\r\n0\r\n\r\n`),
    code: 413,
  },
  {
    name: "trailerBytes",
    options: { trailerBytes: 20 },
    atLimit: chunked(`0\r\nA: ${"x".repeat(7)}\r\nB: ${"y".repeat(7)}\r\n\r\n`),
    oneOver: chunked(`0\r\nA: ${"x".repeat(7)}\r\nB: ${"y".repeat(8)}\r\n\r\n`),
    code: 431,
  },
  { name: "maxBodyBytes", options: { maxBodyBytes: 10 }, atLimit: sized(10), oneOver: sized(11), code: 413 },
  {
    name: "maxBodyBytes",
    options: { maxBodyBytes: 10 },
    atLimit: chunked("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n"),
    oneOver: chunked("5\r\nhello\r\n6\r\nhello!\r\n0\r\n\r\n"),
    code: 413,
  },
  { name: "maxReadBytes", options: { maxReadBytes: 10 }, atLimit: sized(10), oneOver: sized(11), code: 413 },
];

describe("limits of size", () => {
  it.each(limits)("$name: takes what is at the limit, and answers one over with $code", async (limit) => {
    await using server = await testServer(echo, limit.options);
    const passed = await server.exchange(limit.atLimit);
    expect(passed.slice(0, 15)).toBe("HTTP/1.1 200 OK");
    const refused = await server.exchange(limit.oneOver + request("/behind"));
    expect(refused.slice(0, 12)).toBe(`HTTP/1.1 ${limit.code}`);
    // How much is read at once says nothing of the connection: the rest of that body is drained, as of any other.
    if (limit.name === "maxReadBytes") return;
    expect(refused).toContain("\r\nConnection: close\r\n");
    expect(count(refused, "HTTP/1.1 ")).toBe(1);
  });

  it.each(limits)("$name: is the same byte by byte", async (limit) => {
    await using server = await testServer(echo, limit.options);
    for (const [text, code] of [
      [limit.atLimit, 200],
      [limit.oneOver, limit.code],
    ] as const) {
      const client = await server.connect();
      client.socket.setNoDelay(true);
      for (const byte of text) {
        client.send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await client.until((received) => received.includes("\r\n\r\n"));
      expect(client.received.slice(0, 12)).toBe(`HTTP/1.1 ${code}`);
      client.socket.destroy();
    }
  });

  it("maxConnections: serves as many, answers one more with 503, and has room again when one is gone", async () => {
    const refused = vi.fn<() => void>();
    await using server = await testServer(hello, { maxConnections: 3, onRefused: refused });
    const clients = [await server.connect(), await server.connect(), await server.connect()];
    for (const client of clients) client.send(request("/in"));
    for (const client of clients) await client.until((text) => text.endsWith("hello /in"));
    for (let i = 1; i <= 20; i++) {
      const over = await server.connect();
      over.send(request("/over"));
      expect(await over.all()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
      expect(refused).toHaveBeenCalledTimes(i);
    }
    clients[0]?.socket.destroy();
    clients[1]?.send(request("/still"));
    await clients[1]?.until((text) => text.endsWith("hello /still"));
    expect(await server.exchange(request("/again"))).toContain("hello /again");
  });
});

describe("limits of time", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A clock that the test moves; sockets stay real. */
  function fakeClock(): void {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  }

  /** An application that waits where it is told, and what it saw. */
  function waitingApp(where: "before the head" | "after the head"): {
    app: Application;
    begun: () => boolean;
    codes: string[];
    finish: () => void;
  } {
    const codes: string[] = [];
    let finish: (() => void) | undefined;
    async function* body(waits: Promise<void>): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first ");
      await waits;
      yield Buffer.from("last");
    }
    const app: Application = async (environ, startResponse) => {
      const { signal } = environ["gateway.exchange"];
      signal.addEventListener("abort", () => {
        const reason: unknown = signal.reason;
        codes.push(typeof reason === "object" && reason !== null && "code" in reason ? String(reason.code) : String(reason));
      });
      const waits = new Promise<void>((resolve) => (finish = resolve));
      if (where === "before the head") await waits;
      startResponse("200 OK", []);
      return body(waits);
    };
    return { app, begun: () => finish !== undefined, codes, finish: () => finish?.() };
  }

  it.each(["before the head", "after the head"] as const)("requestSeconds: lets a request finish within it, %s", async (where) => {
    fakeClock();
    const { app, begun, codes, finish } = waitingApp(where);
    await using server = await testServer(app, { requestSeconds: 5 });
    const client = await server.connect();
    client.send(request("/", "Connection: close\r\n"));
    await eventually(begun);
    vi.advanceTimersByTime(5000);
    finish();
    expect(await client.all()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*first [^]*last\r\n0\r\n\r\n$/);
    expect(codes).toEqual([]);
  });

  it("requestSeconds: answers 503 when no head has gone out", async () => {
    fakeClock();
    const { app, begun, codes } = waitingApp("before the head");
    await using server = await testServer(app, { requestSeconds: 5 });
    const client = await server.connect();
    client.send(request("/"));
    await eventually(begun);
    vi.advanceTimersByTime(6000);
    const text = await client.all();
    expect(text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(text).toContain("Connection: close");
    expect(codes).toEqual(["TIME_LIMIT"]);
  });

  it("requestSeconds: cuts the connection when the head has gone out", async () => {
    fakeClock();
    const { app, begun, codes } = waitingApp("after the head");
    await using server = await testServer(app, { requestSeconds: 5 });
    const client = await server.connect();
    client.send(request("/"));
    await eventually(begun);
    await client.until((text) => text.includes("first "));
    vi.advanceTimersByTime(6000);
    expect((await client.all()).endsWith("6\r\nfirst \r\n")).toBe(true);
    expect(codes).toEqual(["TIME_LIMIT"]);
  });

  it("writeStallSeconds: cuts a client that takes nothing, and none that takes something in time", async () => {
    fakeClock();
    const chunk = Buffer.alloc(256 * 1024);
    const chunks = 64;
    let given = 0;
    let outcome = "";
    const app: Application = (environ, startResponse) => {
      given = 0;
      environ["gateway.exchange"].onEnd((ending) => (outcome = ending.outcome));
      startResponse("200 OK", [["Content-Length", `${chunk.length * chunks}`]]);
      return (function* body(): Generator<Uint8Array> {
        for (; given < chunks; given++) yield chunk;
      })();
    };
    await using server = await testServer(app, { writeStallSeconds: 5 });
    const stalled = async (): Promise<void> => {
      for (let before = -1; before !== given;) {
        before = given;
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(given).toBeLessThan(chunks);
    };
    const slow = await server.connect();
    slow.socket.pause();
    slow.send(request("/", "Connection: close\r\n"));
    await eventually(() => given > 0);
    await stalled();
    vi.advanceTimersByTime(5000);
    await stalled();
    expect(outcome).toBe("");
    slow.socket.resume();
    expect((await slow.all()).length).toBeGreaterThan(chunk.length * chunks);
    expect(outcome).toBe("finished");

    const dead = await server.connect();
    dead.socket.pause();
    dead.send(request("/"));
    await eventually(() => given > 0 && given < chunks);
    await stalled();
    vi.advanceTimersByTime(7000);
    await eventually(() => outcome === "gone");
    dead.socket.resume();
    expect((await dead.all()).length).toBeLessThan(chunk.length * chunks);
  });

  it.each([
    { bytesEachSecond: 500, status: "200 OK" },
    { bytesEachSecond: 499, status: "408 Request Timeout" },
  ])("bodyBytesPerSecond: a body at $bytesEachSecond bytes a second gives $status", async ({ bytesEachSecond, status }) => {
    fakeClock();
    let read = 0;
    const app: Application = async (environ, startResponse) => {
      for await (const chunk of environ["wsgi.input"]) read += chunk.length;
      return hello(environ, startResponse);
    };
    await using server = await testServer(app);
    const client = await server.connect();
    const seconds = 8;
    client.send(request("/", `Content-Length: ${seconds * bytesEachSecond}\r\nConnection: close\r\n`, "", "POST"));
    for (let second = 1; second <= seconds && !client.received.includes("408"); second++) {
      client.send("x".repeat(bytesEachSecond));
      await eventually(() => read === second * bytesEachSecond || client.received !== "");
      vi.advanceTimersByTime(1000);
    }
    expect((await client.all()).split("\r\n")[0]).toBe(`HTTP/1.1 ${status}`);
  });

  it.each([5, 50_000, 5_000_000])(
    "bodyBytesPerSecond: is no matter of a body that waits for the application: %i bytes",
    async (bytes) => {
      fakeClock();
      let go: (() => void) | undefined;
      const app: Application = async (environ, startResponse) => {
        await new Promise<void>((resolve) => (go = resolve));
        return echo(environ, startResponse);
      };
      await using server = await testServer(app);
      const client = await server.connect();
      client.send(request("/", `Content-Length: ${bytes}\r\n`, "", "POST"));
      await eventually(() => go !== undefined);
      client.send("x".repeat(bytes));
      // Let it come as far as it is taken.
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(60_000);
      go?.();
      const text = await client.until((received) => received.includes("408") || received.endsWith("x".repeat(bytes)));
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      client.socket.destroy();
    },
  );
});
