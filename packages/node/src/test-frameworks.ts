import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import multipart from "@fastify/multipart";
import { Router } from "@koa/router";
import connect from "connect";
import express, { type NextFunction, type Request, type Response } from "express";
import fastify, { type FastifyRequest } from "fastify";
import Koa from "koa";
import multer from "multer";
import type { NodeApplication, NodeListener } from "./from-node.ts";

const big = Buffer.alloc(1024 * 1024, "0123456789abcdef");
const cookies = ["a=1; Path=/", "b=2; HttpOnly", "a=3; Path=/x"];

/** Some pieces, with turns of the loop between them. */
async function* pieces(count: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < count; i++) {
    await turn();
    yield Buffer.from(`piece ${i}\n`);
  }
}

async function* brokenPieces(): AsyncGenerator<Buffer> {
  yield Buffer.from("begun");
  await turn();
  throw new Error("broken on purpose");
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What `/echo` answers. */
async function echoed(request: IncomingMessage): Promise<Buffer> {
  const body = await collect(request);
  return Buffer.concat([Buffer.from(`${request.method} ${body.length}\n`), body]);
}

/** An application as its users write one, and the same again for `fromNode`, so that no state is shared. */
interface Framework {
  readonly name: string;
  readonly make: () => Promise<{ readonly own: NodeListener; readonly given: NodeApplication }>;
}

export const frameworks: readonly Framework[] = [
  { name: "Express", make: async () => ({ own: expressApp(), given: expressApp() }) },
  { name: "Koa", make: async () => ({ own: koaApp().callback(), given: koaApp() }) },
  { name: "Connect", make: async () => ({ own: connectApp(), given: connectApp() }) },
  {
    name: "Fastify",
    async make() {
      const own = await fastifyApp().ready();
      return { own: (request, response) => own.routing(request, response), given: fastifyApp() };
    },
  },
  { name: "plain node:http", make: async () => ({ own: plainApp, given: plainApp }) },
];

function expressApp(): NodeListener {
  const app = express();
  // It writes each error to standard error unless it is under test.
  app.set("env", "test");
  app.use((_request: Request, response: Response, next: NextFunction) => {
    response.set("X-Middleware", "seen");
    next();
  });
  app.get("/", (_request: Request, response: Response) => void response.send("Hello"));
  app.get("/json", (_request: Request, response: Response) => void response.json({ a: 1, b: [true, null] }));
  app.get("/users/:id", (request: Request, response: Response) => void response.json([request.params["id"], request.query]));
  app.get("/about", (request: Request, response: Response) => {
    const { method, url, originalUrl, path, hostname, protocol, httpVersion, ip } = request;
    response.json({ method, url, originalUrl, path, hostname, protocol, httpVersion, ip, agent: request.get("user-agent") });
  });
  app.get("/cookies", (request: Request, response: Response) => {
    for (const cookie of cookies) response.append("Set-Cookie", cookie);
    response.cookie("d", "é f", { sameSite: "lax" });
    response.type("text").send(request.headers.cookie ?? "none");
  });
  app.get("/redirect", (_request: Request, response: Response) => response.redirect("/json?x=é"));
  app.get("/moved", (_request: Request, response: Response) => response.redirect(301, "/"));
  app.get("/stream", (_request: Request, response: Response) => void Readable.from(pieces(5)).pipe(response.type("text")));
  app.get("/big", (_request: Request, response: Response) => void Readable.from([big]).pipe(response.type("text")));
  app.get("/write", (_request: Request, response: Response) => {
    response.type("text").write("one ");
    response.write("two ", () => response.end("three"));
  });
  app.get("/empty", (_request: Request, response: Response) => void response.sendStatus(204));
  app.get("/teapot", (_request: Request, response: Response) => void response.status(418).send("short and stout"));
  app.get("/latin", (_request: Request, response: Response) => void response.set("X-Latin", "caf\u{E9}").send("ok"));
  app.get("/error", () => {
    throw new Error("thrown on purpose");
  });
  app.get("/rejects", async () => {
    await turn();
    throw Object.assign(new Error("forbidden on purpose"), { status: 403, stack: "where it was thrown" });
  });
  app.get("/broken", (_request: Request, response: Response) => {
    const source = Readable.from(brokenPieces());
    source.on("error", (error) => response.destroy(error));
    source.pipe(response.type("text"));
  });
  app.post("/json", express.json({ limit: "2kb" }), (request: Request, response: Response) => void response.json(request.body));
  app.post("/form", express.urlencoded(), (request: Request, response: Response) => void response.json(request.body));
  app.post("/upload", multer().any(), (request: Request, response: Response) => {
    const files = Array.isArray(request.files) ? request.files : [];
    response.json({
      fields: { ...request.body },
      files: files.map(({ fieldname, originalname, mimetype, size }) => [fieldname, originalname, mimetype, size]),
    });
  });
  // Handlers that give promises: Express 5, Koa and Fastify wait for them.
  app.all("/echo", (request: Request, response: Response) => echoed(request).then((body) => void response.type("text").send(body)));
  const mounted = express.Router();
  mounted.get(
    "/inner",
    (request: Request, response: Response) => void response.json([request.baseUrl, request.url, request.originalUrl]),
  );
  app.use("/mounted", mounted);
  return app;
}

function koaApp(): Koa {
  const app = new Koa();
  app.silent = true;
  const router = new Router();
  app.use(async (context, next) => {
    context.set("X-Middleware", "seen");
    await next();
  });
  router.get("/", (context) => void (context.body = "Hello"));
  router.get("/json", (context) => void (context.body = { a: 1, b: [true, null] }));
  router.get("/users/:id", (context) => void (context.body = [context["params"].id, context.query]));
  router.get("/about", (context) => {
    const { method, url, originalUrl, path, hostname, protocol, ip } = context.request;
    context.body = { method, url, originalUrl, path, hostname, protocol, ip, agent: context.get("user-agent") };
  });
  router.get("/cookies", (context) => {
    context.append("Set-Cookie", [...cookies]);
    context.cookies.set("d", "f", { sameSite: "lax" });
    context.body = context.get("cookie") || "none";
  });
  router.get("/redirect", (context) => context.redirect("/json?x=é"));
  router.get("/moved", (context) => {
    context.status = 301;
    context.redirect("/");
  });
  router.get("/stream", (context) => {
    context.type = "text";
    context.body = Readable.from(pieces(5));
  });
  router.get("/big", (context) => {
    context.type = "text";
    context.body = Readable.from([big]);
  });
  router.get("/write", async (context) => {
    await turn();
    context.body = Buffer.from("one two three");
  });
  router.get("/empty", (context) => void (context.status = 204));
  router.get("/teapot", (context) => {
    context.status = 418;
    context.body = "short and stout";
  });
  router.get("/latin", (context) => {
    context.set("X-Latin", "caf\u{E9}");
    context.body = "ok";
  });
  router.get("/error", () => {
    throw new Error("thrown on purpose");
  });
  router.get("/rejects", async (context) => {
    await turn();
    context.throw(403, "forbidden on purpose");
  });
  router.get("/broken", (context) => {
    context.type = "text";
    const source = Readable.from(brokenPieces());
    source.on("error", () => context.res.destroy());
    context.body = source;
  });
  router.post("/json", async (context) => {
    context.body = JSON.parse((await collect(context.req)).toString());
  });
  router.post("/form", async (context) => {
    context.body = Object.fromEntries(new URLSearchParams((await collect(context.req)).toString()));
  });
  router.all("/echo", async (context) => {
    context.type = "text";
    context.body = await echoed(context.req);
  });
  app.use(router.routes()).use(router.allowedMethods());
  return app;
}

function connectApp(): NodeListener {
  const app = connect();
  app.use((_request, response, next) => {
    response.setHeader("X-Middleware", "seen");
    next();
  });
  app.use("/mounted", (request, response) => {
    response.end(JSON.stringify([request.url, request.originalUrl]));
  });
  app.use("/rejects", (_request, _response, next) =>
    next(Object.assign(new Error("forbidden on purpose"), { status: 403, stack: "where it was thrown" })),
  );
  app.use("/error", () => {
    throw Object.assign(new Error("thrown on purpose"), { stack: "where it was thrown" });
  });
  app.use((request, response, next) => {
    if (request.url === "/" || request.url?.startsWith("/echo") === true) plainApp(request, response);
    else next();
  });
  return app;
}

function fastifyApp(): ReturnType<typeof fastify> {
  const app = fastify({ logger: false });
  void app.register(multipart);
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body.toString()))),
  );
  app.addContentTypeParser("application/octet-stream", (_request, _payload, done) => done(null));
  app.addHook("onRequest", async (_request, reply) => void reply.header("X-Middleware", "seen"));
  app.get("/", async () => "Hello");
  app.get("/json", async () => ({ a: 1, b: [true, null] }));
  app.get("/users/:id", async ({ params, query }) => [params, query]);
  app.get("/about", async ({ method, url, originalUrl, hostname, protocol, ip, headers }) => ({
    request: [method, url, originalUrl, hostname, protocol, ip],
    agent: headers["user-agent"],
  }));
  app.get("/cookies", async (request, reply) => {
    for (const cookie of cookies) reply.header("Set-Cookie", cookie);
    return request.headers.cookie ?? "none";
  });
  app.get("/redirect", async (_request, reply) => reply.redirect("/json?x=é"));
  app.get("/moved", async (_request, reply) => reply.redirect("/", 301));
  app.get("/stream", async (_request, reply) => reply.type("text/plain").send(Readable.from(pieces(5))));
  app.get("/big", async (_request, reply) => reply.type("text/plain").send(Readable.from([big])));
  app.get("/write", (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "Content-Type": "text/plain", "Transfer-Encoding": "chunked" });
    reply.raw.write("one ");
    reply.raw.end("two three");
  });
  app.get("/empty", async (_request, reply) => reply.code(204).send());
  app.get("/teapot", async (_request, reply) => reply.code(418).send("short and stout"));
  app.get("/latin", async (_request, reply) => reply.header("X-Latin", "caf\u{E9}").send("ok"));
  app.get("/error", async () => {
    throw new Error("thrown on purpose");
  });
  app.get("/rejects", async () => {
    await turn();
    throw Object.assign(new Error("forbidden on purpose"), { statusCode: 403 });
  });
  app.get("/broken", async (_request, reply) => reply.type("text/plain").send(Readable.from(brokenPieces())));
  app.post("/json", { bodyLimit: 2048 }, async ({ body }) => body);
  app.post("/form", async ({ body }) => body);
  app.post("/upload", (request) => partsOf(request));
  app.post("/echo", async ({ raw }, reply) => reply.type("text/plain").send(await echoed(raw)));
  return app;
}

