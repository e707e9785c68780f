import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Application } from "@gateway/core";
import { eventually } from "@gateway/testing/campaign";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ServerOptions } from "./options.ts";
import { observedServer } from "./test-observed-server.ts";
import { count, echo, request, TestClient } from "./test-client.ts";

/** What a server may read of a client that sends without end. */
const mostBytes = 128 * 1024;

interface Endless {
  name: string;
  begin: string;
  /** Sent again and again. */
  again: string;
  code: number;
  options?: ServerOptions;
}

const post = (headers: string): string => request("/", headers, "", "POST");
const chunked = post("Transfer-Encoding: chunked\r\n");
const limited: ServerOptions = { maxBodyBytes: 16 * 1024 };

const kinds: Endless[] = [
  { name: "a method", begin: "", again: "A", code: 414 },
  { name: "a URI", begin: "GET /", again: "a", code: 414 },
  { name: "a query", begin: "GET /?", again: "a=b&", code: 414 },
  { name: "a header line", begin: "GET / HTTP/1.1\r\nHost: test\r\nX: ", again: "a", code: 431 },
  { name: "a header name", begin: "GET / HTTP/1.1\r\nHost: test\r\n", again: "a", code: 431 },
  { name: "header lines", begin: "GET / HTTP/1.1\r\nHost: test\r\n", again: "a: b\r\n", code: 431 },
  { name: "empty lines", begin: "", again: "\r\n", code: 400 },
  { name: "digits of a chunk size", begin: `${chunked}1`, again: "0", code: 413 },
  { name: "zeros before a chunk size", begin: chunked, again: "0", code: 413 },
  { name: "a chunk extension", begin: `${chunked}5;`, again: "a", code: 413 },
  { name: "chunk extensions", begin: `${chunked}5`, again: ";a=b", code: 413 },
  { name: "a quoted chunk extension", begin: `${chunked}5;a="`, again: "b", code: 413 },
  { name: "blanks behind a chunk size", begin: `${chunked}5`, again: " ", code: 413 },
  { name: "chunks of one byte with extensions", begin: chunked, again: "1;a=b\r\nx\r\n", code: 413 },
  { name: "a trailer line", begin: `${chunked}0\r\nX: `, again: "a", code: 431 },
  { name: "trailer lines", begin: `${chunked}0\r\n`, again: "X: a\r\n", code: 431 },
  { name: "a body that is too large", begin: post("Content-Length: 1000000000\r\n"), again: "a", code: 413, options: limited },
  { name: "a chunk that is too large", begin: `${chunked}3b9aca00\r\n`, again: "a", code: 413, options: limited },
  { name: "chunks that are too many", begin: chunked, again: "5\r\nhello\r\n", code: 413, options: limited },
];

/** Sends, and goes on sending as fast as it is taken, until the connection is closed. */
async function flood(port: number, begin: string, again: string): Promise<TestClient> {
  const socket = connect({ port, host: "127.0.0.1" });
  const client = new TestClient(socket);
  await once(socket, "connect");
  const block = Buffer.from(again.repeat(Math.ceil((64 * 1024) / again.length)), "latin1");
  client.send(begin);
  const pump = (): void => {
    while (socket.writable && socket.write(block));
  };
  socket.on("drain", pump);
  pump();
  return client;
}

/** What the server has read of its only connection, once it reads no more. */
async function readInAll(sockets: readonly Socket[]): Promise<number> {
  const read = (): number => sockets[0]?.bytesRead ?? 0;
  for (let before = -1; before !== read();) {
    before = read();
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  return read();
}

describe("endless", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(kinds)("$name: answered with $code, once, and cut", async ({ begin, again, code, options }) => {
    await using server = await observedServer(echo, options);
    const client = await flood(server.port, begin, again);
    await once(client.socket, "end");
    expect(await readInAll(server.sockets)).toBeLessThanOrEqual(mostBytes);
    // The client had its answer, and time to read it; it goes on sending, and is cut.
    vi.advanceTimersByTime(4000);
    await client.closed;
    expect(client.received.slice(0, 12)).toBe(`HTTP/1.1 ${code}`);
    expect(client.received).toContain("\r\nConnection: close\r\n");
    expect(count(client.received, "HTTP/1.1 ")).toBe(1);
    expect(server.sockets[0]?.bytesRead).toBeLessThanOrEqual(mostBytes);
  });

  it("requests whose answers are never read: no more of them is read", async () => {
    const answer = Buffer.alloc(16 * 1024 * 1024);
    let requests = 0;
    const app: Application = (_environ, startResponse) => {
      requests++;
      startResponse("200 OK", []);
      return [answer];
    };
    await using server = await observedServer(app);
    const client = await flood(server.port, "", request("/"));
    client.socket.pause();
    await eventually(() => requests > 0);
    expect(await readInAll(server.sockets)).toBeLessThanOrEqual(mostBytes);
    expect(requests).toBe(1);
    vi.advanceTimersByTime(62_000);
    await eventually(() => server.sockets[0]?.closed === true);
    client.socket.destroy();
  });

  it("requests whose application takes its time: no more of them is read", async () => {
    const waiting: (() => void)[] = [];
    const app: Application = async (environ, startResponse) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return echo(environ, startResponse);
    };
    await using server = await observedServer(app);
    const client = await flood(server.port, "", request("/"));
    await eventually(() => waiting.length > 0);
    expect(await readInAll(server.sockets)).toBeLessThanOrEqual(mostBytes);
    // What was held back is served in its turn.
    for (let served = 1; served <= 5000; served++) {
      waiting.shift()?.();
      await eventually(() => waiting.length > 0);
    }
    await client.until((text) => count(text, "HTTP/1.1 200 OK") === 5000);
    client.socket.resetAndDestroy();
    await client.closed;
    waiting[0]?.();
  });
});
