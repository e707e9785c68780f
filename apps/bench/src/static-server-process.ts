// A server of files in a process of its own: `node static-server-process.js KIND ROOT`. Tells its port and answers questions over IPC.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import fastifyStatic from "@fastify/static";
import type { Application } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { staticFiles } from "@gateway/static";
import fastify from "fastify";
import serveStatic from "serve-static";
import sirv from "sirv";

const notFound: Application = (_environ, startResponse) => {
  startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
  return [Buffer.from("There is no such file.\n")];
};

async function start(kind: string, root: string): Promise<number> {
  switch (kind) {
    case "gateway":
    case "gateway, 16 MiB in memory": {
      const options = kind === "gateway" ? {} : { maxCachedFileBytes: 16 * 1024 * 1024 };
      const server = makeServer("127.0.0.1", 0, staticFiles(root, options)(notFound));
      const address = await server.listen();
      void server.serveForever();
      return address.kind === "tcp" ? address.port : 0;
    }
    case "sirv": {
      const serve = sirv(root, {
        etag: true,
        setHeaders(response) {
          response.setHeader("Cache-Control", "no-cache");
          response.setHeader("Accept-Ranges", "bytes");
          response.setHeader("X-Content-Type-Options", "nosniff");
        },
      });
      return listen((request, response) => serve(request, response, () => void response.writeHead(404).end()));
    }
    case "serve-static": {
      const serve = serveStatic(root, {
        cacheControl: false,
        setHeaders(response) {
          response.setHeader("Cache-Control", "no-cache");
          response.setHeader("X-Content-Type-Options", "nosniff");
        },
      });
      return listen((request, response) => serve(request, response, () => void response.writeHead(404).end()));
    }
    case "@fastify/static": {
      const app = fastify();
      await app.register(fastifyStatic, {
        root,
        cacheControl: false,
        setHeaders(response) {
          response.setHeader("Cache-Control", "no-cache");
          response.setHeader("X-Content-Type-Options", "nosniff");
        },
      });
      await app.listen({ port: 0, host: "127.0.0.1" });
      return (app.server.address() as AddressInfo).port;
    }
    default:
      throw new Error(`unknown server: ${kind}`);
  }
}

function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const [, , kind = "", root = ""] = process.argv;
const port = await start(kind, root);
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port });
