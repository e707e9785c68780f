import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Application, Ending } from "@gateway/core";
import { errorsTo } from "@gateway/testing/conformance";
import { validator } from "@gateway/validate";
import express, { type NextFunction, type Request, type Response as ExpressResponse } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { Origins, paths, raw, reads, shows } from "./test-exchanges.ts";
import { toNode } from "./to-node.ts";

const origins = new Origins();
afterEach(() => origins.close());
const serve = (listener: RequestListener): Promise<string> => origins.serve(listener);

const quiet = { errors: errorsTo(() => {}) };
const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

const array: Application = validator((_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
});
const stream: Application = validator(async function* stream(_environ, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield Buffer.from("hello");
  await turn();
  yield Buffer.from("world");
});

describe("what a host has said of another body", () => {
  const before = (headers: Readonly<Record<string, string>>, app: Application): RequestListener => {
    const handler = toNode(app);
    return (request, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      handler(request, response);
    };
  };

  it.each([
    ["a length, before an array", { "Content-Length": "3", "X-Host": "1" }, array, /\r\nContent-Length: 5\r\n[^]*\r\n\r\nhello$/i],
    [
      "a length, before a stream",
      { "Content-Length": "3", "X-Host": "1" },
      stream,
      /\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n$/,
    ],
    ["chunks, before an array", { "Transfer-Encoding": "chunked", "X-Host": "1" }, array, /\r\n\r\nhello$/],
    ["another coding, before a stream", { "Transfer-Encoding": "gzip", "X-Host": "1" }, stream, /\r\n\r\nhelloworld$/],
  ])("does not frame this one: %s", async (_name, headers, app, expected) => {
    const got = await raw(await serve(before(headers, app)), get);
    expect(got).toMatch(expected);
    expect(got).toMatch(/\r\nX-Host: 1\r\n/);
    expect(got).not.toMatch(/content-length: 3|transfer-encoding: gzip/i);
    expect(/\r\nContent-Length:/i.test(got) && /\r\nTransfer-Encoding:/i.test(got)).toBe(false);
  });

  it("is not sent with the head of HEAD, 204 and 304 either", async () => {
    const headers = { "Content-Length": "3" };
    const head = await raw(await serve(before(headers, stream)), get.replace("GET", "HEAD"));
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).not.toMatch(/content-length/i);
    for (const status of ["204 No Content", "304 Not Modified"]) {
      const empty: Application = (_environ, startResponse) => {
        startResponse(status, []);
        return [];
      };
      const got = await raw(await serve(before(headers, validator(empty))), get);
      expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n[^]*\r\n\r\n$`));
      expect(got).not.toMatch(/content-length: 3|transfer-encoding/i);
    }
  });
});

describe("toNode", () => {
  it("does not wait for the end of an application that has given every byte of its length", async () => {
    let finish = (): void => {};
    const endings: Ending[] = [];
    const lingers: Application = async function* lingers(environ, startResponse) {
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending));
      startResponse("200 OK", [
        ["Content-Type", "text/plain"],
        ["Content-Length", "5"],
      ]);
      yield Buffer.from("hello");
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    };
    const origin = await serve(toNode(validator(lingers)));
    const socket = connect(Number(new URL(origin).port), "127.0.0.1");
    socket.write(get);
    let got = "";
    for await (const chunk of socket) {
      got += String(chunk);
      if (!got.endsWith("hello")) continue;
      expect(endings).toEqual([]);
      finish();
    }
    expect(got).toMatch(/\r\nContent-Length: 5\r\n[^]*\r\n\r\nhello$/);
    expect(endings.map(({ outcome, bodyBytes }) => [outcome, bodyBytes])).toEqual([["finished", 5]]);
  });

  it("does so for what was written with write(), too", async () => {
    let finish = (): void => {};
    const lingers: Application = (_environ, startResponse) => {
      const write = startResponse("200 OK", [
        ["Content-Type", "text/plain"],
        ["Content-Length", "5"],
      ]);
      void write(Buffer.from("hello"));
      return (async function* body() {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        yield Buffer.alloc(0);
      })();
    };
    const response = await fetch(await serve(toNode(validator(lingers))));
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("hello");
    finish();
    expect((await reader?.read())?.done).toBe(true);
  });

  it("takes the host of an absolute target, before that of the header", async () => {
    const origin = await serve(toNode(shows(({ HTTP_HOST, PATH_INFO, REQUEST_URI }) => [HTTP_HOST, PATH_INFO, REQUEST_URI])));
    const asked = "GET http://[::1]:8080/a HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
    expect(await raw(origin, asked)).toMatch(/\["\[::1\]:8080","\/a","http:\/\/\[::1\]:8080\/a"\]$/);
  });

  it("answers what is asked of HTTP/2 outside its mount, without a warning", async () => {
    const session = await origins.serveHttp2(toNode(paths, { mount: "/in" }));
    const asked = session.request({ ":path": "/out" });
    const [headers] = (await once(asked, "response")) as [Record<string, unknown>];
    asked.resume();
    await once(asked, "end");
    expect(headers[":status"]).toBe(404);
  });

  it("hints with any name that a header can have", async () => {
    const hints: Application = (environ, startResponse) => {
      environ["gateway.exchange"].earlyHints([
        ["__proto__", "1"],
        ["Link", "</a.css>; rel=preload"],
      ]);
      startResponse("204 No Content", []);
      return [];
    };
    expect(await raw(await serve(toNode(validator(hints))), get)).toMatch(
      /^HTTP\/1\.1 103 [^]*\r\n__proto__: 1\r\n[^]*HTTP\/1\.1 204 /,
    );
  });

  it("refuses an option environ that gives a promise", async () => {
    const written: string[] = [];
    const environ = (async () => ({ "my.user": "ada" })) as never;
    const origin = await serve(toNode(paths, { environ, errors: errorsTo((text) => written.push(text)) }));
    expect((await fetch(origin)).status).toBe(500);
    expect(written.join("")).toContain("the option environ gives its value at once");
  });
});

describe("toNode in Express", () => {
  it("is mounted by an app that is mounted, and asked by an absolute target", async () => {
    const origin = await serve(express().use("/a", express().use("/b%20c", toNode(paths))));
    expect(await (await fetch(`${origin}/a/b%20c/d%2Fe?f`)).json()).toEqual([
      "/a/b c",
      "/d/e",
      "/a/b%20c/d%2Fe?f",
      "/a/b%20c/d%2Fe",
    ]);
    const absolute = "GET http://h/a/b%20c/d?e HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    const body = (await raw(origin, absolute)).split("\r\n\r\n").at(-1) ?? "";
    expect(JSON.parse(body)).toEqual(["/a/b c", "/d", "http://h/a/b%20c/d?e", "/a/b%20c/d"]);
  });

  it("answers what the application throws, and leaves nothing to the middleware for errors", async () => {
    const happened: string[] = [];
    const throws: readonly Application[] = [
      () => {
        throw new Error("at once");
      },
      async () => {
        throw new Error("later");
      },
      async function* body(_environ, startResponse) {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield Buffer.from("begun");
        await turn();
        throw new Error("after the head");
      },
    ];
    for (const app of throws) {
      const site = express().use(toNode(app, { ...quiet, notFound: "next" }));
      site.use((_request: Request, _response: ExpressResponse, next: NextFunction) => {
        happened.push("next");
        next();
      });
      site.use((_error: unknown, _request: Request, _response: ExpressResponse, next: NextFunction) => {
        happened.push("next with an error");
        next();
      });
      const answer = await fetch(await serve(site));
      if (answer.status === 200) await expect(answer.text()).rejects.toThrow(/./);
      else expect([answer.status, await answer.text()]).toEqual([500, "500 Internal Server Error\n"]);
    }
    expect(happened).toEqual([]);
  });

  it("calls next once, when the body of the 404 is closed", async () => {
    const happened: string[] = [];
    const notFound =
      (isLate: boolean): Application =>
      async (_environ, startResponse) => {
        if (isLate) await turn();
        startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
        return Object.assign([Buffer.from("nothing")], { close: () => void happened.push("closed") });
      };
    for (const isLate of [false, true]) {
      const site = express().use(toNode(validator(notFound(isLate)), { notFound: "next" }));
      site.use((_request: Request, response: ExpressResponse) => {
        happened.push("next");
        response.send("from Express");
      });
      expect(await (await fetch(await serve(site))).text()).toBe("from Express");
    }
    expect(happened).toEqual(["closed", "next", "closed", "next"]);
  });

  it("stops an application when the host destroys its response, also one that never waits", async () => {
    let given = 0;
    const endings: Ending[] = [];
    const handler = toNode(async function* app(environ, startResponse) {
      environ["gateway.exchange"].onEnd((ending) => void endings.push(ending));
      startResponse("200 OK", []);
      // It would end by itself, so that a failure is one.
      while (given < 20_000) {
        given++;
        yield Buffer.alloc(100);
      }
    });
    const origin = await serve((request, response) => {
      handler(request, response);
      response.destroy();
    });
    await expect(fetch(origin)).rejects.toThrow("fetch failed");
    await expect.poll(() => endings.map(({ outcome }) => outcome)).toEqual(["gone"]);
    expect(given).toBeLessThan(100);
  });

  it("does not begin a response that something else has begun", async () => {
    const site = express().use((request: Request, response: ExpressResponse) => {
      response.write("mine");
      toNode(paths)(request, response);
    });
    const seen: unknown[] = [];
    site.use((error: unknown, _request: Request, response: ServerResponse, _next: NextFunction) => {
      seen.push(String(error));
      response.end();
    });
    expect(await (await fetch(await serve(site))).text()).toBe("mine");
    expect(seen).toEqual(["Error: toNode: something else has begun the response already"]);
  });

  it("reads a body once, and after that nothing more", async () => {
    const twice: Application = async (environ, startResponse) => {
      const first = await environ["wsgi.input"].read();
      return reads({ ...environ, "wsgi.input": environ["wsgi.input"] }, (status, headers) => {
        headers.push(["X-First", `${first.length}`]);
        return startResponse(status, headers);
      });
    };
    const response = await fetch(await serve(express().use(toNode(validator(twice)))), { method: "POST", body: "12345" });
    expect([response.headers.get("x-first"), await response.text()]).toEqual(["5", "read "]);
  });
});
