import type { IncomingMessage, ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { layer } from "@gateway/core";
import { client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import express, { type Request, type Response as ExpressResponse } from "express";
import { describe, expect, it } from "vitest";
import { fromNode, type NodeApplication } from "./from-node.ts";
import { environOf } from "./incoming-request.ts";

function on(app: NodeApplication): ReturnType<typeof client> {
  return client(validator(fromNode(app)));
}

const text = { "Content-Type": "text/plain" };

describe("fromNode", () => {
  it("stays synchronous for a listener that ends its response at once", async () => {
    const app = fromNode((_request, response) => void response.writeHead(200, text).end("now"));
    let answer: unknown;
    const watch = layer((inner) => (environ, startResponse) => {
      const body = inner(environ, startResponse);
      answer = body;
      return body;
    });
    expect((await client(watch(app)).get("/")).text()).toBe("now");
    expect(Array.isArray(answer)).toBe(true);
  });

  it("gives the request as node:http would", async () => {
    const http = on((request, response) => {
      const { method, url, headers, rawHeaders, headersDistinct, httpVersion, complete } = request;
      response
        .writeHead(200, text)
        .end(JSON.stringify({ method, url, headers, rawHeaders, headersDistinct, httpVersion, complete }));
    });
    const response = await http.get("/a%2Fb?c=%20", {
      headers: [
        ["X-Real-IP", "1"],
        ["Cookie", "a=1"],
        ["Cookie", "b=2"],
      ],
    });
    expect(response.json()).toEqual({
      method: "GET",
      url: "/a%2Fb?c=%20",
      headers: { host: "localhost", "x-real-ip": "1", cookie: "a=1; b=2" },
      rawHeaders: ["Host", "localhost", "X-Real-Ip", "1", "Cookie", "a=1; b=2"],
      headersDistinct: { host: ["localhost"], "x-real-ip": ["1"], cookie: ["a=1; b=2"] },
      httpVersion: "1.1",
      complete: true,
    });
  });

  it("gives the addresses as a socket does", async () => {
    const http = on(({ socket }, response) => {
      socket.setTimeout(1000);
      socket.setNoDelay(true).setKeepAlive(false).ref().unref();
      const { remoteAddress, remotePort, remoteFamily, localPort } = socket;
      response
        .writeHead(200, text)
        .end(JSON.stringify([remoteAddress, remotePort, remoteFamily, localPort, "encrypted" in socket]));
    });
    const environ = { REMOTE_ADDR: "::2", REMOTE_PORT: "4000", SERVER_PORT: "443", "wsgi.url_scheme": "https" } as const;
    expect((await http.get("/", { environ })).json()).toEqual(["::2", 4000, "IPv6", 443, true]);
  });

  it("mounts as Express does", async () => {
    const app = express();
    app.get(
      "/",
      (request: Request, response: ExpressResponse) => void response.json([request.baseUrl, request.url, request.originalUrl]),
    );
    app.get("/inner", (_request: Request, response: ExpressResponse) => response.redirect(`${_request.baseUrl}/`));
    const http = on(app);
    const environ = { SCRIPT_NAME: "/a b" };
    expect((await http.get("/a%20b", { environ })).json()).toEqual(["/a%20b", "/", "/a%20b"]);
    expect((await http.get("/a%20b/?c", { environ })).json()).toEqual(["/a%20b", "/?c", "/a%20b/?c"]);
    expect((await http.get("/a%20b/inner", { environ })).headers.get("location")).toBe("/a%20b/");
  });

  it("hands on what the layers outside have put into environ", async () => {
    const user = layer<{ "my.user": string }>((app) => (environ, startResponse) => {
      environ["my.user"] = "ada";
      return app(environ, startResponse);
    });
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void response.writeHead(200, text).end(String(environOf(request)?.["my.user"]));
    expect((await client(user(fromNode(listener))).get("/")).text()).toBe("ada");
  });

  it("sends early hints on, and leaves other informational responses to the server", async () => {
    const http = on((_request, response) => {
      response.writeContinue();
      response.writeProcessing();
      response.writeEarlyHints({ link: "</a.css>; rel=preload" });
      response.writeHead(200, text).end("ok");
    });
    const response = await http.get("/");
    expect([response.text(), response.earlyHints.map(({ list }) => list)]).toEqual(["ok", [[["Link", "</a.css>; rel=preload"]]]]);
  });

  it("keeps hop-by-hop headers to their connection, both ways", async () => {
    const http = on((request, response) => {
      response.writeHead(200, { ...text, Connection: "close, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "X-Kept": "1" });
      response.end(Object.keys(request.headers).join());
    });
    const response = await http.get("/", { headers: { Connection: "X-Mine", "X-Mine": "1", Upgrade: "websocket", "X-Also": "1" } });
    expect(response.text()).toBe("host,x-also");
    expect(["connection", "x-hop", "keep-alive", "x-kept"].map((name) => response.headers.get(name))).toEqual([
      undefined,
      undefined,
      undefined,
      "1",
    ]);
  });

  it("lets a listener feel a client that reads slowly, by write(), by drain and by callbacks", async () => {
    let written = 0;
    let byCallback = 0;
    const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      response.writeHead(200, text);
      const piece = Buffer.alloc(16 * 1024);
      if (request.url === "/callback") {
        for (; byCallback < 100; byCallback++) await new Promise((resolve) => response.write(piece, resolve));
      } else {
        for (; written < 100; written++) {
          if (response.write(piece)) continue;
          expect(response.writableNeedDrain).toBe(true);
          await new Promise((resolve) => response.once("drain", resolve));
          expect(response.writableNeedDrain).toBe(false);
        }
      }
      response.end();
    };
    const http = on(listener);
    for (const path of ["/", "/callback"]) {
      const response = await http.open("GET", path);
      for (let i = 0; i < 50; i++) await turn();
      expect(path === "/" ? written : byCallback).toBeLessThan(10);
      let length = 0;
      for await (const chunk of response.body) length += chunk.byteLength;
      expect(length).toBe(100 * 16 * 1024);
    }
  });

  it("reads an upload no faster than the listener does", async () => {
    let given = 0;
    let go = (): void => {};
    const http = on(async (request, response) => {
      request.once("readable", () => {});
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      let length = 0;
      for await (const chunk of request) length += (chunk as Buffer).length;
      response.writeHead(200, text).end(`${length}`);
    });
    const body = (async function* pieces() {
      for (; given < 100; given++) yield Buffer.alloc(16 * 1024);
    })();
    const answer = http.post("/", { body });
    for (let i = 0; i < 50; i++) await turn();
    expect(given).toBeLessThan(10);
    go();
    expect((await answer).text()).toBe(`${100 * 16 * 1024}`);
  });

  it("closes request and response when the client leaves, as a server does", async () => {
    const happened: string[] = [];
    const http = on((request, response) => {
      request.on("aborted", () => happened.push("aborted"));
      request.on("error", (error) => happened.push(`request: ${error.message}`));
      response.on("close", () => happened.push(`close, finished: ${response.writableFinished}`));
      response.writeHead(200, text).write("begun");
    });
    const response = await http.open("GET", "/");
    response.abort();
    await response.finished;
    for (let i = 0; i < 5; i++) await turn();
    expect(happened.toSorted()).toEqual(["aborted", "close, finished: false", "request: aborted"]);
  });

  it("does so before there is a response", async () => {
    const leaving = new AbortController();
    let isClosed = false;
    const http = on((_request, response) => {
      response.on("close", () => {
        isClosed = true;
      });
      setImmediate(() => leaving.abort());
    });
    await http.get("/", { signal: leaving.signal }).catch(() => {});
    for (let i = 0; i < 5; i++) await turn();
    expect(isClosed).toBe(true);
  });

  it("emits finish and close after a whole response", async () => {
    const happened: string[] = [];
    const http = on((request, response) => {
      response.on("finish", () => happened.push("finish")).on("close", () => happened.push("close"));
      void finished(response).then(() => happened.push("finished"));
      request.on("close", () => happened.push("request closed"));
      response.writeHead(200, text).end("ok");
    });
    await http.get("/");
    for (let i = 0; i < 5; i++) await turn();
    expect(happened.filter((one) => one !== "request closed")).toEqual(["finish", "close", "finished"]);
    expect(happened).toContain("request closed");
  });

  it("answers 500 to a listener that throws, rejects or destroys its response before the head", async () => {
    const fails: readonly NodeApplication[] = [
      () => {
        throw new Error("thrown");
      },
      async () => {
        throw new Error("rejected");
      },
      (_request, response) => void response.destroy(),
    ];
    for (const listener of fails) expect((await on(listener).get("/", { errors: "expected" })).status).toBe(500);
  });

  it("breaks off a response that the listener destroys after the head", async () => {
    const http = on(async (_request, response) => {
      response.writeHead(200, text).write("begun");
      await turn();
      response.destroy();
    });
    await expect(http.get("/", { errors: "expected" })).rejects.toBeInstanceOf(ResponseAborted);
  });

  it("fails a body that was cut short", async () => {
    const got: string[] = [];
    const http = on(async (request, response) => {
      try {
        for await (const chunk of request) got.push(String(chunk));
      } catch {
        got.push("failed");
      }
      response.writeHead(400, text).end();
    });
    await http.post("/", { body: "abcdef", bodyCutAfter: 3, errors: "ignore" }).catch(() => {});
    for (let i = 0; i < 5; i++) await turn();
    expect(got).toEqual(["abc", "failed"]);
  });

  it("refuses what is no request listener", () => {
    expect(() => fromNode({} as never)).toThrow(TypeError);
    expect(() => fromNode("app" as never)).toThrow(TypeError);
  });
});
