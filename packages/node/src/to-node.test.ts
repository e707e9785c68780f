import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { HTTPError, type Application } from "@gateway/core";
import { errorsTo } from "@gateway/testing/conformance";
import { validator } from "@gateway/validate";
import connectApp from "connect";
import express, { type NextFunction, type Request, type Response as ExpressResponse } from "express";
import fastify from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { Origins, paths, raw, reads, shows } from "./test-exchanges.ts";
import { toNode, type ToNodeOptions } from "./to-node.ts";

const origins = new Origins();
afterEach(() => origins.close());
const serve = (listener: RequestListener): Promise<string> => origins.serve(listener);

describe("toNode in Express", () => {
  it("has the prefix in SCRIPT_NAME, whole and decoded once", async () => {
    const app = express().use("/an%20app", toNode(paths)).use("/:tenant/in", toNode(paths));
    const origin = await serve(app);
    const get = async (path: string): Promise<unknown> => (await fetch(origin + path)).json();
    expect(await get("/an%20app/b%2Fc?d")).toEqual(["/an app", "/b/c", "/an%20app/b%2Fc?d", "/an%20app/b%2Fc"]);
    expect(await get("/an%20app/")).toEqual(["/an app", "/", "/an%20app/", "/an%20app/"]);
    expect(await get("/an%20app")).toEqual(["/an app", "", "/an%20app", "/an%20app"]);
    expect(await get("/acme/in/x")).toEqual(["/acme/in", "/x", "/acme/in/x", "/acme/in/x"]);
  });

  it("has it of nested routers and of Connect", async () => {
    const inner = express.Router().use("/b", toNode(paths));
    expect(await (await fetch(`${await serve(express().use("/a", inner))}/a/b/c`)).json()).toEqual([
      "/a/b",
      "/c",
      "/a/b/c",
      "/a/b/c",
    ]);
    const origin = await serve(connectApp().use("/a", toNode(paths)));
    expect(await (await fetch(`${origin}/a/b?c`)).json()).toEqual(["/a", "/b", "/a/b?c", "/a/b"]);
    expect(await (await fetch(`${origin}/a`)).json()).toEqual(["/a", "", "/a", "/a"]);
    expect(await (await fetch(`${origin}/a/`)).json()).toEqual(["/a", "/", "/a/", "/a/"]);
  });

  it("goes by a path that something has rewritten", async () => {
    const app = express();
    app.use((request: Request, _response: ExpressResponse, next: NextFunction) => {
      request.url = "/rewritten?e";
      next();
    });
    const origin = await serve(
      app.use(toNode(shows(({ PATH_INFO, QUERY_STRING, REQUEST_URI }) => [PATH_INFO, QUERY_STRING, REQUEST_URI]))),
    );
    expect(await (await fetch(`${origin}/a?b`)).json()).toEqual(["/rewritten", "e", "/a?b"]);
  });

  it("keeps the headers that were set before, adds to Set-Cookie and Vary, and lets the application have the others", async () => {
    const app = express();
    app.use((_request: Request, response: ExpressResponse, next: NextFunction) => {
      response.set({ "X-Before": "1", "X-Both": "before", Vary: "Origin" });
      response.cookie("outer", "1");
      next();
    });
    const inner: Application = (_environ, startResponse) => {
      startResponse("200 Fine", [
        ["Content-Type", "text/plain"],
        ["X-Both", "after"],
        ["Vary", "Accept"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ]);
      return [Buffer.from("ok")];
    };
    const response = await fetch(await serve(app.use(toNode(validator(inner)))));
    expect([response.statusText, response.headers.get("x-before"), response.headers.get("x-both")]).toEqual(["Fine", "1", "after"]);
    expect(response.headers.get("vary")).toBe("Origin, Accept");
    expect(response.headers.getSetCookie()).toEqual(["outer=1; Path=/", "a=1", "b=2"]);
  });

  it("passes a 404 on where it is told to, and only there", async () => {
    const notFound: Application = (_environ, startResponse) => {
      startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
      return [Buffer.from("from the application")];
    };
    const later = (_request: Request, response: ExpressResponse): void => void response.send("from Express");
    const passes = await serve(express().use(toNode(validator(notFound), { notFound: "next" }), later));
    expect(await (await fetch(passes)).text()).toBe("from Express");
    const answers = await serve(express().use(toNode(validator(notFound)), later));
    expect(await (await fetch(answers)).text()).toBe("from the application");
    const alone = await serve(toNode(notFound, { notFound: "next" }));
    expect((await fetch(alone)).status).toBe(404);
    const outside = await serve(express().use(toNode(validator(reads), { notFound: "next", mount: "/in" }), later));
    expect(await (await fetch(outside)).text()).toBe("from Express");
    expect(await (await fetch(`${outside}/in`)).text()).toBe("read ");
  });

  it("passes on a 404 that breaks off, for nothing of it was sent", async () => {
    const broken: Application = async function* broken(_environ, startResponse) {
      startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
      yield Buffer.from("begun");
      await turn();
      throw new Error("broken");
    };
    const later = (_request: Request, response: ExpressResponse): void => void response.send("from Express");
    const options: ToNodeOptions = { notFound: "next", errors: errorsTo(() => {}) };
    expect(await (await fetch(await serve(express().use(toNode(broken, options), later)))).text()).toBe("from Express");
  });

  it("says what to do about a body that a parser has read, and takes it from an option", async () => {
    const written: string[] = [];
    const errors = errorsTo((text) => written.push(text));
    const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"a":1}' };
    const origin = await serve(express().use(express.json(), toNode(reads, { errors })));
    expect((await fetch(origin, json)).status).toBe(500);
    expect(written.join("")).toContain("express.json()");
    expect(await (await fetch(origin, { method: "POST", body: "no JSON" })).text()).toBe("read no JSON");

    const keep = express.json({ verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes }) });
    const body: NonNullable<ToNodeOptions["body"]> = (request) => (request as { rawBody?: Uint8Array }).rawBody;
    const kept = await serve(express().use(keep, toNode(validator(reads), { body, errors })));
    expect(await (await fetch(kept, json)).text()).toBe('read {"a":1}');
  });

  it("works below something that has put a writeHead of its own on the response", async () => {
    const app = express();
    app.use((_request: Request, response: ExpressResponse, next: NextFunction) => {
      const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ExpressResponse;
      response.writeHead = ((...given: unknown[]) => {
        expect(given.some((one) => typeof one === "object")).toBe(false);
        response.setHeader("X-Patched", "1");
        return writeHead(...given);
      }) as ExpressResponse["writeHead"];
      next();
    });
    const response = await fetch(await serve(app.use(toNode(paths))));
    expect([response.status, response.headers.get("x-patched")]).toEqual([200, "1"]);
  });
});

