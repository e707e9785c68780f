import { HTTPError, type Application, type Environ, type ResponseBody, type StartResponse } from "@gateway/core";
import { describe, expect, it, vi } from "vitest";
import { client, MissingErrors, ResponseAborted, UnexpectedErrors, type RequestInit } from "./index.ts";
import { bytes, plain, textOf } from "./conformance/apps.ts";

/** Answers with what it was asked. */
const echo: Application = async (environ, startResponse) => {
  const body = textOf(await environ["wsgi.input"].read());
  const { REQUEST_METHOD, SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI, CONTENT_TYPE, CONTENT_LENGTH } = environ;
  const shown = { REQUEST_METHOD, SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI, CONTENT_TYPE, CONTENT_LENGTH };
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  return [bytes(JSON.stringify({ ...shown, body }))];
};

/** Answers with the keys of its environ that it is asked for. */
const keys =
  (...names: (keyof Environ)[]): Application =>
  (environ, startResponse) => {
    startResponse("200 OK", plain());
    return [bytes(JSON.stringify(names.map((name) => environ[name] ?? null)))];
  };

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", plain(["X-A", "1"]));
  return [bytes("hel"), bytes("lo")];
};

const failing: Application = () => {
  throw new Error("a bug");
};

const broken: Application = function* broken(_environ, startResponse) {
  startResponse("200 OK", plain());
  yield bytes("begun");
  throw new Error("a bug");
};