async function partsOf(request: FastifyRequest): Promise<unknown[]> {
  const parts: unknown[] = [];
  for await (const part of request.parts()) {
    if (part.type === "file") parts.push([part.fieldname, part.filename, part.mimetype, (await part.toBuffer()).length]);
    else parts.push([part.fieldname, part.value]);
  }
  return parts;
}

/** What people write without a framework. */
async function plain(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  switch (pathname) {
    case "/":
      response.setHeader("Content-Type", "text/plain");
      response.end("Hello");
      break;
    case "/cookies":
      response.writeHead(200, "Fine", [
        "Content-Type",
        "text/plain",
        ...cookies.flatMap((cookie) => ["Set-Cookie", cookie]),
        "X-Twice",
        "1",
        "x-twice",
        "2",
      ]);
      response.end(request.headers.cookie);
      break;
    case "/stream":
      response.writeHead(200, {
        "Content-Type": "text/plain",
        "Transfer-Encoding": "chunked",
        Connection: "close",
        "Keep-Alive": "x",
      });
      for await (const piece of pieces(5)) response.write(piece);
      response.end();
      break;
    case "/big":
      response.setHeader("Content-Type", "text/plain");
      for (let at = 0; at < big.length; at += 40_000)
        if (!response.write(big.subarray(at, at + 40_000))) await new Promise((resolve) => response.once("drain", resolve));
      response.end();
      break;
    case "/write":
      response.flushHeaders();
      response.write("one ", "latin1");
      response.write(new Uint8Array([0x74, 0x77, 0x6f, 0x20]));
      response.end("dGhyZWU=", "base64");
      break;
    case "/empty":
      response.statusCode = 204;
      response.end();
      break;
    case "/broken":
      response.write("begun");
      await turn();
      response.destroy();
      break;
    case "/echo": {
      const body = await collect(request);
      response.setHeader("Content-Type", request.headers["content-type"] ?? "text/plain");
      response.write(`${request.method} ${body.length}\n`);
      response.end(body);
      break;
    }
    case "/about":
      response.end(
        JSON.stringify([request.method, request.url, request.headers.cookie, searchParams.get("q"), request.httpVersion]),
      );
      break;
    default:
      response.statusCode = 404;
      response.statusMessage = "Nothing Here";
      response.end();
  }
}

function plainApp(request: IncomingMessage, response: ServerResponse): void {
  void plain(request, response);
}
