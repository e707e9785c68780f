import { HTTPError, layer } from "@gateway/core";
import { client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { fromFetch, type ExecutionContext, type FetchHandler, type FromFetchOptions } from "./from-fetch.ts";
import { toFetch } from "./to-fetch.ts";

const encoder = new TextEncoder();

function on(handler: FetchHandler, options: FromFetchOptions = {}): ReturnType<typeof client> {
  return client(validator(fromFetch(handler, options)));
}

describe("fromFetch", () => {
  it("gives the URL that the client asked for, as it was sent", async () => {
    const http = on(({ url }) => new Response(url));
    expect((await http.get("/a%2Fb;c?d=%20")).text()).toBe("http://localhost/a%2Fb;c?d=%20");
    expect((await http.get("/", { headers: { Host: "example.com:8080" } })).text()).toBe("http://example.com:8080/");
  });

  it("leaves SCRIPT_NAME out of the URL, or keeps it", async () => {
    const request = { environ: { SCRIPT_NAME: "/a b" } };
    expect((await on(({ url }) => new Response(url)).get("/a%20b/c%2Fd?e", request)).text()).toBe("http://localhost/c%2Fd?e");
    expect((await on(({ url }) => new Response(url)).get("/a%20b", request)).text()).toBe("http://localhost/");
    const keeps = on(({ url }) => new Response(url), { scriptName: "keep" });
    expect((await keeps.get("/a%20b/c%2Fd?e", request)).text()).toBe("http://localhost/a%20b/c%2Fd?e");
  });

  it("encodes a path that a layer has rewritten", async () => {
    const rewrite = layer((app) => (environ, startResponse) => {
      environ.PATH_INFO = "/ä b?c";
      return app(environ, startResponse);
    });
    const http = client(rewrite(fromFetch(({ url }) => new Response(url))));
    expect((await http.get("/other?q")).text()).toBe("http://localhost/%C3%A4%20b%3Fc?q");
  });

  it("gives handlers the environ, and a context that reports what fails later", async () => {
    const http = on((_request, { environ }, context) => {
      context.waitUntil(Promise.reject(new Error("failed later")));
      context.passThroughOnException();
      return new Response(environ.REQUEST_METHOD);
    });
    const response = await http.get("/", { errors: "ignore" });
    expect(response.text()).toBe("GET");
    const bound = fromFetch((_request: Request, { name }: { name: string }, _context: ExecutionContext) => new Response(name), {
      bindings: ({ PATH_INFO }) => ({ name: PATH_INFO }),
    });
    expect((await client(bound).get("/given")).text()).toBe("/given");
  });

  it("keeps hop-by-hop headers to their connection, both ways", async () => {
    const http = on(
      ({ headers }) =>
        new Response(JSON.stringify([...headers.keys()].toSorted()), {
          headers: { Connection: "close, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "X-Kept": "1" },
        }),
    );
    const response = await http.get("/", { headers: { Connection: "X-Mine", "X-Mine": "1", TE: "trailers", "X-Also": "1" } });
    expect(response.json()).toEqual(["host", "x-also"]);
    expect(["connection", "x-hop", "keep-alive", "x-kept"].map((name) => response.headers.get(name))).toEqual([
      undefined,
      undefined,
      undefined,
      "1",
    ]);
  });

  it("lets no client take away by Connection what every recipient goes by", async () => {
    const http = on(({ headers }) => Response.json([...headers]));
    const sent: [string, string][] = [
      ["Authorization", "Basic YQ=="],
      ["Content-Type", "text/plain"],
      ["Cookie", "a=1"],
      ["Host", "a"],
      ["X-Forwarded-For", "10.0.0.1"],
    ];
    const headers: [string, string][] = [
      ["Connection", `X-Mine, ${sent.map(([name]) => name).join(",")}`],
      ["X-Mine", "1"],
      ...sent,
    ];
    expect((await http.get("/", { headers })).json()).toEqual(sent.map(([name, value]) => [name.toLowerCase(), value]));
  });

  it("keeps each Set-Cookie", async () => {
    const http = on(
      () =>
        new Response("ok", {
          headers: [
            ["Set-Cookie", "a=1, b"],
            ["Set-Cookie", "c=2"],
          ],
        }),
    );
    expect((await http.get("/")).headers.getAll("set-cookie")).toEqual(["a=1, b", "c=2"]);
  });

  it("sends a body that is all there with its length, and streams as they come", async () => {
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const http = on(({ url }) => {
      if (!url.endsWith("/stream")) return new Response("all there");
      return new Response(
        new ReadableStream<Uint8Array>({
          async start(controller) {
            controller.enqueue(encoder.encode("first "));
            await gate;
            controller.enqueue(encoder.encode("second"));
            controller.close();
          },
        }),
        { headers: { "Content-Type": "text/plain" } },
      );
    });
    expect((await http.get("/")).headers.get("content-length")).toBe("9");
    const response = await http.open("GET", "/stream");
    expect(response.headers.get("content-length")).toBeUndefined();
    const chunks: string[] = [];
    for await (const chunk of response.body) {
      chunks.push(Buffer.from(chunk).toString());
      go();
    }
    expect(chunks).toEqual(["first ", "second"]);
  });

  it("cancels the stream and aborts the signal when the client leaves", async () => {
    const happened: string[] = [];
    const http = on(({ signal }) => {
      signal.addEventListener("abort", () => happened.push("aborted"));
      return new Response(
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(1024)),
          cancel: () => void happened.push("cancelled"),
        }),
        { headers: { "Content-Type": "text/plain" } },
      );
    });
    const response = await http.open("GET", "/");
    response.abort();
    await response.finished;
    expect(happened.toSorted()).toEqual(["aborted", "cancelled"]);
  });

  it("cancels a stream that has given nothing yet when the client leaves", async () => {
    let isCancelled = false;
    const leaving = new AbortController();
    const http = on(() => {
      setImmediate(() => leaving.abort());
      return new Response(
        new ReadableStream<Uint8Array>({
          cancel() {
            isCancelled = true;
          },
        }),
        { headers: { "Content-Type": "text/plain" } },
      );
    });
    await http.get("/", { signal: leaving.signal }).catch(() => {});
    expect(isCancelled).toBe(true);
  });

  it("breaks off a response whose stream fails", async () => {
    const http = on(() => {
      let isBegun = false;
      return new Response(
        new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              await Promise.resolve();
              if (isBegun) controller.error(new Error("broken"));
              else controller.enqueue(encoder.encode("begun"));
              isBegun = true;
            },
          },
          { highWaterMark: 0 },
        ),
        { headers: { "Content-Type": "text/plain" } },
      );
    });
    await expect(http.get("/", { errors: "expected" })).rejects.toBeInstanceOf(ResponseAborted);
  });

  it("answers what handlers throw, and refuses what is no Response", async () => {
    const http = on(({ url }) => {
      if (url.endsWith("/http")) throw new HTTPError(409, "Not now.");
      if (url.endsWith("/error")) return Response.error();
      return undefined as unknown as Response;
    });
    expect((await http.get("/http")).status).toBe(409);
    expect((await http.get("/error", { errors: "expected" })).status).toBe(500);
    const nothing = await http.get("/", { errors: "expected" });
    expect(nothing.errors).toContain("the handler gave nothing, not a Response");
  });

  it("refuses what a Request cannot carry", async () => {
    const app = fromFetch(() => new Response("ok"));
    const http = client(app);
    expect((await http.request("TRACE", "/")).status).toBe(501);
    expect((await http.request("post", "/")).status).toBe(501);
    expect((await http.get("/", { headers: { Host: "a%b" }, errors: "ignore" })).status).toBe(400);
  });

  it("sends no coding that the body of a fetched response has lost", async () => {
    const fetched = new Response("decoded", { headers: { "Content-Encoding": "gzip", "Content-Length": "27" } });
    Object.defineProperty(fetched, "url", { value: "http://origin/" });
    const response = await on(() => fetched).get("/");
    expect([response.headers.get("content-encoding"), response.headers.get("content-length")]).toEqual([undefined, "7"]);
  });

  it("answers HEAD with the head, and cancels a body", async () => {
    let isCancelled = false;
    const http = on(
      () => new Response(new ReadableStream({ cancel: () => void (isCancelled = true) }), { headers: { "X-A": "1" } }),
    );
    const response = await http.request("HEAD", "/");
    expect([response.status, response.headers.get("x-a"), response.bytes.length, isCancelled]).toEqual([200, "1", 0, true]);
  });

  it("gives an address of IPv6 and a port in the URL, and those of the server where there is no Host", async () => {
    const http = on(({ url }) => new Response(url));
    expect((await http.get("/", { headers: { Host: "[::1]:8080" } })).text()).toBe("http://[::1]:8080/");
    const environ = { HTTP_HOST: undefined, SERVER_NAME: "::1", SERVER_PORT: "8443", "wsgi.url_scheme": "https" } as const;
    expect((await http.get("/a", { environ })).text()).toBe("https://[::1]:8443/a");
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const http = on((_request, { environ }) => new Response(environ.PATH_INFO), { scriptName: undefined, bindings: undefined });
    expect((await http.get("/a")).text()).toBe("/a");
  });

  it("refuses what is no handler, and options that cannot be", () => {
    expect(() => fromFetch({} as never)).toThrow(TypeError);
    expect(() => fromFetch(() => new Response(), { keep: true } as never)).toThrow("no option keep");
    expect(() => fromFetch(() => new Response(), { scriptName: "drop" as never })).toThrow(TypeError);
  });

  it("comes out as it went in, through both", async () => {
    const handler = toFetch(
      fromFetch(async (request) => new Response(await request.text(), { status: 203, headers: { "X-A": "1" } })),
    );
    const response = await handler(
      new Request("http://a/", { method: "POST", body: "there and back", headers: { "Content-Length": "14" } }),
    );
    expect([response.status, response.headers.get("x-a"), await response.text()]).toEqual([203, "1", "there and back"]);
  });
});