describe("client", () => {
  it("gives status, headers, body and ending", async () => {
    const response = await client(hello).get("/");
    expect(response).toMatchObject({
      status: 200,
      statusLine: "200 OK",
      method: "GET",
      url: "http://localhost/",
      errors: "",
      redirects: [],
    });
    expect(response.headers.get("x-a")).toBe("1");
    expect(response.headers.get("content-length")).toBe("5");
    expect(response.text()).toBe("hello");
    expect(response.chunks.map(textOf)).toEqual(["hel", "lo"]);
    expect(response.ending).toMatchObject({ outcome: "finished", status: "200 OK", bodyBytes: 5 });
    expect(response.ending.startedAt).toBeTypeOf("number");
  });

  it.each(["get", "post", "put", "patch", "delete", "options"] as const)("sends %s", async (method) => {
    const response = await client(echo)[method]("/a%20b?c=d");
    expect(response.json()).toMatchObject({
      REQUEST_METHOD: method.toUpperCase(),
      PATH_INFO: "/a b",
      QUERY_STRING: "c=d",
      REQUEST_URI: "/a%20b?c=d",
    });
  });

  it("sends HEAD, and any other method", async () => {
    const head = await client(echo).head("/");
    expect(head.bytes).toHaveLength(0);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(0);
    expect((await client(echo).request("PROPFIND", "/")).json()).toMatchObject({ REQUEST_METHOD: "PROPFIND" });
  });

  it("needs no timer", async () => {
    vi.useFakeTimers();
    try {
      expect((await client(hello).get("/")).text()).toBe("hello");
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("takes classes and objects", async () => {
    class Page implements Iterable<Uint8Array> {
      constructor(_environ: Environ, startResponse: StartResponse) {
        startResponse("200 OK", plain());
      }
      *[Symbol.iterator](): Generator<Uint8Array> {
        yield bytes("class");
      }
    }
    const page = {
      call(_environ: Environ, startResponse: StartResponse): ResponseBody {
        startResponse("200 OK", plain());
        return [bytes("object")];
      },
    };
    expect((await client(Page).get("/")).text()).toBe("class");
    expect((await client(page).get("/")).text()).toBe("object");
  });

  it("gives what an outer layer would add, and asks for it", async () => {
    const app = (environ: Environ & { "test.user": string }, startResponse: StartResponse): ResponseBody => {
      startResponse("200 OK", plain());
      return [bytes(environ["test.user"])];
    };
    expect((await client(app, { environ: { "test.user": "ada" } }).get("/")).text()).toBe("ada");
    // @ts-expect-error test.user is missing
    client(app);
  });

  it("collects early hints", async () => {
    const response = await client((environ, startResponse) => {
      environ["gateway.exchange"].earlyHints([["Link", "</a.css>; rel=preload"]]);
      return hello(environ, startResponse);
    }).get("/");
    expect(response.earlyHints.map((hints) => hints.get("link"))).toEqual(["</a.css>; rel=preload"]);
  });

  it("runs the application inside the validator, unless told not to", async () => {
    const untyped: Application = (_environ, startResponse) => {
      startResponse("200 OK", []);
      return [bytes("no type")];
    };
    await expect(client(untyped).get("/")).rejects.toThrow("ValidationError");
    expect((await client(untyped, { validate: false }).get("/")).text()).toBe("no type");
  });

  it("refuses what is no application and no origin", () => {
    expect(() => client("app" as unknown as Application)).toThrow(TypeError);
    for (const origin of ["localhost", "ftp://localhost", "http://localhost/", "http://"]) {
      expect(() => client(hello, { origin })).toThrow("an origin is");
    }
  });
});

describe("the path of a request", () => {
  it.each([
    ["/", "/", "/"],
    ["/caf\u{E9} x", "/caf\u{E9} x", "/caf%C3%A9%20x"],
    ["/a%2Fb;c//d/../e", "/a/b;c//d/../e", "/a%2Fb;c//d/../e"],
    ["/a#fragment", "/a", "/a"],
  ])("of %j is %j", async (path, PATH_INFO, REQUEST_URI) => {
    expect((await client(echo).get(path)).json()).toMatchObject({ PATH_INFO, REQUEST_URI });
  });

  it("takes a query, as a record or as parameters", async () => {
    const query = async (path: string, given: RequestInit["query"]): Promise<unknown> =>
      (await client(echo).get(path, { query: given })).json();
    expect(await query("/a", { b: "c d", e: ["1", "2"] })).toMatchObject({
      QUERY_STRING: "b=c+d&e=1&e=2",
      REQUEST_URI: "/a?b=c+d&e=1&e=2",
    });
    expect(await query("/a?x", new URLSearchParams("y=1"))).toMatchObject({ QUERY_STRING: "x&y=1" });
    expect(await query("/a", {})).toMatchObject({ REQUEST_URI: "/a" });
  });

  it("takes an absolute URL", async () => {
    const response = await client(keys("HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme", "HTTPS", "PATH_INFO")).get(
      "https://example.com:8443/x",
    );
    expect(response.json()).toEqual(["example.com:8443", "example.com", "8443", "https", "on", "/x"]);
    expect(response.url).toBe("https://example.com:8443/x");
  });

  it("counts from the root, also for an application that is mounted further in", async () => {
    const mounted = client(echo, { environ: { SCRIPT_NAME: "/shop" } });
    expect((await mounted.get("/shop/cart")).json()).toMatchObject({
      SCRIPT_NAME: "/shop",
      PATH_INFO: "/cart",
      REQUEST_URI: "/shop/cart",
    });
    expect((await mounted.get("/shop")).json()).toMatchObject({ SCRIPT_NAME: "/shop", PATH_INFO: "" });
    await expect(mounted.get("/other")).rejects.toThrow("mounted at /shop");
  });

  it("is refused where no gateway would take it", async () => {
    await expect(client(echo).get("a")).rejects.toThrow("a path begins with a slash");
    await expect(client(echo).get("/%00")).rejects.toThrow("answers 400");
    await expect(client(echo).get("/%zz")).rejects.toThrow("answers 400");
  });

  it("may be a star", async () => {
    expect((await client(echo).options("*")).json()).toMatchObject({ PATH_INFO: "*", REQUEST_URI: "*" });
  });
});

describe("the environ of a request", () => {
  it("has its defaults", async () => {
    const response = await client(
      keys("HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "wsgi.url_scheme", "SERVER_PROTOCOL", "HTTPS"),
    ).get("/");
    expect(response.json()).toEqual(["localhost", "localhost", "80", "127.0.0.1", "http", "HTTP/1.1", null]);
  });

  it("takes headers, as a record or as pairs, over those of the client", async () => {
    const both = client(keys("HTTP_X_A", "HTTP_X_B", "HTTP_HOST"), { headers: { "X-A": "default", "X-B": "default" } });
    expect((await both.get("/", { headers: { "x-a": "own", Host: "example.com" } })).json()).toEqual([
      "own",
      "default",
      "example.com",
    ]);
    const pairs = [
      ["X-A", "1"],
      ["X-A", "2"],
    ] as const;
    expect((await both.get("/", { headers: pairs })).json()).toEqual(["1, 2", "default", "localhost"]);
  });

  it("takes overrides, over those of the client", async () => {
    const app = client(keys("REMOTE_ADDR", "wsgi.url_scheme", "HTTPS", "SERVER_PORT"), { environ: { REMOTE_ADDR: "10.0.0.1" } });
    expect((await app.get("/", { environ: { "wsgi.url_scheme": "https" } })).json()).toEqual(["10.0.0.1", "https", "on", "443"]);
  });

  it("is refused with headers that no client could send", async () => {
    await expect(client(hello).get("/", { headers: { "X A": "1" } })).rejects.toThrow("a header name is a token");
    await expect(client(hello).get("/", { headers: { "X-A": "1\r\nX-B: 2" } })).rejects.toThrow("no client can send");
    await expect(client(hello).get("/", { headers: { "X-A": "€" } })).rejects.toThrow("no client can send");
  });
});

describe("what is written to wsgi.errors", () => {
  const reporting: Application = (environ, startResponse) => {
    environ["wsgi.errors"].write("a report\n");
    return hello(environ, startResponse);
  };

  it("fails the request, and shows the text", async () => {
    const error = await client(failing)
      .get("/x")
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnexpectedErrors);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^GET http:\/\/localhost\/x was answered 500 .*a bug/s),
      cause: new Error("a bug"),
    });
    expect((error as UnexpectedErrors).response.status).toBe(500);
    await expect(client(reporting).get("/")).rejects.toThrow("a report");
  });

  it("can be expected, or ignored", async () => {
    expect((await client(reporting).get("/", { errors: "expected" })).errors).toBe("a report\n");
    expect((await client(reporting).get("/", { errors: "ignore" })).errors).toBe("a report\n");
    expect((await client(hello).get("/", { errors: "ignore" })).errors).toBe("");
    await expect(client(hello).get("/", { errors: "expected" })).rejects.toThrow(MissingErrors);
    expect((await client(reporting, { errors: "expected" }).get("/")).status).toBe(200);
  });

  it("is not what an HTTPError says", async () => {
    const response = await client(() => {
      throw new HTTPError(404, "No such page.");
    }).get("/");
    expect([response.statusLine, response.text()]).toEqual(["404 Not Found", "No such page.\n"]);
  });
});

describe("a response that breaks off", () => {
  it("rejects with what came so far", async () => {
    const error = await client(broken)
      .get("/")
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ResponseAborted);
    expect(error).toMatchObject({
      message: expect.stringContaining("after 200 OK and 5 bytes of body: a bug"),
      cause: new Error("a bug"),
    });
    const { response } = error as ResponseAborted;
    expect([response.text(), response.ending.outcome]).toEqual(["begun", "failed"]);
    expect(response.errors).toContain("a bug");
  });

  it("rejects when the client leaves by its signal", async () => {
    const controller = new AbortController();
    const waiting: Application = async (environ, startResponse) => {
      const { signal } = environ["gateway.exchange"];
      controller.abort();
      expect(signal.reason).toMatchObject({ code: "CLIENT_GONE" });
      return hello(environ, startResponse);
    };
    const later: Application = async (environ, startResponse) => {
      await Promise.resolve();
      return waiting(environ, startResponse);
    };
    const left = client(later).get("/", { signal: controller.signal });
    await expect(left).rejects.toThrow("was broken off before its head");
    await expect(client(hello).get("/", { signal: AbortSignal.abort() })).resolves.toMatchObject({ status: 200 });
  });
});
