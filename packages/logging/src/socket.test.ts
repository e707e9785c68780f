import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application } from "@gateway/core";
import { makeServer, type ServerOptions } from "@gateway/server";
import { afterEach, describe, expect, it } from "vitest";
import { accessLog } from "./access-log.ts";
import { logFile } from "./log-file.ts";
import { eventually } from "@gateway/testing/campaign";
import { Lines, validated } from "./test-log.ts";

const piece = Buffer.alloc(64 * 1024, "x");
const total = 64 * 1024 * 1024;

const app: Application = (environ, startResponse) => {
  if (environ.PATH_INFO === "/hello") {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return [Buffer.from("hello")];
  }
  if (environ.PATH_INFO === "/breaks") {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return (async function* () {
      yield piece;
      throw new Error("broken");
    })();
  }
  startResponse("200 OK", [
    ["Content-Type", "text/plain"],
    ["Content-Length", `${total}`],
  ]);
  return (async function* () {
    for (let sent = 0; sent < total; sent += piece.length) yield piece;
  })();
};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(onion: Application, options: ServerOptions = {}): Promise<number> {
  const quiet = { write() {}, writelines() {}, flush() {} };
  const server = makeServer("127.0.0.1", 0, onion, { errors: quiet, shutdownSeconds: 1, ...options });
  const address = await server.listen();
  void server.serveForever();
  stops.push(() => server.shutdown());
  return address.kind === "tcp" ? address.port : 0;
}

function ask(port: number, path: string): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

describe("accessLog on a real socket", () => {
  const format = "%U %s %B %{outcome}x %{first_byte_ms}x %{total_ms}x";

  it("logs a whole response", async () => {
    const lines = new Lines();
    const socket = ask(await serve(validated(accessLog({ format, destination: lines }), app)), "/hello");
    await eventually(() => lines.all.length > 0);
    expect(lines.last).toMatch(/^\/hello 200 5 finished [\d.]+ [\d.]+$/);
    socket.destroy();
  });

  it("logs what was really sent of a stream whose client leaves, and for how long", async () => {
    const lines = new Lines();
    const socket = ask(await serve(accessLog({ format, destination: lines })(app)), "/stream");
    let received = 0;
    let head = -1;
    const startedAt = performance.now();
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      if (head === -1) head = chunk.indexOf("\r\n\r\n") + 4;
      received += chunk.length;
      if (received > 4 * 1024 * 1024) break;
    }
    socket.resetAndDestroy();
    await eventually(() => lines.all.length > 0);
    const passed = performance.now() - startedAt;
    const [path, status, bytes, outcome, firstByte, whole] = lines.last.split(" ");
    expect([path, status, outcome]).toEqual(["/stream", "200", "gone"]);
    // At least what has arrived, and far from all: what lies between is in the buffers of the system.
    expect(Number(bytes)).toBeGreaterThanOrEqual(received - head);
    expect(Number(bytes)).toBeLessThan(total);
    expect(Number(firstByte)).toBeLessThanOrEqual(Number(whole));
    expect(Number(whole)).toBeLessThanOrEqual(passed);
    expect(Number(whole)).toBeGreaterThan(0);
  });

  it("logs a stream that broke off", async () => {
    const lines = new Lines();
    const socket = ask(await serve(validated(accessLog({ format, destination: lines }), app)), "/breaks");
    socket.resume();
    await once(socket, "close");
    await eventually(() => lines.all.length > 0);
    expect(lines.last).toMatch(/^\/breaks 200 65536 failed /);
  });

  it("logs a request that the server cut off when it stopped", async () => {
    const lines = new Lines();
    const port = await serve(accessLog({ format, destination: lines })(app), { shutdownSeconds: 0 });
    const socket = ask(port, "/stream");
    await once(socket, "data");
    socket.pause();
    for (const stop of stops.splice(0)) await stop();
    await eventually(() => lines.all.length > 0);
    expect(lines.last).toMatch(/^\/stream 200 \d+ stopped /);
    socket.destroy();
  });

  it("writes one line for each request of many, to a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-log-"));
    try {
      const path = join(folder, "access.log");
      const log = logFile(path);
      const port = await serve(accessLog({ format: "%m %U%q %s %B", destination: log })(app));
      const socket = connect(port, "127.0.0.1");
      const requests = Array.from({ length: 500 }, (_, i) => `GET /hello?${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      socket.write(`${requests.join("")}GET /hello?last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      socket.resume();
      await once(socket, "close");
      await log.close();
      const expected = [...requests.keys(), "last"].map((i) => `GET /hello?${i} 200 5\n`);
      expect(readFileSync(path, "latin1")).toBe(expected.join(""));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
