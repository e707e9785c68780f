// A server in a process of its own: `node gateways-server-process.js PROTOCOL`. Tells its port and answers questions over IPC.
import type { Application } from "@gateway/core";
import { makeServer as makeFastcgiServer } from "@gateway/fastcgi";
import { makeServer as makeHttpServer } from "@gateway/server";

const body = Buffer.from("Hello, world!\n");

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [body];
};

const makeServer = process.argv[2] === "fastcgi" ? makeFastcgiServer : makeHttpServer;
const server = makeServer("127.0.0.1", 0, hello);
const address = await server.listen();
void server.serveForever();
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: address.kind === "tcp" ? address.port : 0 });
