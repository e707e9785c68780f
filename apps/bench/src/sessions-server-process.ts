// A server in a process of its own: `node sessions-server-process.js KIND [REDIS-SOCKET]`. Reads a counter, adds one, and saves it. Tells its port and answers questions over IPC.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fastifySecureSession from "@fastify/secure-session";
import type { Application, Environ } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { sessions, type SessionEnviron } from "@gateway/sessions";
import { memoryStore } from "@gateway/sessions/memory-store";
import { redisStore } from "@gateway/sessions/redis-store";
import { RedisStore } from "connect-redis";
import cookieSession from "cookie-session";
import type { Request, Response } from "express";
import expressSession from "express-session";
import fastify from "fastify";
import { createClient } from "redis";

declare module "express-session" {
  interface SessionData {
    count: number;
  }
}
declare module "@fastify/secure-session" {
  interface SessionData {
    count: number;
  }
}

const secret = "thirty-two octets or more, for the bench";

const bare: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("1")];
};

const counting: Application<Environ & SessionEnviron<{ count: number }>> = (environ, startResponse) => {
  const session = environ["gateway.session"];
  const count = (session.get("count") ?? 0) + 1;
  session.set("count", count);
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(String(count))];
};

async function serveGateway(app: Application): Promise<number> {
  const server = makeServer("127.0.0.1", 0, app);
  const address = await server.listen();
  void server.serveForever();
  return address.kind === "tcp" ? address.port : 0;
}

function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer(handler);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function answer(response: ServerResponse, text: string): void {
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": text.length });
  response.end(text);
}

/** A middleware of Express on bare `node:http`: nothing of Express itself is measured. */
function serveExpress(middleware: ReturnType<typeof expressSession>): Promise<number> {
  return listen((request, response) => {
    void middleware(request as Request, response as Response, () => {
      const { session } = request as Request;
      session.count = (session.count ?? 0) + 1;
      answer(response, String(session.count));
    });
  });
}

async function connected(path: string): Promise<ReturnType<typeof createClient>> {
  const client = createClient({ socket: { path, tls: false } });
  await client.connect();
  return client as ReturnType<typeof createClient>;
}

async function start(kind: string, redis: string): Promise<number> {
  const options = { secret, resave: false, saveUninitialized: false };
  switch (kind) {
    case "gateway":
      return serveGateway(bare);
    case "gateway, sealed cookie":
      return serveGateway(sessions<{ count: number }>({ secret })(counting));
    case "gateway, memory store":
      return serveGateway(sessions<{ count: number }>({ secret, store: memoryStore() })(counting));
    case "gateway, Redis store":
      return serveGateway(sessions<{ count: number }>({ secret, store: redisStore({ client: await connected(redis) }) })(counting));
    case "node:http":
      return listen((_request, response) => answer(response, "1"));
    case "express-session, memory store":
      return serveExpress(expressSession(options));
    case "express-session, connect-redis":
      return serveExpress(expressSession({ ...options, store: new RedisStore({ client: await connected(redis) }) }));
    case "cookie-session": {
      const middleware = cookieSession({ keys: [secret] });
      return listen((request, response) => {
        void middleware(request as Request, response as Response, () => {
          const session = (request as { session?: { count?: number } }).session ?? {};
          session.count = (session.count ?? 0) + 1;
          answer(response, String(session.count));
        });
      });
    }
    case "fastify":
    case "@fastify/secure-session": {
      const app = fastify();
      if (kind === "fastify") app.get("/", (_request, reply) => reply.type("text/plain").send("1"));
      else {
        await app.register(fastifySecureSession, { key: Buffer.alloc(32, secret), cookie: { path: "/", httpOnly: true } });
        app.get("/", (request, reply) => {
          const count = (request.session.get("count") ?? 0) + 1;
          request.session.set("count", count);
          return reply.type("text/plain").send(String(count));
        });
      }
      return Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
    }
    default:
      throw new Error(`unknown server: ${kind}`);
  }
}

const port = await start(process.argv[2] ?? "", process.argv[3] ?? "");
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port });
