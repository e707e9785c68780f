import { setImmediate as turn } from "node:timers/promises";
import { layer } from "@gateway/core";
import { inputStream } from "@gateway/core/gateway";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { fromFetch, type FetchHandler } from "./from-fetch.ts";
import { useLightObjects } from "./light.ts";

const encoder = new TextEncoder();

function on(handler: FetchHandler): ReturnType<typeof client> {
  return client(validator(fromFetch(handler)));
}

/** Gives each byte twice, so that no length tells how many come: as a layer that decodes bodies does. */
const doubles = layer((app) => (environ, startResponse) => {
  const input = environ["wsgi.input"][Symbol.asyncIterator]();
  environ.CONTENT_LENGTH = undefined;
  environ["wsgi.input"] = inputStream({
    async pull() {
      const step = await input.next();
      return step.done === true ? undefined : Buffer.concat([step.value, step.value]);
    },
  });
  return app(environ, startResponse);
});

describe("the body of a Request, from fromFetch", () => {
  it.each([false, true])("is there where a layer has replaced it and dropped its length (light objects: %s)", async (light) => {
    const restore = light ? useLightObjects() : () => {};
    try {
      const http = client(validator(doubles(validator(fromFetch(async (request) => new Response(await request.text()))))));
      expect((await http.post("/", { body: "ab" })).text()).toBe("abab");
      expect((await http.request("DELETE", "/")).text()).toBe("");
    } finally {
      restore();
    }
  });

  it("can be read once", async () => {
    const http = on(async (request) => {
      const text = await request.text();
      const again = await request.text().catch((error: unknown) => (error as Error).name);
      return Response.json([text, again, request.bodyUsed]);
    });
    expect((await http.post("/", { body: "once" })).json()).toEqual(["once", "TypeError", true]);
  });

  it("is pulled no faster than the handler reads", async () => {
    let given = 0;
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const http = on(async (request) => {
      const reader = request.body?.getReader();
      await reader?.read();
      await gate;
      let count = 1;
      while ((await reader?.read())?.done === false) count++;
      return new Response(`${count}`);
    });
    const body = (async function* pieces() {
      for (; given < 50; given++) yield Buffer.alloc(16 * 1024);
    })();
    const answer = http.post("/", { body });
    for (let i = 0; i < 20; i++) await turn();
    expect(given).toBeLessThanOrEqual(3);
    go();
    expect((await answer).text()).toBe("50");
  });

  it("rejects with what the layers and the server refuse it for, which is then the answer", async () => {
    const http = on(async (request) => new Response(await request.text()));
    expect((await http.post("/", { body: "abcdef", bodyCutAfter: 3, errors: "ignore" })).status).toBe(400);
  });
});

describe("the body of a Response, in fromFetch", () => {
  it("is refused where somebody has read it, or begun to", async () => {
    const once = new Response("once");
    const handlers: readonly FetchHandler[] = [
      async () => {
        const response = new Response("text");
        await response.text();
        return response;
      },
      async () => {
        const response = new Response("text");
        const reader = response.body?.getReader();
        await reader?.read();
        reader?.releaseLock();
        return response;
      },
      () => {
        const response = new Response("text");
        response.body?.getReader();
        return response;
      },
    ];
    for (const handler of handlers) {
      const response = await on(handler).get("/", { errors: "expected" });
      expect([response.status, response.errors]).toEqual([500, expect.stringContaining("read before it was returned")]);
    }
    const http = on(() => once);
    expect((await http.get("/")).text()).toBe("once");
    expect((await http.get("/", { errors: "expected" })).status).toBe(500);
  });

  it("has the length that its head says, or is an error", async () => {
    const headers = { "Content-Length": "3" };
    expect((await on(() => new Response("hello", { headers })).get("/", { errors: "expected" })).status).toBe(500);
    const head = await on(() => new Response("abc", { headers })).request("HEAD", "/");
    expect([head.headers.get("content-length"), head.bytes.length]).toEqual(["3", 0]);
  });

  it.each([204, 205, 304])("is none with a status of %i", async (status) => {
    const response = await on(() => new Response(null, { status, headers: { ETag: '"a"' } })).get("/");
    expect([response.status, response.headers.get("etag"), response.bytes.length]).toEqual([status, '"a"', 0]);
  });

  it("may go on when it is all sent: what waitUntil() is given is nobody's to wait for", async () => {
    const http = on((_request, _bindings, context) => {
      context.waitUntil(undefined as never);
      context.waitUntil(new Promise(() => {}));
      return new Response("sent");
    });
    expect((await http.get("/")).text()).toBe("sent");
  });
});

describe("the head of what only looks like a Response", () => {
  it.each([
    ["a line end in a header", { status: 200, statusText: "", headers: new Map([["x-a", "a\r\nX-Injected: 1"]]) }],
    ["a line end in a header name", { status: 200, statusText: "", headers: new Map([["x-a\r\nx-injected: 1\r\n", "1"]]) }],
    ["a line end in the reason", { status: 200, statusText: "OK\r\nX-Injected: 1", headers: new Map() }],
    ["a status that is none", { status: 2000, statusText: "", headers: new Map() }],
    ["an informational status", { status: 101, statusText: "", headers: new Map() }],
  ])("is refused for %s", async (_name, parts) => {
    const response = await on(() => ({ ...parts, body: null }) as unknown as Response).get("/", { errors: "expected" });
    expect([response.status, response.headers.get("x-injected")]).toEqual([500, undefined]);
  });

  it("says so where its body is no web stream", async () => {
    const looks = { status: 200, statusText: "", headers: new Headers(), body: encoder.encode("x"), bodyUsed: false };
    const response = await on(() => looks as unknown as Response).get("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("not a ReadableStream")]);
  });
});
