import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { HttpFormatError } from "./response-reader.ts";
import { httpTransport, type ConnectTo } from "./http-transport.ts";
import type { ConformanceRequest, ConformanceResponse } from "./types.ts";

const sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

interface Canned {
  /** Gets the connection, and the request as far as its head. */
  readonly answer: (socket: Socket, head: string) => void;
  readonly path?: string;
  /** What of the request is waited for (default: its head). */
  readonly ends?: string;
}

/** Starts a server that answers each connection as told, once the head of a request has come. */
async function serve({ answer, path, ends = "\r\n\r\n" }: Canned): Promise<{ connectTo: ConnectTo; received: () => string }> {
  let received = "";
  const server = createServer((socket) => {
    let answered = false;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (answered || !received.includes(ends)) return;
      answered = true;
      answer(socket, received);
    });
  });
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const connectTo = path === undefined ? { port: (server.address() as AddressInfo).port } : { path };
  return { connectTo, received: () => received };
}

/** Resolves when the connection is closed, by a reset too. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** Sends one request over the transport. */
async function send(connectTo: ConnectTo, request: Partial<ConformanceRequest> = {}): Promise<ConformanceResponse | undefined> {
  const transport = httpTransport({ name: "canned", listen: async () => ({ connect: connectTo, close: async () => {} }) });
  const running = await transport.start(() => [], { key: "", note() {}, errors() {} });
  onTestFinished(() => running.stop());
  return running.send({ method: "GET", target: "/", headers: [], signal: new AbortController().signal, ...request });
}

const text = (response: ConformanceResponse | undefined): string => Buffer.from(response?.body ?? []).toString("latin1");

describe("httpTransport", () => {
  it("writes the request as it is told, and reads the response", async () => {
    const { connectTo, received } = await serve({ answer: (socket) => socket.end(sized) });
    const response = await send(connectTo, { target: "//a/../%zz?b", headers: [["x_Odd", "caf\u{E9}"]] });
    expect(received()).toBe("GET //a/../%zz?b HTTP/1.1\r\nHost: localhost\r\nx_Odd: caf\u{E9}\r\nConnection: close\r\n\r\n");
    expect(response).toMatchObject({ status: "200 OK", truncated: false, headers: [["Content-Length", "5"]] });
    expect(text(response)).toBe("hello");
  });

  it("keeps a Host that it is given", async () => {
    const { connectTo, received } = await serve({ answer: (socket) => socket.end(sized) });
    await send(connectTo, { headers: [["host", "example.com"]] });
    expect(received()).toBe("GET / HTTP/1.1\r\nhost: example.com\r\nConnection: close\r\n\r\n");
  });

  it.each([
    [false, "Content-Length: 5", "hello"],
    [true, "Transfer-Encoding: chunked", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"],
  ])("frames the body of a request (chunked: %s)", async (chunked, header, wire) => {
    const { connectTo, received } = await serve({ ends: `\r\n\r\n${wire}`, answer: (socket) => socket.end(sized) });
    const response = await send(connectTo, { method: "POST", body: { chunked, length: 5, chunks: chunksOf("hel", "", "lo") } });
    expect(received()).toContain(`${header}\r\n`);
    expect(received().split("\r\n\r\n", 1)[0]).toContain("Connection: close");
    expect(received().endsWith(`\r\n\r\n${wire}`)).toBe(true);
    expect(text(response)).toBe("hello");
  });

  it("reads an answer that comes before the body was sent", async () => {
    const { connectTo } = await serve({ answer: (socket) => socket.end(sized) });
    async function* never(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      await new Promise(() => {});
    }
    const response = await send(connectTo, { method: "POST", body: { chunked: true, length: 0, chunks: never() } });
    expect(text(response)).toBe("hello");
  });

  it("reads a response that comes byte by byte", async () => {
    const whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    const { connectTo } = await serve({
      answer(socket) {
        socket.setNoDelay(true);
        const next = (at: number): void => {
          if (at < whole.length) socket.write(whole.charAt(at), () => next(at + 1));
          else socket.end();
        };
        next(0);
      },
    });
    expect(text(await send(connectTo))).toBe("hello");
  });

  it("sees a truncation, by an orderly end and by a reset", async () => {
    const short = await serve({ answer: (socket) => socket.end(sized.slice(0, -2)) });
    const response = await send(short.connectTo);
    expect(response?.truncated).toBe(true);
    expect(text(response)).toBe("hel");
    // `resetAndDestroy` of Node sends a FIN before its RST, so a real socket would show the one or the other.
    const reset = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    reset.push("HTTP/1.1 200 OK\r\n\r\nhel");
    reset.once("data", () => reset.destroy(new Error("ECONNRESET")));
    expect(await send(() => reset)).toMatchObject({ truncated: true, body: Buffer.from("hel") });
  });

  it("gives no response where none came", async () => {
    const { connectTo } = await serve({ answer: (socket) => socket.end("HTTP/1.1 100 Continue\r\n\r\n") });
    expect(await send(connectTo)).toBeUndefined();
  });

  it("rejects for what follows a response", async () => {
    const { connectTo } = await serve({ answer: (socket) => socket.end(`${sized}HTTP/1.1 200 OK\r\n\r\n`) });
    await expect(send(connectTo)).rejects.toThrow(HttpFormatError);
  });

  it("leaves at the head, after some bytes, and when it is told to", async () => {
    const left: Promise<unknown>[] = [];
    const { connectTo } = await serve({
      answer(socket) {
        left.push(closed(socket));
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
      },
    });
    expect((await send(connectTo, { leave: "head" }))?.status).toBe("200 OK");
    expect(text(await send(connectTo, { leave: 4 })).length).toBeGreaterThanOrEqual(4);
    const silent = await serve({ answer: (socket) => left.push(closed(socket)) && controller.abort() });
    const controller = new AbortController();
    expect(await send(silent.connectTo, { signal: controller.signal })).toBeUndefined();
    await Promise.all(left);
    expect(left).toHaveLength(3);
  });

  it("reaches a Unix socket, and what a function connects to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gateway-testing-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "s");
    await serve({ path, answer: (socket) => socket.end(sized) });
    expect(text(await send({ path }))).toBe("hello");
    expect(text(await send(() => connect(path)))).toBe("hello");
  });

  it("rejects when nobody listens", async () => {
    await expect(send({ path: "/nonexistent/socket" })).rejects.toThrow("ENOENT");
  });
});
