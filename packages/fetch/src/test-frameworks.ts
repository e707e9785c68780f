import type { RequestListener } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { H3, HTTPError, appendResponseHeader, redirect, toNodeHandler } from "h3/node";
import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import { HTTPException } from "hono/http-exception";
import { streamText } from "hono/streaming";
import { AutoRouter, error, type IRequest } from "itty-router";
import type { FetchHandler } from "./from-fetch.ts";

const big = new Uint8Array(1024 * 1024).fill(0x61);
const cookies = ["a=1; Path=/", "b=2; HttpOnly", "a=3; Path=/x"];
const encoder = new TextEncoder();
const plainText = { "Content-Type": "text/plain" };

/** Some pieces, with turns of the loop between them. */
function pieces(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      await turn();
      if (sent === count) controller.close();
      else controller.enqueue(encoder.encode(`piece ${sent++}\n`));
    },
  });
}

function brokenPieces(): ReadableStream<Uint8Array> {
  let isBegun = false;
  return new ReadableStream({
    async pull(controller) {
      await turn();
      if (isBegun) controller.error(new Error("broken on purpose"));
      else controller.enqueue(encoder.encode("begun"));
      isBegun = true;
    },
  });
}

async function uploaded(request: Request): Promise<unknown[]> {
  const fields: unknown[] = [];
  for (const [name, value] of await request.formData())
    fields.push(typeof value === "string" ? [name, value] : [name, value.name, value.type, value.size]);
  return fields;
}

async function asJson(value: Promise<unknown>): Promise<Response> {
  return Response.json(await value);
}

async function echo(request: Request): Promise<Response> {
  const body = new Uint8Array(await request.arrayBuffer());
  const type = request.headers.get("content-type") ?? "text/plain";
  return new Response(`${request.method} ${body.length}\n${new TextDecoder("latin1").decode(body)}`, {
    headers: { "Content-Type": type },
  });
}

/** An application as its users write one, on the node server that its project recommends. */
interface Framework {
  readonly name: string;
  readonly own: RequestListener;
  readonly given: FetchHandler;
  /** Its node server leaves the reason phrase out, and makes a `Response` of its own that writes types with a space. */
  readonly isLoose?: true;
}

const hono = honoApp();
const h3 = h3App();
const itty = ittyApp();
const onHono = (fetch: (request: Request) => Response | Promise<Response>): RequestListener => {
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
  return (request, response) => void listener(request, response);
};
const onH3 = toNodeHandler(h3);

export const frameworks: readonly Framework[] = [
  { name: "Hono", own: onHono((request) => hono.fetch(request)), given: hono },
  { name: "h3", own: (request, response) => void onH3(request, response), given: h3, isLoose: true },
  { name: "itty-router", own: onHono((request) => itty.fetch(request)), given: itty },
  { name: "a plain function", own: onHono(plain), given: plain },
];

function honoApp(): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header("X-Middleware", "seen");
  });
  app.get("/", (context) => context.text("Hello"));
  app.get("/json", (context) => context.json({ a: 1, b: [true, null] }));
  app.get("/users/:id", (context) => context.json([context.req.param("id"), context.req.queries()]));
  app.get("/about", ({ json, req }) => json([req.method, req.url, req.path, req.header("user-agent"), req.query("q")]));
  app.get("/cookies", (context) => {
    for (const cookie of cookies) context.header("Set-Cookie", cookie, { append: true });
    setCookie(context, "d", "é f", { sameSite: "Lax" });
    return context.text(context.req.header("cookie") ?? "none");
  });
  app.get("/redirect", (context) => context.redirect("/json?x=1"));
  app.get("/moved", (context) => context.redirect("/", 301));
  app.get("/stream", (context) =>
    streamText(context, async (stream) => {
      for (let i = 0; i < 5; i++) {
        await turn();
        await stream.writeln(`piece ${i}`);
      }
    }),
  );
  app.get("/big", (context) => context.body(big, 200, plainText));
  app.get("/write", (context) => context.html("<p>one</p>"));
  app.get("/empty", (context) => context.body(null, 204));
  app.get("/teapot", (context) => context.text("short and stout", 418));
  app.get("/latin", (context) => context.text("ok", 200, { "X-Latin": "caf\u{E9}" }));
  app.get("/error", () => {
    throw new Error("thrown on purpose");
  });
  app.onError((thrown, context) => (thrown instanceof HTTPException ? thrown.getResponse() : context.text("sorry", 500)));
  app.get("/rejects", async () => {
    await turn();
    throw new HTTPException(403, { message: "forbidden on purpose" });
  });
  app.get("/broken", (context) => context.body(brokenPieces(), 200, plainText));
  app.post("/json", async (context) => context.json(await context.req.json()));
  app.post("/form", async (context) => context.json(await context.req.parseBody()));
  app.post("/upload", async (context) => context.json(await uploaded(context.req.raw)));
  app.post("/echo", (context) => echo(context.req.raw));
  app.route(
    "/mounted",
    new Hono().get("/inner", (context) => context.text(context.req.url)),
  );
  return app;
}

