import { setImmediate as turn } from "node:timers/promises";
import { HTTPError, rawPath, type Application, type Ending, type Environ } from "@gateway/core";
import { errorsTo } from "@gateway/testing/conformance";
import { validator } from "@gateway/validate";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { toFetch, type ToFetchOptions } from "./to-fetch.ts";

const encoder = new TextEncoder();

/** Answers with what it picks of its environ, as JSON. */
function shows(pick: (environ: Environ) => unknown): Application {
  return (environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "application/json"]]);
    return [encoder.encode(JSON.stringify(pick(environ)))];
  };
}

async function shown(
  pick: (environ: Environ) => unknown,
  request: Request,
  options: ToFetchOptions = {},
  ...host: readonly unknown[]
): Promise<unknown> {
  return (await toFetch(validator(shows(pick)), options)(request, ...host)).json();
}

const paths = ({ SCRIPT_NAME, PATH_INFO }: Environ): unknown => [SCRIPT_NAME, PATH_INFO];

describe("toFetch", () => {
  it("takes server and scheme from the URL", async () => {
    const server = (environ: Environ): unknown => [
      environ["wsgi.url_scheme"],
      environ.HTTPS ?? "",
      environ.SERVER_NAME,
      environ.SERVER_PORT,
      environ.HTTP_HOST,
    ];
    expect(await shown(server, new Request("https://example.com/a"))).toEqual(["https", "on", "example.com", "443", "example.com"]);
    expect(await shown(server, new Request("http://[::1]:8080/"))).toEqual(["http", "", "::1", "8080", "[::1]:8080"]);
    expect(await shown(server, new Request("http://[::1]/"))).toEqual(["http", "", "::1", "80", "[::1]"]);
  });

  it("leaves the fragment out, and keeps the query as it is", async () => {
    const target = ({ PATH_INFO, QUERY_STRING, REQUEST_URI }: Environ): unknown => [PATH_INFO, QUERY_STRING, REQUEST_URI];
    expect(await shown(target, new Request("http://a/b%2Fc?d=%20/e?f#g?h"))).toEqual(["/b/c", "d=%20/e?f", "/b%2Fc?d=%20/e?f"]);
    expect(await shown(target, new Request("http://a?b/c"))).toEqual(["/", "b/c", "/?b/c"]);
    expect(await shown(target, new Request("http://a/b?"))).toEqual(["/b", "", "/b?"]);
  });

  it("moves the mount to SCRIPT_NAME, and answers 404 outside it", async () => {
    const options = { mount: "/an app" };
    expect(await shown(paths, new Request("http://a/an%20app/b"), options)).toEqual(["/an app", "/b"]);
    expect(await shown(paths, new Request("http://a/an%20app/"), options)).toEqual(["/an app", "/"]);
    expect(await shown(paths, new Request("http://a/an%20app"), options)).toEqual(["/an app", ""]);
    const outside = await toFetch(shows(paths), options)(new Request("http://a/an%20apple"));
    expect([outside.status, await outside.text()]).toEqual([404, "the application is not mounted here\n"]);
  });

  it("puts what the host has removed before SCRIPT_NAME, and into REQUEST_URI", async () => {
    const pick = (environ: Environ): unknown => [environ.SCRIPT_NAME, environ.PATH_INFO, environ.REQUEST_URI, rawPath(environ)];
    expect(await shown(pick, new Request("http://a/b%2Fc?d"), { scriptName: "/é" })).toEqual([
      "/é",
      "/b/c",
      "/%C3%A9/b%2Fc?d",
      "/%C3%A9/b%2Fc",
    ]);
    expect(await shown(paths, new Request("http://a/in/c"), { scriptName: "/out", mount: "/in" })).toEqual(["/out/in", "/c"]);
  });

  it("is mounted by Hono, in both ways", async () => {
    const app = validator(shows(paths));
    const hono = new Hono();
    hono.mount("/cut", toFetch(app, { scriptName: "/cut" }));
    hono.all("/left/*", (context) => toFetch(app, { mount: "/left" })(context.req.raw));
    expect(await (await hono.request("/cut/a%2Fb")).json()).toEqual(["/cut", "/a/b"]);
    expect(await (await hono.request("/left/a%2Fb")).json()).toEqual(["/left", "/a/b"]);
    expect(await (await hono.request("/left")).json()).toEqual(["/left", ""]);
  });

  it("learns the peer from the servers of Bun and Deno", async () => {
    const peer = ({ REMOTE_ADDR, REMOTE_PORT }: Environ): unknown => [REMOTE_ADDR ?? "none", REMOTE_PORT ?? "none"];
    const request = new Request("http://a/");
    const bun = { requestIP: () => ({ address: "::ffff:10.0.0.1", port: 4000, family: "IPv6" }) };
    const deno = { remoteAddr: { transport: "tcp", hostname: "10.0.0.2", port: 5000 } };
    expect(await shown(peer, request, {}, bun)).toEqual(["10.0.0.1", "4000"]);
    expect(await shown(peer, request, {}, { requestIP: () => null })).toEqual(["none", "none"]);
    expect(await shown(peer, request, {}, deno)).toEqual(["10.0.0.2", "5000"]);
    expect(await shown(peer, request, {}, { remoteAddr: { transport: "unix", path: "/a" } })).toEqual(["", "none"]);
    expect(await shown(peer, request, {}, { MY_BINDING: "x" })).toEqual(["none", "none"]);
  });

  it("adds what the option environ gives, and answers its errors", async () => {
    const environ = (_request: Request, binding: unknown): Partial<Environ> => ({ REMOTE_ADDR: "10.0.0.3", "my.binding": binding });
    expect(await shown((known) => [known.REMOTE_ADDR, known["my.binding"]], new Request("http://a/"), { environ }, "b")).toEqual([
      "10.0.0.3",
      "b",
    ]);
    const refuses = toFetch(shows(paths), {
      environ: () => {
        throw new HTTPError(401);
      },
    });
    expect((await refuses(new Request("http://a/"))).status).toBe(401);
  });

  it("says so where that is a promise, or where what it is called with is no Request", async () => {
    const written: string[] = [];
    const environ = (async () => ({ "my.user": "ada" })) as never;
    const handler = toFetch(shows(paths), { environ, errors: errorsTo((text) => written.push(text)) });
    expect((await handler(new Request("http://a/"))).status).toBe(500);
    expect(written.join("")).toContain("the option environ gives its value at once");
    const seen: unknown[] = [];
    const hono = new Hono().onError((error, context) => {
      seen.push(error);
      return context.text("", 500);
    });
    hono.get("/", (context) => toFetch(shows(paths))(context.req as never));
    await hono.request("/");
    expect(seen.map(String)).toEqual(["TypeError: what toFetch() made is called with a Request: in Hono that is c.req.raw"]);
  });

  it.each([
    ["a control character in a header", { headers: { "X-A": "a\u{1}b" } }],
    ["a Host that is none", { headers: { Host: "a b" } }],
    ["a Content-Length that is no number", { headers: { "Content-Length": "+5" } }],
  ])("answers 400 to %s", async (_name, init) => {
    const response = await toFetch(shows(paths))(new Request("http://a/", init));
    expect(response.status).toBe(400);
    const head = await toFetch(shows(paths))(new Request("http://a/", { ...init, method: "HEAD" }));
    expect([head.status, await head.text()]).toEqual([400, ""]);
  });

  it("answers 413 to a body that is larger than it takes, whether it says so or not", async () => {
    const reads: Application = async (environ, startResponse) => {
      await environ["wsgi.input"].read();
      startResponse("200 OK", []);
      return [];
    };
    const handler = toFetch(reads, { maxBodyBytes: 4 });
    const declared = new Request("http://a/", { method: "POST", body: "12345", headers: { "Content-Length": "5" } });
    expect((await handler(declared)).status).toBe(413);
    expect((await handler(new Request("http://a/", { method: "POST", body: "12345" }))).status).toBe(413);
    expect((await handler(new Request("http://a/", { method: "POST", body: "1234" }))).status).toBe(200);
  });

  it("says what to do about a body that was read before", async () => {
    const written: string[] = [];
    const reads: Application = async (environ) => [await environ["wsgi.input"].read()];
    const request = new Request("http://a/", { method: "POST", body: "gone" });
    await request.text();
    const response = await toFetch(reads, { errors: errorsTo((text) => written.push(text)) })(request);
    expect(response.status).toBe(500);
    expect(written.join("")).toContain("request.clone()");
  });

  it("leaves a body that nobody reads to the host", async () => {
    const request = new Request("http://a/", { method: "POST", body: "still there" });
    await toFetch(shows(paths))(request);
    expect(await request.text()).toBe("still there");
  });

  it("tells no length of a body that the host has thrown away", async () => {
    const length = ({ CONTENT_LENGTH }: Environ): unknown => CONTENT_LENGTH ?? "none";
    expect(await shown(length, new Request("http://a/", { headers: { "Content-Length": "5" } }))).toBe("none");
    expect(await shown(length, new Request("http://a/", { method: "POST", headers: { "Content-Length": "0" } }))).toBe("0");
  });

  it("sends neither body nor length in a status that has none", async () => {
    const stream: Application = function* stream(_environ, startResponse) {
      startResponse("205 Reset Content", [["Content-Type", "text/plain"]]);
      yield encoder.encode("dropped");
      yield encoder.encode("dropped");
    };
    const array: Application = (_environ, startResponse) => {
      startResponse("205 Reset Content", [["Content-Type", "text/plain"]]);
      return [encoder.encode("dropped")];
    };
    for (const app of [stream, array]) {
      const response = await toFetch(app)(new Request("http://a/"));
      expect([response.status, response.body, response.headers.get("content-length")]).toEqual([205, null, null]);
    }
  });

  it("pulls no more of a body than its reader and 64 KiB ask for", async () => {
    let pulled = 0;
    const endings: Ending[] = [];
    const endless: Application = (environ, startResponse) => {
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending));
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return (function* chunks() {
        for (;;) {
          pulled++;
          yield new Uint8Array(16 * 1024);
        }
      })();
    };
    const response = await toFetch(validator(endless))(new Request("http://a/"));
    for (let i = 0; i < 20; i++) await turn();
    expect(pulled).toBeLessThanOrEqual(6);
    const reader = response.body?.getReader();
    for (let i = 0; i < 100; i++) await reader?.read();
    expect(pulled).toBeGreaterThanOrEqual(100);
    expect(pulled).toBeLessThanOrEqual(106);
    await reader?.cancel("enough");
    expect(endings.map(({ outcome }) => outcome)).toEqual(["gone"]);
    expect(endings[0]?.bodyBytes).toBeLessThanOrEqual(pulled * 16 * 1024);
  });

  it("tells the application that request.signal was aborted, and settles its promise", async () => {
    const leaving = new AbortController();
    const codes: unknown[] = [];
    const waits: Application = (environ, startResponse) =>
      new Promise((resolve) => {
        const { signal } = environ["gateway.exchange"];
        signal.addEventListener("abort", () => {
          codes.push((signal.reason as { code: unknown }).code);
          startResponse("200 OK", [["Content-Type", "text/plain"]]);
          resolve([encoder.encode("late")]);
        });
      });
    const answer = toFetch(validator(waits))(new Request("http://a/", { signal: leaving.signal }));
    leaving.abort();
    expect((await answer).status).toBe(499);
    expect(codes).toEqual(["CLIENT_GONE"]);
  });

  it("does so where the client has left before it is called", async () => {
    const endings: Ending[] = [];
    const waits: Application = async (environ, startResponse) => {
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending));
      await turn();
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [encoder.encode("late")];
    };
    const response = await toFetch(validator(waits))(new Request("http://a/", { signal: AbortSignal.abort() }));
    // The listeners are told when the application has returned its body, which is closed.
    for (let i = 0; i < 5; i++) await turn();
    expect([response.status, endings.map(({ outcome }) => outcome)]).toEqual([499, ["gone"]]);
  });

  it("counts a client as gone that leaves what the application has given already", async () => {
    const leaving = new AbortController();
    const endings: Ending[] = [];
    const app: Application = function* app(environ, startResponse) {
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending));
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield encoder.encode("first ");
      yield encoder.encode("second");
    };
    const response = await toFetch(validator(app))(new Request("http://a/", { signal: leaving.signal }));
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first ");
    leaving.abort();
    await expect(reader?.read()).rejects.toMatchObject({ code: "CLIENT_GONE" });
    expect(endings.map(({ outcome, bodyBytes }) => [outcome, bodyBytes])).toEqual([["gone", 6]]);
  });

  it("does not abort for a signal that is aborted after the response", async () => {
    const leaving = new AbortController();
    let aborted: (() => boolean) | undefined;
    const app: Application = async (environ, startResponse) => {
      const { signal } = environ["gateway.exchange"];
      aborted = () => signal.aborted;
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [encoder.encode("whole")];
    };
    const response = await toFetch(validator(app))(new Request("http://a/", { signal: leaving.signal }));
    leaving.abort();
    expect([await response.text(), aborted?.()]).toEqual(["whole", false]);
  });

  it("asks workers to wait until close() has run", async () => {
    const waited: Promise<unknown>[] = [];
    let isClosed = false;
    const app: Application = async (_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return Object.assign([encoder.encode("a")], {
        async close() {
          await turn();
          isClosed = true;
        },
      });
    };
    await toFetch(app)(new Request("http://a/"), {}, { waitUntil: (promise: Promise<unknown>) => waited.push(promise) });
    await Promise.all(waited);
    expect([waited.length, isClosed]).toEqual([1, true]);
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const options = { mount: undefined, scriptName: undefined, environ: undefined, errors: undefined, maxBodyBytes: undefined };
    expect(await shown(paths, new Request("http://a/b"), { ...options, maxReadBytes: undefined })).toEqual(["", "/b"]);
  });

  it("refuses options that cannot be", () => {
    const app = shows(paths);
    expect(() => toFetch(app, { mounted: "/a" } as ToFetchOptions)).toThrow("no option mounted");
    expect(() => toFetch(app, { mount: "a" })).toThrow(TypeError);
    expect(() => toFetch(app, { mount: "/a/" })).toThrow(TypeError);
    expect(() => toFetch(app, { maxBodyBytes: -1 })).toThrow(RangeError);
    expect(() => toFetch(app, { environ: {} as () => Partial<Environ> })).toThrow(TypeError);
    expect(() => toFetch(app, { errors: {} as never })).toThrow("write is missing");
    expect(() => toFetch("app" as never)).toThrow(TypeError);
  });
});
