import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromFetch, type FetchHandler } from "./from-fetch.ts";
import { useLightObjects } from "./light.ts";
import { LightRequest } from "./light-request.ts";
import { LightResponse } from "./light-response.ts";

const { Request: NativeRequest, Response: NativeResponse, fetch: nativeFetch } = globalThis;
let restore: () => void;
beforeEach(() => {
  restore = useLightObjects();
});
afterEach(() => restore());

function on(handler: FetchHandler): ReturnType<typeof client> {
  return client(validator(fromFetch(handler)));
}

describe("useLightObjects", () => {
  it("gives handlers what looks like a request, and takes what they make of the global Response", async () => {
    const http = on((request) => {
      expect(request).toBeInstanceOf(Request);
      expect(request).toBeInstanceOf(NativeRequest);
      expect(Object.prototype.toString.call(request)).toBe("[object Request]");
      expect(Object.getPrototypeOf(request)).toBe(LightRequest.prototype);
      const response = new Response("text");
      expect(response).toBeInstanceOf(LightResponse);
      expect(response).toBeInstanceOf(NativeResponse);
      expect([Response.name, Object.prototype.toString.call(response)]).toEqual(["Response", "[object Response]"]);
      return response;
    });
    const response = await http.get("/");
    expect([response.text(), response.headers.get("content-type")]).toEqual(["text", "text/plain;charset=UTF-8"]);
  });

  it("is put back as it was, and may be asked for twice", () => {
    expect(useLightObjects()).toBe(restore);
    restore();
    expect([Request, Response, fetch]).toEqual([NativeRequest, NativeResponse, nativeFetch]);
    expect(LightResponse.parts(new Response("a"))).toBeUndefined();
  });

  it("takes what the platform makes for responses and requests", () => {
    expect(new NativeResponse("a")).toBeInstanceOf(Response);
    expect(Response.json(1)).toBeInstanceOf(Response);
    expect(Response.redirect("http://a/").status).toBe(302);
    expect(Response.error().type).toBe("error");
    expect(new NativeRequest("http://a/")).toBeInstanceOf(Request);
  });

  it("leaves classes that are derived from them what they are", async () => {
    class Page extends Response {
      readonly page = true;
    }
    expect(new Page("a")).toBeInstanceOf(Page);
    expect(new Response("a")).not.toBeInstanceOf(Page);
    expect((await on(() => new Page("derived")).get("/")).text()).toBe("derived");
    class Asked extends Request {}
    expect(new Asked("http://a/")).toBeInstanceOf(Asked);
    expect(new Request("http://a/")).not.toBeInstanceOf(Asked);
  });
});

