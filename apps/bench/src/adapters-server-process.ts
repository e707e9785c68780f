// One server of the bench of adapters, on Node, Bun or Deno: `adapters-server-process.js KIND`. Prints its port.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { Application } from "@gateway/core";
import { fromFetch, toFetch } from "@gateway/fetch";

const text = "Hello, world!\n";
const body = Buffer.from(text);
const headers = { "Content-Type": "text/plain; charset=utf-8" };

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [body];
};

const bareFetch = (): Response => new Response(text, { headers });

const bareListener: RequestListener = (_request, response) => {
  response.writeHead(200, { ...headers, "Content-Length": body.length });
  response.end(body);
};

/** What this uses of the servers of Bun and Deno. */
interface OtherRuntimes {
  readonly Bun?: { serve(options: object): { readonly port: number } };
  readonly Deno?: { serve(options: object, handler: unknown): { readonly addr: { readonly port: number } } };
}

async function start(kind: string): Promise<number> {
  switch (kind) {
    case "bare fetch":
      return serveFetch(bareFetch);
    case "toFetch":
      return serveFetch(toFetch(hello));
    case "node:http":
      return listen(bareListener);
    case "toNode":
      return listen((await import("@gateway/node")).toNode(hello));
    case "fromNode":
      return serve((await import("@gateway/node")).fromNode(bareListener));
    case "Express":
      return listen(await express());
    case "fromNode(Express)":
      return serve((await import("@gateway/node")).fromNode(await express()));
    case "Hono":
      return serveHono(true);
    case "fromFetch(Hono)":
      return serve(fromFetch(await hono()));
    case "fromFetch(Hono), light":
      (await import("@gateway/fetch/light")).useLightObjects();
      return serve(fromFetch(await hono()));
    case "Hono, real":
      return serveHono(false);
    default:
      throw new Error(`unknown server: ${kind}`);
  }
}

async function express(): Promise<RequestListener> {
  const app = (await import("express")).default();
  // What the others do not do.
  app.disable("etag").disable("x-powered-by");
  return app.get("/", (_request, response) => {
    response.type("text/plain").send(body);
  });
}

async function hono(): Promise<{ fetch(request: Request): Response | Promise<Response> }> {
  const { Hono } = await import("hono");
  return new Hono().get("/", (context) => context.text(text));
}

/** On its own server, with its own `Request` and `Response`, as it comes, or with those of the platform. */
async function serveHono(overrideGlobalObjects: boolean): Promise<number> {
  const { serve: serveHono } = await import("@hono/node-server");
  const app = await hono();
  return new Promise((resolve) => {
    serveHono({ fetch: (request) => app.fetch(request), port: 0, hostname: "127.0.0.1", overrideGlobalObjects }, ({ port }) =>
      resolve(port),
    );
  });
}

async function serve(app: Application): Promise<number> {
  const { makeServer } = await import("@gateway/server");
  const server = makeServer("127.0.0.1", 0, app);
  const address = await server.listen();
  void server.serveForever();
  return address.kind === "tcp" ? address.port : 0;
}

function serveFetch(fetch: (request: Request) => unknown): number {
  const { Bun, Deno } = globalThis as OtherRuntimes;
  if (Bun !== undefined) return Bun.serve({ port: 0, hostname: "127.0.0.1", fetch }).port;
  if (Deno === undefined) throw new Error("neither Bun nor Deno");
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, fetch).addr.port;
}

function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

console.log(`port ${await start(process.argv[2] ?? "")}`);
