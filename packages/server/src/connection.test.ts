import { readdirSync, readFileSync } from "node:fs";
import type { Application, ResponseBody } from "@gateway/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RefusedRequest } from "@gateway/sockets";
import { count, echo, hello, request, testServer, type TestClient } from "./test-client.ts";

const cases = new URL("../cases/invalid/", import.meta.url);

describe("a connection", () => {
  it("is kept for the next request", async () => {
    await using server = await testServer(hello);
    const client = await server.connect();
    client.send(request("/1"));
    await client.until((text) => text.endsWith("hello /1"));
    client.send(request("/2", "Connection: close\r\n"));
    const text = await client.all();
    expect(text.endsWith("hello /2")).toBe(true);
    expect(count(text, "Connection: close")).toBe(1);
  });

  it("answers pipelined requests in their order, also when the first one takes longer", async () => {
    const waiting: (() => void)[] = [];
    const app: Application = async (environ, startResponse) => {
      if (environ.PATH_INFO === "/1") await new Promise<void>((resolve) => waiting.push(resolve));
      return hello(environ, startResponse);
    };
    await using server = await testServer(app);
    const client = await server.connect();
    client.send(request("/1") + request("/2") + request("/3", "Connection: close\r\n"));
    await vi.waitUntil(() => waiting.length === 1);
    expect(client.received).toBe("");
    waiting[0]?.();
    const text = await client.all();
    expect([...text.matchAll(/hello (\/\d)/g)].map((match) => match[1])).toEqual(["/1", "/2", "/3"]);
  });

  it.each<[string, Application]>([
    [
      "a stream",
      async function* app(_environ, startResponse) {
        startResponse("200 OK", [["Content-Length", "5"]]);
        yield Buffer.from("hello");
        await new Promise(() => {});
      },
    ],
    [
      "write()",
      async (_environ, startResponse) => {
        await startResponse("200 OK", [["Content-Length", "5"]])(Buffer.from("hello"));
        await new Promise(() => {});
        return [];
      },
    ],
  ])("does not wait for the end of an application that has given every byte of its length: %s", async (_name, app) => {
    await using server = await testServer(app, { shutdownSeconds: 0 });
    const client = await server.connect();
    client.send(request("/"));
    await client.until((text) => text.endsWith("\r\n\r\nhello"));
  });

  it("answers all pipelined requests when the client has closed its side", async () => {
    const waiting: (() => void)[] = [];
    const app: Application = async (environ, startResponse) => {
      if (environ.PATH_INFO === "/1") await new Promise<void>((resolve) => waiting.push(resolve));
      return hello(environ, startResponse);
    };
    await using server = await testServer(app);
    const client = await server.connect();
    client.send(request("/1") + request("/2") + request("/3"));
    client.socket.end();
    await vi.waitUntil(() => waiting.length === 1);
    waiting[0]?.();
    const text = await client.all();
    expect([...text.matchAll(/hello (\/\d)/g)].map((match) => match[1])).toEqual(["/1", "/2", "/3"]);
    expect(count(text, "Connection: close")).toBe(1);
  });

  it("serves thousands of pipelined requests without a stack overflow, bodies unread", async () => {
    await using server = await testServer(hello);
    const one = request("/x", "Content-Length: 3\r\n", "abc", "POST");
    const text = await server.exchange(one.repeat(5000));
    expect(count(text, "HTTP/1.1 200 OK")).toBe(5000);
  });

  it("serves a request that comes byte by byte", async () => {
    await using server = await testServer(echo);
    const client = await server.connect();
    client.socket.setNoDelay(true);
    for (const byte of request("/b", "Transfer-Encoding: chunked\r\nConnection: close\r\n", "5\r\nhello\r\n0\r\n\r\n", "POST"))
      client.send(byte);
    expect(await client.all()).toContain("POST /b hello");
  });

  it("closes after an HTTP/1.0 request, and keeps the connection where it is asked to", async () => {
    await using server = await testServer(hello);
    const closing = await server.connect();
    closing.send("GET /old HTTP/1.0\r\n\r\n");
    expect(await closing.all()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*hello \/old$/);
    const kept = await server.connect();
    kept.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(await kept.until((text) => text.endsWith("hello /1"))).toContain("Connection: keep-alive\r\n");
    kept.send("GET /2 HTTP/1.0\r\n\r\n");
    expect(await kept.all()).toContain("hello /2");
  });

  it("ends a stream to an HTTP/1.0 client with the connection", async () => {
    await using server = await testServer(async function* (_environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("one ");
      yield Buffer.from("two");
    });
    const text = await server.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(text).toContain("Connection: close\r\n");
    expect(text).not.toContain("Transfer-Encoding");
    expect(text.endsWith("\r\n\r\none two")).toBe(true);
  });

  it("answers what a client sent before it closed its side", async () => {
    await using server = await testServer(async (environ, startResponse) => {
      await new Promise((resolve) => setImmediate(resolve));
      return hello(environ, startResponse);
    });
    expect(await server.exchange(request("/half"))).toContain("hello /half");
  });

  it("says 100 Continue when the application first reads, and not before", async () => {
    let read = (): void => {};
    const app: Application = async (environ, startResponse) => {
      await new Promise<void>((resolve) => (read = resolve));
      return echo(environ, startResponse);
    };
    await using server = await testServer(app);
    const client = await server.connect();
    client.send(request("/c", "Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n", "", "POST"));
    const waiting = read;
    await vi.waitUntil(() => read !== waiting);
    expect(client.received).toBe("");
    read();
    await client.until((text) => text === "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    expect(await client.all()).toContain("POST /c hello");
  });

  it("says no 100 to a client that is answered without being read, and closes", async () => {
    await using server = await testServer(hello);
    const client = await server.connect();
    client.send(request("/c", "Expect: 100-continue\r\nContent-Length: 5\r\n", "", "POST"));
    const text = await client.all();
    expect(text).not.toContain("100 Continue");
    expect(text).toContain("Connection: close");
  });

  it("says no 100 to HTTP/1.0, nor when the body is there already", async () => {
    await using server = await testServer(echo);
    const old = await server.exchange("POST /o HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    expect(old).not.toContain("100 Continue");
    const whole = await server.exchange(request("/w", "Expect: 100-continue\r\nContent-Length: 5\r\n", "hello", "POST"));
    expect(whole.startsWith("HTTP/1.1 200 OK")).toBe(true);
  });

  it("sends early hints before the head, to HTTP/1.1 only", async () => {
    const app: Application = (environ, startResponse) => {
      environ["gateway.exchange"].earlyHints([["Link", "</a.css>; rel=preload"]]);
      return hello(environ, startResponse);
    };
    await using server = await testServer(app);
    expect(await server.exchange(request("/"))).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    expect(await server.exchange("GET / HTTP/1.0\r\n\r\n")).not.toContain("103");
  });

  it("reads a small body that the application left, and closes on a large one", async () => {
    await using server = await testServer(hello, { drainBytes: 100 });
    const small = await server.connect();
    small.send(request("/1", "Content-Length: 50\r\n", "x".repeat(50), "POST"));
    await small.until((text) => text.endsWith("hello /1"));
    small.send(request("/2", "Connection: close\r\n"));
    expect(await small.all()).toContain("hello /2");
    const large = await server.connect();
    large.send(request("/3", "Content-Length: 101\r\n", "", "POST"));
    const text = await large.all();
    expect(text).toContain("hello /3");
    expect(text).toContain("Connection: close");
    const chunked = await server.connect();
    chunked.send(request("/4", "Transfer-Encoding: chunked\r\n", `c8\r\n${"x".repeat(200)}\r\n0\r\n\r\n`, "POST") + request("/5"));
    const last = await chunked.all();
    expect(last).toContain("hello /4");
    expect(last).not.toContain("hello /5");
  });

  it("does not read faster than the application does", async () => {
    let pulled = 0;
    let go = (): void => {};
    const app: Application = async (environ, startResponse) => {
      await new Promise<void>((resolve) => (go = resolve));
      for await (const chunk of environ["wsgi.input"]) pulled += chunk.length;
      return hello(environ, startResponse);
    };
    await using server = await testServer(app);
    const client = await server.connect();
    const size = 32 * 1024 * 1024;
    client.send(request("/up", `Content-Length: ${size}\r\nConnection: close\r\n`, "", "POST"));
    client.send(Buffer.alloc(size));
    const start = go;
    await vi.waitUntil(() => go !== start);
    // The system takes some megabytes; what is left stays with the client.
    expect(client.socket.writableLength).toBeGreaterThan(8 * 1024 * 1024);
    go();
    expect(await client.all()).toContain("hello /up");
    expect(pulled).toBe(size);
  });

  it("does not pull a body faster than the client reads, and closes it when the client leaves", async () => {
    let given = 0;
    const closed = vi.fn<() => void>();
    const app: Application = (_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
      function* chunks(): Generator<Uint8Array> {
        for (;;) {
          given++;
          yield Buffer.alloc(64 * 1024);
        }
      }
      const body: ResponseBody = { [Symbol.iterator]: chunks, close: closed };
      return body;
    };
    await using server = await testServer(app);
    const client = await server.connect();
    client.socket.pause();
    client.send(request("/"));
    await vi.waitUntil(() => given > 1);
    let before = -1;
    await vi.waitUntil(
      () => {
        const still = given === before;
        before = given;
        return still;
      },
      { interval: 100 },
    );
    expect(given * 64).toBeLessThan(16 * 1024);
    expect(closed).not.toHaveBeenCalled();
    client.socket.resetAndDestroy();
    await vi.waitUntil(() => closed.mock.calls.length > 0);
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it("lets an upload that was cut short fail, and never shows it as complete", async () => {
    const failed = vi.fn<(error: unknown) => void>();
    const app: Application = async (environ, startResponse) => {
      await environ["wsgi.input"].read().catch((error: unknown) => {
        failed(error);
        throw error;
      });
      return hello(environ, startResponse);
    };
    await using server = await testServer(app);
    const text = await server.exchange(request("/cut", "Content-Length: 10\r\n", "12345", "POST"));
    expect(text).toContain("400 Bad Request");
    expect(text).not.toContain("hello");
    await server.exchange(request("/cut", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n", "POST"));
    expect(failed).toHaveBeenCalledTimes(2);
    const gone = await server.connect();
    gone.send(request("/cut", "Content-Length: 10\r\n", "12345", "POST"));
    gone.socket.resetAndDestroy();
    await vi.waitUntil(() => failed.mock.calls.length === 3);
  });

  it("shows a client that a response is not whole", async () => {
    let breakOff = (): void => {};
    const app: Application = async function* (environ, startResponse) {
      startResponse("200 OK", environ.QUERY_STRING === "length" ? [["Content-Length", "100"]] : []);
      yield Buffer.from("part");
      await new Promise<void>((resolve) => (breakOff = resolve));
      throw new Error("broke off");
    };
    await using server = await testServer(app);
    const part = async (text: string): Promise<TestClient> => {
      const client = await server.connect();
      client.send(text);
      await client.until((received) => received.includes("part"));
      return client;
    };
    const chunked = await part(request("/"));
    breakOff();
    expect((await chunked.all()).endsWith("4\r\npart\r\n")).toBe(true);
    const sized = await part(request("/?length"));
    breakOff();
    expect((await sized.all()).endsWith("\r\n\r\npart")).toBe(true);
    const old = await part("GET / HTTP/1.0\r\n\r\n");
    const reset = new Promise((resolve) => old.socket.once("error", resolve));
    breakOff();
    expect(await reset).toMatchObject({ code: "ECONNRESET" });
    expect(server.errors.filter((text) => text.includes("broke off"))).toHaveLength(3);
  });

  it("refuses each of the raw cases once, over a socket, and closes", async () => {
    const refusals: RefusedRequest[] = [];
    await using server = await testServer(echo, { onRefused: (refused) => refusals.push(refused) });
    for (const file of readdirSync(cases)) {
      const before = refusals.length;
      const text = await server.exchange(readFileSync(new URL(file, cases)));
      const code = file.slice(0, 3);
      expect([file, text.slice(0, 12)]).toEqual([file, `HTTP/1.1 ${code}`]);
      expect([file, count(text, "\r\nConnection: close\r\n")]).toEqual([file, 1]);
      // What is wrong with a body is told to the application, which may answer as it likes.
      if (!file.slice(4).startsWith("chunk") && !file.slice(4).startsWith("trailers")) {
        expect([file, refusals.length - before, refusals.at(-1)?.code]).toEqual([file, 1, Number(code)]);
        expect(refusals.at(-1)).toMatchObject({ remoteAddress: "127.0.0.1" });
      }
    }
    expect(await server.exchange(request("/still"))).toContain("GET /still");
  });

  it("survives a listener of refusals that throws", async () => {
    await using server = await testServer(hello, {
      onRefused: () => {
        throw new Error("listener");
      },
    });
    expect(await server.exchange("BAD\r\n\r\n")).toContain("400 Bad Request");
    expect(server.errors.join("")).toContain("listener");
  });

  it("does not serve what follows a request that was refused", async () => {
    const paths: string[] = [];
    await using server = await testServer((environ, startResponse) => {
      paths.push(environ.PATH_INFO);
      return hello(environ, startResponse);
    });
    await server.exchange(`${request("/1")}GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${request("/3")}`);
    expect(paths).toEqual(["/1"]);
  });
});

describe("deadlines", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A clock that the test moves; sockets stay real. */
  function fakeClock(): void {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  }

  it("close a connection that stays silent", async () => {
    fakeClock();
    await using server = await testServer(hello, { silentSeconds: 5 });
    const client = await server.connect();
    await vi.waitUntil(() => client.socket.readyState === "open");
    client.send("");
    await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(4000);
    expect(client.socket.readyState).toBe("open");
    vi.advanceTimersByTime(3000);
    expect(await client.all()).toBe("");
  });

  it("answer 408 when a head takes too long in all, however it drips", async () => {
    fakeClock();
    const refused = vi.fn<(request: RefusedRequest) => void>();
    await using server = await testServer(hello, { headerSeconds: 5, onRefused: refused });
    const warm = await server.connect();
    warm.send(request("/warm"));
    await warm.until((text) => text.endsWith("hello /warm"));
    warm.send("GET / HTTP/1.1\r\n");
    // Another exchange shows that the server has seen those bytes.
    for (let second = 0; second < 4; second++) {
      await server.exchange(request("/other"));
      vi.advanceTimersByTime(1000);
      warm.send(`A${second}: b\r\n`);
    }
    await server.exchange(request("/other"));
    vi.advanceTimersByTime(3000);
    expect(await warm.all()).toContain("HTTP/1.1 408 Request Timeout");
    expect(refused.mock.lastCall?.[0].code).toBe(408);
  });

  it("close an idle keep-alive connection, without an answer", async () => {
    fakeClock();
    await using server = await testServer(hello, { keepAliveSeconds: 5 });
    const client = await server.connect();
    client.send(request("/1"));
    const text = await client.until((received) => received.endsWith("hello /1"));
    vi.advanceTimersByTime(7000);
    expect(await client.all()).toBe(text);
  });
});