describe("a light request", () => {
  it("can be made another Request of, as input and as its settings", async () => {
    const http = on(async (request) => {
      const { method, headers, url } = new Request("http://other/", request.clone());
      const again = new Request(request, { headers: { "X-A": "2" } });
      return Response.json([await again.text(), again.headers.get("x-a"), method, headers.get("x-a"), url, request.bodyUsed]);
    });
    const response = await http.post("/", { body: "sent", headers: { "X-A": "1" } });
    expect(response.json()).toEqual(["sent", "2", "POST", "1", "http://other/", true]);
  });

  it("can be fetched, with the headers as they stand", async () => {
    const origin = createServer((request, response) => {
      response.setHeader("Content-Type", "text/plain");
      response.end(`${request.url} ${String(request.headers["x-a"])}`);
    });
    origin.listen(0, "127.0.0.1");
    await once(origin, "listening");
    const host = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
    const http = on(async (request) => {
      expect(request.headers.get("x-a")).toBe("1");
      expect(request.body).toBeNull();
      // After the request that the platform knows was made.
      request.headers.set("X-A", "2");
      return fetch(request);
    });
    try {
      expect((await http.get("/there?b", { headers: { Host: host, "X-A": "1" } })).text()).toBe("/there?b 2");
    } finally {
      origin.closeAllConnections();
      origin.close();
    }
  });

  it("reads its body in every form, once", async () => {
    const http = on(async (request) => {
      const copy = request.clone();
      const bytes = await copy.arrayBuffer();
      const text = await request.text();
      await expect(request.json()).rejects.toThrow(TypeError);
      return Response.json([bytes.byteLength, text, request.bodyUsed, copy.bodyUsed]);
    });
    expect((await http.post("/", { body: '{"a":1}' })).json()).toEqual([7, '{"a":1}', true, true]);
    const blob = on(async (request) => new Response(await (await request.blob()).text()));
    expect((await blob.post("/", { body: "blob" })).text()).toBe("blob");
    const bytes = on(async (request) => new Response(Buffer.from(await request.bytes()).toString()));
    expect((await bytes.post("/", { body: "bytes" })).text()).toBe("bytes");
    const form = on(async (request) => new Response(JSON.stringify((await request.formData()).get("a"))));
    const type = { "Content-Type": "application/x-www-form-urlencoded" };
    expect((await form.post("/", { body: "a=1", headers: type })).text()).toBe('"1"');
  });

  it("has the rest of what a request has, and the signal of the exchange", async () => {
    const http = on((request, { environ }) => {
      expect(request.signal).toBe(environ["gateway.exchange"].signal);
      const own = new NativeRequest(request.url);
      const names = [
        "cache",
        "credentials",
        "destination",
        "integrity",
        "keepalive",
        "mode",
        "redirect",
        "referrer",
        "referrerPolicy",
        "duplex",
      ] as const;
      for (const name of names) expect(Reflect.get(request, name), name).toEqual(Reflect.get(own, name));
      return new Response(null, { status: 204 });
    });
    expect((await http.get("/")).status).toBe(204);
  });

  it("has the URL that the platform would make of it", async () => {
    const urls: [string, string][] = [];
    const app = fromFetch(({ url }, { environ }) => {
      urls.push([url, `http://${environ.HTTP_HOST}${environ.REQUEST_URI}`]);
      return new Response(null, { status: 204 });
    });
    const part = fc.string({ unit: fc.constantFrom(..."aZ09._~-!$&'()*+,;=:@%^|{}`<>\"[]/?".split("")), maxLength: 12 });
    const labels = fc.constantFrom(
      "a",
      "A",
      "xn--bcher-kva",
      "1",
      "0x1",
      "a1",
      "-a",
      "127.0.0.1",
      "1.2",
      "[::1]",
      "b.1a",
      "c.",
      "a..b",
    );
    const host = fc.tuple(labels, fc.constantFrom("", ":80", ":443", ":8080", ":65535", ":08080", ":"));
    await fc.assert(
      fc.asyncProperty(host, part, async ([name, port], path) => {
        urls.length = 0;
        const target = `/${path.replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%41")}`;
        await client(app).request("GET", target, { headers: { Host: name + port }, errors: "ignore" });
        for (const [url, asked] of urls) expect(url).toBe(new URL(asked).href);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});

describe("a light response", () => {
  it("is sent with what became of its headers, also after the platform has made one of it", async () => {
    const http = on(async () => {
      const response = new Response("text", { headers: { "X-A": "1", "X-Gone": "1" } });
      const { headers } = response;
      headers.delete("x-gone");
      const copy = response.clone();
      headers.set("X-A", "2");
      headers.append("Set-Cookie", "a=1");
      headers.append("Set-Cookie", "b=2");
      expect([copy.headers.get("x-a"), copy.headers.has("x-gone"), await copy.text()]).toEqual(["1", false, "text"]);
      expect(response.clone().headers.get("x-a")).toBe("2");
      return response;
    });
    const response = await http.get("/");
    expect([response.text(), response.headers.get("x-a"), response.headers.has("x-gone")]).toEqual(["text", "2", false]);
    expect(response.headers.getAll("set-cookie")).toEqual(["a=1", "b=2"]);
  });

  it("keeps the bytes that it was given", async () => {
    const bytes = Buffer.from("before");
    const http = on(() => {
      const response = new Response(bytes, { headers: { "Content-Type": "a/b" } });
      bytes.fill("x");
      return response;
    });
    expect((await http.get("/")).text()).toBe("before");
  });

  it.each([
    ["a status that is none", "a", { status: 99 }],
    ["a body where there is none", "a", { status: 204 }],
    ["a header name that is none", "a", { headers: [["bad name", "1"]] }],
    ["a header name that is none, in an object", "a", { headers: { "bad name": "1" } }],
    ["a line end in a header", "a", { headers: { "X-A": "1\r\nX-Injected: 1" } }],
    ["a header beyond latin-1", "a", { headers: { "X-A": "\u{20AC}" } }],
  ] as const)("refuses %s, as the platform does", (_name, body, init) => {
    expect(() => new NativeResponse(body, init as unknown as ResponseInit)).toThrow(/./);
    expect(() => new Response(body, init as unknown as ResponseInit)).toThrow(/./);
  });

  it.each<readonly [string, BodyInit | null | undefined, ResponseInit | null | undefined]>([
    ["nothing", undefined, undefined],
    ["null", null, null],
    ["a text", "é", {}],
    ["an empty text", "", { status: 404 }],
    ["bytes", new Uint8Array([1, 2]), { headers: { "Content-Type": "a/b" } }],
    ["a type of its own", "a", { headers: { "content-type": "a/b" } }],
    [
      "headers",
      "a",
      {
        headers: new Headers([
          ["X-A", "1"],
          ["X-A", "2"],
        ]),
      },
    ],
    ["a value with spaces around it", "a", { headers: { "X-A": " 1 " } }],
    ["a reason", "a", { status: 200, statusText: "Fine" }],
    ["a form", new URLSearchParams("a=1"), {}],
    ["a blob", new Blob(["a"], { type: "a/b" }), {}],
    ["no body in a 204", null, { status: 204 }],
  ])("is what the platform makes of it: %s", async (_name, body, init) => {
    const facts = async (response: Response): Promise<unknown> => [
      [response.status, response.statusText, response.ok, response.type, response.url, response.redirected],
      [...response.headers],
      response.body === null,
      await response.clone().text(),
      [...new Uint8Array(await response.arrayBuffer())],
      response.bodyUsed,
    ];
    const make = (made: typeof Response): Response => new made(body, init as ResponseInit);
    expect(await facts(make(Response))).toEqual(await facts(make(NativeResponse)));
    const sent = await on(() => make(Response)).get("/", { errors: "ignore" });
    restore();
    const expected = await on(() => make(NativeResponse)).get("/", { errors: "ignore" });
    const seen = (given: typeof sent): unknown => [
      given.status,
      given.text(),
      given.headers.list.map(([name, value]) => `${name.toLowerCase()}: ${value}`).toSorted(),
    ];
    expect(seen(sent)).toEqual(seen(expected));
  });
});
