// A server in a process of its own, whose access log is switched on and off: `node logging-server-process.js KIND`.
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application } from "@gateway/core";
import { accessLog } from "@gateway/logging";
import { makeServer } from "@gateway/server";
import morgan from "morgan";
import pino from "pino";
import { pinoHttp } from "pino-http";

const folder = mkdtempSync(join(tmpdir(), "gateway-logging-"));
const file = join(folder, "access.log");
process.on("SIGTERM", () => process.exit(0));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const body = Buffer.from("Hello, world!\n");

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [body];
};

const bare: RequestListener = (_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length });
  response.end(body);
};

let isLogged = false;

/** The same application alone and behind a log: ours, and those of the peers. */
const kinds: Readonly<Record<string, () => Promise<number>>> = {
  "gateway combined": () => serve(accessLog({ format: "combined", file })(hello)),
  "gateway timed": () => serve(accessLog({ file })(hello)),
  "gateway json": () => serve(accessLog({ format: "json", file })(hello)),
  morgan: () => {
    const log = morgan("combined", { stream: createWriteStream(file, { flags: "a" }) });
    return listen((request, response) => log(request, response, () => bare(request, response)));
  },
  "pino-http": () => {
    // As its documentation has it for speed: asynchronous, and in batches.
    const log = pinoHttp({ logger: pino(pino.destination({ dest: file, sync: false, minLength: 4096 })) });
    return listen((request, response) => log(request, response, () => bare(request, response)));
  },
};

async function serve(logged: Application): Promise<number> {
  const server = makeServer("127.0.0.1", 0, (environ, startResponse) =>
    isLogged ? logged(environ, startResponse) : hello(environ, startResponse),
  );
  const address = await server.listen();
  void server.serveForever();
  return address.kind === "tcp" ? address.port : 0;
}

function listen(logged: RequestListener): Promise<number> {
  const server = createServer((request, response) => (isLogged ? logged(request, response) : bare(request, response)));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const start = kinds[process.argv[2] ?? ""];
if (start === undefined) throw new Error(`unknown server: ${process.argv[2]}`);
const port = await start();
process.on("message", (question: { isLogged?: boolean }) => {
  isLogged = question.isLogged ?? isLogged;
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port });
