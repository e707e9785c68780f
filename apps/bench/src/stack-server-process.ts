// A server in a process of its own: `node stack-server-process.js KIND FOLDER`. Says hello, with a whole stack around it. Tells its port and answers questions over IPC.
import { createWriteStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import fastifyCompress from "@fastify/compress";
import fastifySecureSession from "@fastify/secure-session";
import fastifyStatic from "@fastify/static";
import { compose, type Application } from "@gateway/core";
import { gzip } from "@gateway/gzip";
import { accessLog } from "@gateway/logging";
import { router } from "@gateway/router";
import { makeServer } from "@gateway/server";
import { sessions } from "@gateway/sessions";
import { staticFiles } from "@gateway/static";
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import KoaRouter from "@koa/router";
import compression from "compression";
import cookieSession from "cookie-session";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { compress as honoCompress } from "hono/compress";
import { getSignedCookie } from "hono/cookie";
import { logger as honoLogger } from "hono/logger";
import Koa from "koa";
import koaCompress from "koa-compress";
import koaSession from "koa-session";
import koaStatic from "koa-static";
import morgan from "morgan";
import serveStaticFiles from "serve-static";

const [, , kind = "", folder = ""] = process.argv;
const logPath = join(folder, `${kind.replaceAll(/\W/g, "-")}.log`);
const publicFolder = join(folder, "public");
const secret = "thirty-two octets or more, for the bench";
const text = "Hello, world!\n";
const body = Buffer.from(text);
const type = "text/plain; charset=utf-8";

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", type]]);
  return [body];
};

async function serveGateway(app: Application): Promise<number> {
  const server = makeServer("127.0.0.1", 0, app);
  const address = await server.listen();
  void server.serveForever();
  return address.kind === "tcp" ? address.port : 0;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function start(): Promise<number> {
  switch (kind) {
    case "gateway, bare":
      return serveGateway(hello);
    case "gateway":
      return serveGateway(
        compose(
          accessLog({ file: logPath, format: "combined" }),
          gzip(),
          staticFiles(publicFolder),
          sessions({ secret }),
        )(router([["/", hello, { methods: ["GET"] }]])),
      );
    case "node:http, bare":
      return listen(
        createServer((_request, response) => {
          response.writeHead(200, { "Content-Type": type, "Content-Length": body.length });
          response.end(body);
        }),
      );
    case "fastify": {
      // Its own logger, with a line for each request that it begins and one for each that it ends.
      const app = fastify({ logger: { level: "info", file: logPath } });
      await app.register(fastifyCompress);
      await app.register(fastifySecureSession, { key: Buffer.alloc(32, secret), cookie: { path: "/", httpOnly: true } });
      await app.register(fastifyStatic, { root: publicFolder, wildcard: true, prefix: "/" });
      app.get("/", { exposeHeadRoute: false }, (_request, reply) => reply.type(type).send(body));
      return Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
    }
    case "hono": {
      const log = createWriteStream(logPath, { flags: "a" });
      const app = new Hono();
      app.use(honoLogger((line) => void log.write(`${line}\n`)));
      app.use(honoCompress());
      app.use("*", serveStatic({ root: publicFolder }));
      // It has no sessions of its own: this is what they all begin with.
      app.use(async (context, next) => {
        await getSignedCookie(context, secret, "session");
        await next();
      });
      app.get("/", (context) => context.body(text, 200, { "Content-Type": type, "Content-Length": String(body.length) }));
      return new Promise((resolve) => {
        serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port));
      });
    }
    case "koa": {
      const log = createWriteStream(logPath, { flags: "a" });
      const line = morgan("combined", { stream: log });
      const app = new Koa();
      app.keys = [secret];
      app.use(async (context, next) => {
        await new Promise<void>((resolve) => {
          line(context.req, context.res, () => resolve());
        });
        await next();
      });
      app.use(koaCompress());
      app.use(koaStatic(publicFolder));
      app.use(koaSession(app));
      const routes = new KoaRouter();
      routes.get("/", (context) => {
        context.type = type;
        context.body = body;
      });
      app.use(routes.routes());
      return listen(createServer(app.callback()));
    }
    case "express": {
      const log = createWriteStream(logPath, { flags: "a" });
      const app = express();
      app.disable("x-powered-by");
      app.disable("etag");
      app.use(morgan("combined", { stream: log }));
      app.use(compression());
      app.use(serveStaticFiles(publicFolder));
      app.use(cookieSession({ keys: [secret] }));
      app.get("/", (_request, response) => void response.type(type).send(body));
      return listen(createServer(app));
    }
    default:
      throw new Error(`unknown server: ${kind}`);
  }
}

const port = await start();
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port });
