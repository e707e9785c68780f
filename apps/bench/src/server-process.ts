// A server in a process of its own: `node server-process.js KIND`. Tells its port and answers questions over IPC.
import { createServer } from "node:http";
import { createServer as createPlainServer, type AddressInfo, type Server } from "node:net";
import type { Application } from "@gateway/core";
import { makeServer } from "@gateway/server";

const body = Buffer.from("Hello, world!\n");

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [body];
};

const piece = Buffer.alloc(64 * 1024, "x");

/** GET gives as many bytes as the query says; POST reads its body slowly. */
const streaming: Application = async (environ, startResponse) => {
  if (environ.REQUEST_METHOD === "POST") {
    let received = 0;
    let sincePause = 0;
    for await (const chunk of environ["wsgi.input"]) {
      received += chunk.length;
      sincePause += chunk.length;
      if (sincePause < 1024 * 1024) continue;
      sincePause = 0;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return [Buffer.from(`received ${received}`)];
  }
  const size = Number(environ.QUERY_STRING);
  startResponse("200 OK", [["Content-Length", `${size}`]]);
  return pieces(size);
};

function* pieces(size: number): Generator<Uint8Array> {
  for (let at = 0; at < size; at += piece.length) yield piece.subarray(0, Math.min(piece.length, size - at));
}

async function start(kind: string): Promise<number> {
  switch (kind) {
    case "gateway":
    case "gateway-streams": {
      const server = makeServer("127.0.0.1", 0, kind === "gateway" ? hello : streaming);
      const address = await server.listen();
      void server.serveForever();
      return address.kind === "tcp" ? address.port : 0;
    }
    case "node:http":
      return listen(
        createServer((_request, response) => {
          response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length });
          response.end(body);
        }),
      );
    case "node:net": {
      // The floor: a constant, whatever was asked.
      const constant = `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString()}`;
      return listen(
        createPlainServer({ noDelay: true }, (socket) => {
          socket.on("data", () => socket.write(constant, "latin1"));
          socket.on("error", () => {});
        }),
      );
    }
    default:
      throw new Error(`unknown server: ${kind}`);
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const port = await start(process.argv[2] ?? "");
process.on("message", (question: { collect?: boolean }) => {
  if (question.collect === true) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port });