function h3App(): H3 {
  const app = new H3({ silent: true });
  app.use((event) => event.res.headers.set("X-Middleware", "seen"));
  app.get("/", () => "Hello");
  app.get("/json", () => ({ a: 1, b: [true, null] }));
  app.get("/users/:id", (event) => [event.context.params?.["id"], event.url.search]);
  app.get("/about", ({ req }) => [req.method, req.url, req.headers.get("user-agent")]);
  app.get("/cookies", (event) => {
    for (const cookie of cookies) appendResponseHeader(event, "Set-Cookie", cookie);
    return event.req.headers.get("cookie") ?? "none";
  });
  app.get("/redirect", () => redirect("/json?x=1"));
  app.get("/moved", () => redirect("/", 301));
  app.get("/stream", () => pieces(5));
  app.get("/big", () => big);
  // No 204: its node server sends one with a Content-Length, which the client of the test takes for what it is.
  app.get("/teapot", (event) => {
    event.res.status = 418;
    return "short and stout";
  });
  app.get("/error", () => {
    throw new Error("thrown on purpose");
  });
  app.get("/rejects", async () => {
    await turn();
    throw new HTTPError({ status: 403, message: "forbidden on purpose" });
  });
  app.get("/broken", () => brokenPieces());
  app.post("/json", (event) => event.req.json());
  app.post("/form", async (event) => Object.fromEntries(await event.req.formData()));
  app.post("/upload", (event) => uploaded(event.req));
  app.post("/echo", (event) => echo(event.req));
  return app;
}

function ittyApp(): { fetch(request: Request): Promise<Response> } {
  const router = AutoRouter({
    finally: [
      (response: Response) => {
        response.headers.set("X-Middleware", "seen");
        return response;
      },
    ],
  });
  router
    .get("/", () => new Response("Hello"))
    .get("/json", () => Response.json({ a: 1, b: [true, null] }))
    .get("/users/:id", ({ params, query }: IRequest) => Response.json([params, query]))
    .get("/about", ({ method, url }: IRequest) => Response.json([method, url]))
    .get("/cookies", ({ headers }: IRequest) => {
      const response = new Response(headers.get("cookie"), { headers: plainText });
      for (const cookie of cookies) response.headers.append("Set-Cookie", cookie);
      return response;
    })
    .get("/moved", () => new Response(null, { status: 301, headers: { Location: "/" } }))
    .get("/stream", () => new Response(pieces(5), { headers: plainText }))
    .get("/big", () => new Response(big, { headers: plainText }))
    .get("/empty", () => new Response(null, { status: 204 }))
    .get("/error", () => {
      throw new Error("thrown on purpose");
    })
    .get("/rejects", async () => {
      await turn();
      return error(403, "forbidden on purpose");
    })
    .get("/broken", () => new Response(brokenPieces(), { headers: plainText }))
    .post("/json", (request: IRequest) => asJson(request.json()))
    .post("/upload", (request: IRequest) => asJson(uploaded(request)))
    .post("/echo", (request: IRequest) => echo(request));
  return { fetch: (request) => router.fetch(request) };
}

async function plain(request: Request): Promise<Response> {
  switch (new URL(request.url).pathname) {
    case "/":
      return new Response("Hello", {
        headers: [
          ["X-Twice", "1"],
          ["X-Twice", "2"],
        ],
      });
    case "/write":
      return new Response(new Blob(["one ", "two ", "three"], { type: "text/plain" }), { status: 203 });
    case "/stream":
      return new Response(pieces(5), { headers: { ...plainText, Connection: "close", "Keep-Alive": "timeout=5" } });
    case "/form":
      return new Response(
        new URLSearchParams(
          [...(await request.formData())].map(([name, value]) => [name, value instanceof File ? value.name : value]),
        ),
      );
    case "/echo":
      return echo(request);
    case "/empty":
      return new Response(null, { status: 205 });
    default:
      return new Response("nothing here", { status: 404, headers: plainText });
  }
}
