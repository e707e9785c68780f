import { setImmediate as turn } from "node:timers/promises";
import { HTTPError, layer } from "@gateway/core";
import { inputStream } from "@gateway/core/gateway";
import { client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import express, { type Request, type Response as ExpressResponse } from "express";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { fromNode, type NodeApplication } from "./from-node.ts";

const text = { "Content-Type": "text/plain" };

function on(app: NodeApplication): ReturnType<typeof client> {
  return client(validator(fromNode(app)));
}

/** Turns the body around, and tells no length: as a layer that decodes bodies does. */
const reversed = layer((app) => (environ, startResponse) => {
  const input = environ["wsgi.input"];
  let isRead = false;
  environ.CONTENT_LENGTH = undefined;
  environ["wsgi.input"] = inputStream({
    async pull() {
      if (isRead) return undefined;
      isRead = true;
      const bytes = await input.read();
      return bytes.length === 0 ? undefined : bytes.toReversed();
    },
  });
  return app(environ, startResponse);
});

/** Refuses each body when it is read. */
const refuses = layer((app) => (environ, startResponse) => {
  environ["wsgi.input"] = inputStream({
    pull() {
      throw new HTTPError(413, "Too much of it.");
    },
  });
  return app(environ, startResponse);
});

describe("the body of a request, from fromNode", () => {
  it("is there where a layer has replaced it and dropped its length, for parsers too", async () => {
    const site = express();
    site.use(express.json());
    site.use(
      (request: Request, response: ExpressResponse) =>
        void response.json([request.headers["transfer-encoding"] ?? "none", request.body]),
    );
    const http = client(validator(reversed(validator(fromNode(site)))));
    const json = { "Content-Type": "application/json" };
    expect((await http.post("/", { body: '}1:"a"{', headers: json })).json()).toEqual(["chunked", { a: 1 }]);
    expect((await http.request("DELETE", "/")).json()).toEqual(["none", null]);
    const app = fastify();
    app.delete("/", async ({ body }) => [body ?? "none"]);
    app.post("/", async ({ body }) => [body ?? "none"]);
    const other = client(validator(reversed(validator(fromNode(app)))));
    expect((await other.request("DELETE", "/")).json()).toEqual(["none"]);
    expect((await other.post("/", { body: '}1:"a"{', headers: json })).json()).toEqual([{ a: 1 }]);
  });

  it("answers what it was refused for, whatever the handler does about it", async () => {
    const site = express();
    site.set("env", "test");
    site.use(express.json());
    site.post("/", (request: Request, response: ExpressResponse) => void response.json(request.body));
    const handlers: readonly NodeApplication[] = [
      site,
      (request) => void request.resume(),
      async (request, response) => {
        for await (const chunk of request) response.write(chunk);
        response.end();
      },
      async (request, response) => {
        try {
          for await (const chunk of request) response.write(chunk);
        } catch {
          response.writeHead(400, text).end("not this");
        }
      },
    ];
    for (const handler of handlers) {
      const http = client(validator(refuses(validator(fromNode(handler)))));
      const response = await http.post("/", { json: { a: 1 }, errors: "ignore" });
      expect([response.status, response.text()]).toEqual([413, "Too much of it.\n"]);
    }
  });

  it("breaks a response off that has begun", async () => {
    const http = client(
      validator(
        refuses(
          validator(
            fromNode((request, response) => {
              response.writeHead(200, text).write("begun");
              setImmediate(() => request.resume());
            }),
          ),
        ),
      ),
    );
    await expect(http.post("/", { body: "a", errors: "ignore" })).rejects.toBeInstanceOf(ResponseAborted);
  });
});

describe("a listener, in fromNode", () => {
  it("may throw after its head, which breaks the response off where the head has gone", async () => {
    const later = on(async (_request, response) => {
      response.writeHead(200, text).write("begun");
      await turn();
      throw new Error("on purpose");
    });
    await expect(later.get("/", { errors: "expected" })).rejects.toBeInstanceOf(ResponseAborted);
    // What is written in one turn of the loop goes at the end of it.
    const atOnce = on((_request, response) => {
      response.writeHead(200, text).write("begun");
      throw new Error("on purpose");
    });
    expect((await atOnce.get("/", { errors: "expected" })).status).toBe(500);
  });

  it("may throw after its end: the response is sent, and the error reported", async () => {
    const listeners: readonly NodeApplication[] = [
      (_request, response) => {
        response.writeHead(200, text).end("whole");
        throw new Error("on purpose");
      },
      async (_request, response) => {
        response.writeHead(200, text).end("whole");
        throw new Error("on purpose");
      },
    ];
    for (const listener of listeners) {
      const response = await on(listener).get("/", { errors: "expected" });
      expect([response.text(), response.errors]).toEqual(["whole", expect.stringContaining("on purpose")]);
    }
  });

  it("is an error where it ends without a head that can be sent", async () => {
    const listeners: readonly NodeApplication[] = [
      (_request, response) => void response.writeHead(101, { Upgrade: "websocket" }).end(),
      (_request, response) => {
        response.socket?.destroy();
        response.end("to nobody");
      },
    ];
    for (const listener of listeners) expect((await on(listener).get("/", { errors: "expected" })).status).toBe(500);
  });

  it("is an error where its length is wrong, or its body where there is none", async () => {
    const short = await on((_request, response) => void response.writeHead(200, { ...text, "Content-Length": 9 }).end("short")).get(
      "/",
      {
        errors: "expected",
      },
    );
    expect(short.status).toBe(500);
    for (const status of [204, 304]) {
      const response = await on((_request, response) => void response.writeHead(status).end("dropped")).get("/");
      expect([response.status, response.bytes.length]).toEqual([status, 0]);
    }
    const head = await on(
      (_request, response) => void response.writeHead(200, { ...text, "Content-Length": 5 }).end("hello"),
    ).request("HEAD", "/");
    expect([head.headers.get("content-length"), head.bytes.length]).toEqual(["5", 0]);
  });

  it("sees what every recipient goes by, whatever Connection names", async () => {
    const http = on((request, response) => void response.writeHead(200, text).end(JSON.stringify(request.headers)));
    const sent: [string, string][] = [
      ["Authorization", "Basic YQ=="],
      ["Content-Length", "1"],
      ["Content-Type", "text/plain"],
      ["Cookie", "a=1"],
      ["Host", "a"],
      ["X-Forwarded-For", "10.0.0.1"],
    ];
    const headers: [string, string][] = [
      ["Connection", `X-Mine, ${sent.map(([name]) => name).join(",")}`],
      ["X-Mine", "1"],
      ...sent.filter(([name]) => name !== "Content-Length"),
    ];
    expect((await http.post("/", { body: "a", headers })).json()).toEqual(
      Object.fromEntries(sent.map(([name, value]) => [name.toLowerCase(), value])),
    );
  });

  it("sends the octets of a value as they are, but for blanks around it", async () => {
    const http = on(
      (_request, response) => void response.writeHead(200, { ...text, "X-A": " \u{A0}a\u{A0} \t" }).end(Buffer.from("ok")),
    );
    expect((await http.get("/")).headers.get("x-a")).toBe("\u{A0}a\u{A0}");
  });
});