describe("toNode", () => {
  it("mounts below a prefix that the host leaves, or has removed", async () => {
    const origin = await serve(toNode(paths, { mount: "/in", scriptName: "/out" }));
    expect(await (await fetch(`${origin}/in/a`)).json()).toEqual(["/out/in", "/a", "/in/a", ""]);
    expect((await fetch(`${origin}/inn`)).status).toBe(404);
  });

  it("is reached below a prefix in Fastify", async () => {
    const app = fastify();
    const handler = toNode(paths, { mount: "/in" });
    app.all("/in/*", (request, reply) => {
      reply.hijack();
      handler(request.raw, reply.raw);
    });
    await app.ready();
    expect(await (await fetch(`${await serve((request, response) => app.routing(request, response))}/in/a%2Fb`)).json()).toEqual([
      "/in",
      "/a/b",
      "/in/a%2Fb",
      "/in/a%2Fb",
    ]);
  });

  it.each([
    ["a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n"],
    ["GET *", "GET * HTTP/1.1\r\nHost: a\r\n"],
    ["two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n"],
    ["user information in the target", "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n"],
  ])("answers 400 to %s, which the parser of Node lets through", async (_name, head) => {
    const origin = await serve(toNode(paths));
    expect(await raw(origin, `${head}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("sends a 103 before the response", async () => {
    const hints: Application = (environ, startResponse) => {
      environ["gateway.exchange"].earlyHints([
        ["Link", "</a.css>; rel=preload; as=style"],
        ["Link", "</b.js>; rel=preload; as=script"],
        ["X-Hint", "1"],
      ]);
      startResponse("204 No Content", []);
      return [];
    };
    const origin = await serve(toNode(validator(hints)));
    const got = await raw(origin, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(got).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>[^\r]+, <\/b\.js>[^\r]+\r\nx-hint: 1\r\n\r\nHTTP\/1\.1 204 /i,
    );
    expect(await raw(origin, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")).toMatch(/^HTTP\/1\.1 204 /);
  });

  it("resets a response of HTTP/1.0 that breaks off without a length", async () => {
    const broken: Application = async function* broken(_environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("begun");
      // A reset in the turn of the loop that the bytes went out in ends the connection as if nothing were wrong.
      for (let i = 0; i < 3; i++) await turn();
      throw new Error("broken");
    };
    const origin = await serve(toNode(broken, { errors: errorsTo(() => {}) }));
    await expect(raw(origin, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")).rejects.toThrow("ECONNRESET");
  });

  it("reads and throws away what the application left of a body, so that the connection serves on", async () => {
    const partly: Application = async (environ, startResponse) => {
      const start = await environ["wsgi.input"].read(1);
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(`[${start.length}]`)];
    };
    const origin = await serve(toNode(validator(partly)));
    const body = "x".repeat(300_000);
    const request = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const got = await raw(origin, `${request}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(got.match(/\[[0-9]\]/g)).toEqual(["[1]", "[0]"]);
  });

  it("stops reading an upload that the application does not read", async () => {
    let more = (): void => {};
    const slow: Application = async (environ, startResponse) => {
      await environ["wsgi.input"].read(1);
      await new Promise<void>((resolve) => {
        more = resolve;
      });
      const rest = await environ["wsgi.input"].read();
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(`${rest.length + 1}`)];
    };
    const origin = await serve(toNode(validator(slow)));
    const socket = connect(Number(new URL(origin).port), "127.0.0.1");
    const size = 16 * 1024 * 1024;
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`);
    const piece = Buffer.alloc(256 * 1024);
    let sent = 0;
    const upload = (): void => {
      while (sent < size) {
        sent += piece.length;
        if (!socket.write(piece)) return void socket.once("drain", upload);
      }
    };
    upload();
    // Until nothing moves any more: the buffers of the system are full.
    for (let before = -1, same = 0; same < 200; await turn()) {
      same = sent === before ? same + 1 : 0;
      before = sent;
    }
    expect(sent).toBeLessThan(size);
    more();
    let got = "";
    for await (const chunk of socket) got += (chunk as Buffer).toString("latin1");
    expect(got).toMatch(new RegExp(`${size}$`));
  });

  it("answers 413 to a body that is larger than it takes", async () => {
    const origin = await serve(toNode(validator(reads), { maxBodyBytes: 4 }));
    expect((await fetch(origin, { method: "POST", body: "12345" })).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from("12345"));
        controller.close();
      },
    });
    expect((await fetch(origin, { method: "POST", body: stream, duplex: "half" } as RequestInit)).status).toBe(413);
  });

  it("serves HTTP/2", async () => {
    const app: Application = (environ, startResponse) => {
      startResponse("200 Fine", [
        ["Content-Type", "text/plain"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ]);
      return [Buffer.from([environ.SERVER_PROTOCOL, environ.HTTP_HOST, environ.HTTP_COOKIE, environ.PATH_INFO].join(" "))];
    };
    const session = await origins.serveHttp2(toNode(validator(app)));
    const stream = session.request({ ":path": "/a%20b", ":authority": "example.com", cookie: ["c=1", "d=2"] });
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    let got = "";
    for await (const chunk of stream) got += String(chunk);
    expect([headers[":status"], headers["set-cookie"], got]).toEqual([200, ["a=1", "b=2"], "HTTP/2 example.com c=1; d=2 /a b"]);
  });

  it("answers what its options throw", async () => {
    const written: string[] = [];
    const errors = errorsTo((text) => written.push(text));
    const fails = (): never => {
      throw new HTTPError(401);
    };
    expect((await fetch(await serve(toNode(reads, { errors, environ: fails })))).status).toBe(401);
    expect((await fetch(await serve(toNode(reads, { errors, body: fails })))).status).toBe(401);
    const parsed = await serve(toNode(reads, { errors, body: () => ({ a: 1 }) as never }));
    expect((await fetch(parsed)).status).toBe(500);
    expect(written.join("")).toContain("the option body gives a Uint8Array");
  });

  it("adds what the option environ gives", async () => {
    const origin = await serve(
      toNode(
        shows((environ) => environ["my.user"]),
        { environ: (request) => ({ "my.user": request.headers["x-user"] }) },
      ),
    );
    expect(await (await fetch(origin, { headers: { "X-User": "ada" } })).json()).toBe("ada");
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const options = { mount: undefined, scriptName: undefined, environ: undefined, body: undefined, notFound: undefined };
    const origin = await serve(toNode(paths, { ...options, errors: undefined, maxBodyBytes: undefined, maxReadBytes: undefined }));
    expect(await (await fetch(`${origin}/a`)).json()).toEqual(["", "/a", "/a", "/a"]);
  });

  it("refuses options that cannot be", () => {
    expect(() => toNode(paths, { prefix: "/a" } as ToNodeOptions)).toThrow("no option prefix");
    expect(() => toNode(paths, { mount: "/a/" })).toThrow(TypeError);
    expect(() => toNode(paths, { notFound: "pass" as never })).toThrow(TypeError);
    expect(() => toNode(paths, { maxReadBytes: 1.5 })).toThrow(RangeError);
    expect(() => toNode(paths, { body: true as never })).toThrow(TypeError);
  });
});
