// A server that codes its answers, in a process of its own: `node gzip-server-process.js PEER BODY`. Tells its port and answers questions.
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { Application } from "@gateway/core";
import { gzip } from "@gateway/gzip";
import { makeServer } from "@gateway/server";
import compression from "compression";
import express from "express";
import { jsonBody, type BodyKind } from "./gzip-bodies.ts";

interface HonoApp {
  use(middleware: unknown): void;
  get(path: string, handler: (context: HonoContext) => unknown): void;
  readonly fetch: unknown;
}

interface HonoContext {
  body(body: Uint8Array, status: number, headers: Readonly<Record<string, string>>): unknown;
}

// Its types are of the web: they do not compile without the library of a browser.
const require = createRequire(import.meta.url);
const { Hono } = require("hono") as { readonly Hono: new () => HonoApp };
const { compress } = require("hono/compress") as { readonly compress: () => unknown };
const { getRequestListener } = require("@hono/node-server") as { readonly getRequestListener: (fetch: unknown) => RequestListener };

const body = jsonBody((process.argv[3] ?? "repositories") as BodyKind);

const app: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  return [body];
};

async function start(peer: string): Promise<number> {
  switch (peer) {
    case "none":
      return serve(app);
    case "gateway":
      return serve(gzip()(app));
    case "gateway, their level":
      return serve(gzip({ levels: { gzip: 6, br: 4 } })(app));
    case "gateway, their level, in the pool":
      return serve(gzip({ levels: { gzip: 6, br: 4 }, syncBytes: 0 })(app));
    case "express + compression": {
      const server = express();
      server.use(compression());
      // As little as express can do: no entity tag is made of the body, which would cost a hash.
      server.get("/", (_request, response) => {
        response.setHeader("Content-Type", "application/json");
        response.end(body);
      });
      return listen(server);
    }
    case "hono/compress": {
      const server = new Hono();
      server.use(compress());
      server.get("/", (context) => context.body(body, 200, { "Content-Type": "application/json" }));
      return listen(getRequestListener(server.fetch));
    }
    default:
      throw new Error(`unknown server: ${peer}`);
  }
}

async function serve(application: Application): Promise<number> {
  const server = makeServer("127.0.0.1", 0, application);
  const address = await server.listen();
  void server.serveForever();
  return address.kind === "tcp" ? address.port : 0;
}

function listen(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener).listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const port = await start(process.argv[2] ?? "");
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port });
