import {
  capture,
  compose,
  ExchangeAborted,
  FileWrapper,
  HTTPError,
  isThenable,
  layer,
  send,
  whenReady,
  type Application,
  type ApplicationLike,
  type Environ,
  type HeaderList,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { buildEnviron, client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { errors, type ErrorsOptions } from "./index.ts";
import { importExample } from "@gateway/testing/readme";

type Client = ReturnType<typeof client>;

const browser = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8" };

/** The layer with a validator on both sides. */
function served(app: ApplicationLike, options: ErrorsOptions = {}): Client {
  return client(errors({ generateId: () => "id-1", ...options })(validator(app)));
}

const problem = new Error("s3cret detail");
const throwing: Application = () => {
  throw problem;
};
const ok = (startResponse: StartResponse, headers: HeaderList = []): ReturnType<StartResponse> =>
  startResponse("200 OK", [["Content-Type", "text/plain"], ...headers]);

const failingChunk = (): Uint8Array => {
  throw problem;
};

function* failingBody(): Generator<Uint8Array> {
  yield failingChunk();
}

/** Every way to throw before the first byte. */
const early: readonly (readonly [string, Application])[] = [
  ["at once", throwing],
  [
    "after startResponse",
    (_environ, startResponse) => {
      ok(startResponse, [["Set-Cookie", "a=b"]]);
      throw problem;
    },
  ],
  [
    "from an asynchronous application",
    async (_environ, startResponse) => {
      ok(startResponse);
      throw problem;
    },
  ],
  [
    "from the first pull of a body",
    (_environ, startResponse) => {
      ok(startResponse, [["Content-Length", "1000"]]);
      return failingBody();
    },
  ],
  [
    "from a body that has given an empty chunk",
    async (_environ, startResponse) => {
      ok(startResponse);
      return (function* () {
        yield new Uint8Array(0);
        throw problem;
      })();
    },
  ],
  [
    "from an asynchronous body before startResponse",
    async function* (): AsyncGenerator<Uint8Array> {
      yield failingChunk();
    },
  ],
  [
    "when the body is opened",
    (_environ, startResponse) => {
      ok(startResponse);
      return {
        [Symbol.iterator](): Iterator<Uint8Array> {
          throw problem;
        },
      };
    },
  ],
];

describe("errors", () => {
  it("runs the README's example", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/errors": new URL("index.ts", import.meta.url),
    })) as Application;
    const http = client(app);
    const broken = await http.get("/", { errors: "expected" });
    const body = broken.json() as { id: string };
    expect(body).toEqual({ type: "about:blank", title: "Internal Server Error", status: 500, id: expect.any(String) });
    expect(broken.errors).toMatch(new RegExp(`^${body.id} GET /: Error: the database is on fire\n`));
    const teapot = await http.get("/teapot", { headers: { Accept: "text/plain" } });
    expect([teapot.status, teapot.text()]).toEqual([418, "Short and stout.\n"]);
  });

  it("checks its options while wrapping", () => {
    const wrong: readonly unknown[] = [
      { debug: "yes" },
      { prefer: "xml" },
      { onErrors: () => {} },
      { onError: 1 },
      { generateId: 1 },
      { pages: 1 },
      { pages: { 404: "html" } },
    ];
    for (const options of wrong) expect(() => errors(options as ErrorsOptions), JSON.stringify(options)).toThrow(TypeError);
    for (const code of ["200", "600", "x"]) expect(() => errors({ pages: { [code]: () => "" } })).toThrow(RangeError);
  });

  describe("an error before the head", () => {
    it.each(early)("that is thrown %s is a 500 that tells its id and nothing else", async (_name, app) => {
      for (const debug of [false]) {
        const response = await served(app, { debug }).get("/some path?token=s3cret", { errors: "expected" });
        expect([response.status, response.text()]).toEqual([500, "500 Internal Server Error\nError id: id-1\n"]);
        expect(response.errors).toMatch(/^id-1 GET \/some%20path: Error: s3cret detail\n {4,}at /);
        expect(response.headers.get("Cache-Control")).toBe("no-store");
        expect(response.headers.has("Set-Cookie")).toBe(false);
        expect(response.ending.outcome).toBe("finished");
      }
    });

    it.each(early)("that is thrown %s closes the body, once", async (_name, app) => {
      const close = vi.fn<() => void>();
      const closing: Application = (environ, startResponse) =>
        whenReady(app(environ, startResponse), (body) => Object.assign(body, { close }));
      for (const debug of [false, true]) {
        close.mockClear();
        await served(closing, { debug }).get("/", { errors: "expected" });
        expect(close.mock.calls.length).toBeLessThanOrEqual(1);
      }
    });

    it("closes the body whose first pull threw", async () => {
      const close = vi.fn<() => void>();
      const app: Application = (_environ, startResponse) => {
        ok(startResponse);
        return {
          [Symbol.iterator]: failingBody,
          close,
        };
      };
      await served(app).get("/", { errors: "expected" });
      expect(close).toHaveBeenCalledTimes(1);
    });

    it.each([
      [undefined, "text/plain; charset=utf-8"],
      ["*/*", "text/plain; charset=utf-8"],
      [browser.Accept, "text/html; charset=utf-8"],
      ["application/problem+json", "application/problem+json"],
      ["application/json", "application/json"],
      ["application/json, text/plain, */*", "application/json"],
      ["application/*", "application/problem+json"],
      ["text/html;q=0.5, application/json;q=0.9", "application/json"],
      ["image/png", "text/plain; charset=utf-8"],
      ["text/html;q=0", "text/plain; charset=utf-8"],
      ["", "text/plain; charset=utf-8"],
      [";;;,,,=/", "text/plain; charset=utf-8"],
    ])("for a client that accepts %s comes as %s", async (accept, type) => {
      const response = await served(throwing).get("/", {
        errors: "expected",
        headers: accept === undefined ? {} : { Accept: accept },
      });
      expect(response.headers.get("Content-Type")).toBe(type);
      expect(response.headers.get("Vary")).toBe("Accept");
      expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(response.headers.get("Content-Length")).toBe(`${response.bytes.length}`);
      expect(response.text()).toContain("id-1");
      expect(response.text()).not.toContain("s3cret");
    });

    it.each(["text", "html", "json"] as const)("comes as the preferred %s where the client leaves the choice", async (prefer) => {
      const response = await served(throwing, { prefer }).get("/", { errors: "expected", headers: { Accept: "*/*" } });
      const types = { text: "text/plain; charset=utf-8", html: "text/html; charset=utf-8", json: "application/problem+json" };
      expect(response.headers.get("Content-Type")).toBe(types[prefer]);
    });

    it("is answered to HEAD with the same head", async () => {
      const http = served(throwing);
      const [get, head] = [await http.get("/", { errors: "expected" }), await http.head("/", { errors: "expected" })];
      expect(head.headers.toString()).toBe(get.headers.toString());
      expect([head.status, head.bytes.length]).toEqual([500, 0]);
    });

    it.each([204, 304])("replaces a %i", async (code) => {
      const app: Application = (_environ, startResponse) => {
        startResponse(`${code} x`, []);
        throw problem;
      };
      expect((await served(app).get("/", { errors: "expected" })).status).toBe(500);
    });

    it("is answered also when undefined is thrown, or what cannot be shown", async () => {
      const hostile = new Proxy(
        {},
        {
          get() {
            throw new Error("no");
          },
        },
      );
      for (const thrown of [undefined, null, "text", 1n, hostile]) {
        for (const debug of [false, true]) {
          for (const accept of ["text/html", "application/json", "text/plain"]) {
            const app: Application = () => {
              throw thrown;
            };
            const response = await served(app, { debug }).get("/", { errors: "expected", headers: { Accept: accept } });
            expect(response.status).toBe(500);
          }
        }
      }
    });

    it("takes what startResponse says about a bad head", async () => {
      const app: Application = (_environ, startResponse) => {
        startResponse("200 OK", [["Content-Type", "text/plain\r\nX-Injected: 1"]]);
        return [];
      };
      const response = await served(app).get("/", { errors: "expected" });
      expect(response.status).toBe(500);
      expect(response.headers.has("X-Injected")).toBe(false);
    });

    it("is a 503 where the application was stopped", async () => {
      for (const [error, status] of [
        [new ExchangeAborted("TIME_LIMIT"), 503],
        [new Error("aborted", { cause: new ExchangeAborted("SERVER_STOPPING") }), 503],
        [new ExchangeAborted("CLIENT_GONE"), 500],
      ] as const) {
        const app: Application = () => {
          throw error;
        };
        expect((await served(app).get("/", { errors: "expected" })).status).toBe(status);
      }
    });

    it("goes to onError with its id instead of the log, which gets what that throws", async () => {
      const onError = vi.fn<NonNullable<ErrorsOptions["onError"]>>();
      const response = await served(throwing, { onError }).get("/path");
      expect(response.status).toBe(500);
      expect(onError.mock.calls.map(([error, id, environ]) => [error, id, environ.PATH_INFO])).toEqual([
        [problem, "id-1", "/path"],
      ]);
      const failing = [
        () => {
          throw new Error("no log");
        },
        () => Promise.reject(new Error("no log")),
      ];
      for (const onFailing of failing) {
        const answer = await served(throwing, { onError: onFailing }).get("/", { errors: "expected" });
        await new Promise((resolve) => setImmediate(resolve));
        expect(answer.errors).toMatch(/no log[^]*s3cret detail/);
      }
    });

    it("gives each error an id of its own", async () => {
      const http = client(errors()(validator(throwing)));
      const ids = [await http.get("/", { errors: "expected" }), await http.get("/", { errors: "expected" })].map((response) =>
        response.text(),
      );
      expect(ids[0]).toMatch(/Error id: [0-9a-f]{8}-[0-9a-f-]{27}\n$/);
      expect(ids[0]).not.toBe(ids[1]);
    });

    it("cannot write lines of its own into the log", async () => {
      const app: Application = () => {
        throw new Error("first\r\n127.0.0.1 - forged \u001b[31m");
      };
      const response = await served(app).get("/a%0Ab%1B", { errors: "expected" });
      expect(
        response.errors
          .split("\n")
          .slice(1, -1)
          .every((line) => line.startsWith("    ")),
      ).toBe(true);
      expect(response.errors).not.toMatch(/\p{Cc}(?<!\n)/u);
      expect(response.errors).toContain("GET /a%0Ab%1B: ");
    });
  });

  describe("an HTTPError", () => {
    const teapot = (options?: ConstructorParameters<typeof HTTPError>[2]): Application => {
      const error = new HTTPError(418, "Short & <stout>.", options);
      return () => {
        throw error;
      };
    };

    it("says its status, message and headers, again and again, and nothing to the log", async () => {
      const http = served(
        teapot({
          headers: [
            ["X-Tea", "green"],
            ["Content-Length", "999"],
          ],
        }),
      );
      for (let i = 0; i < 2; i++) {
        const response = await http.get("/", { headers: { Accept: "application/json" } });
        expect(response.status).toBe(418);
        expect(response.json()).toEqual({ type: "about:blank", title: "I'm a Teapot", status: 418, detail: "Short & <stout>." });
        expect(response.headers.getAll("X-Tea")).toEqual(["green"]);
        expect(response.headers.getAll("Content-Length")).toEqual([`${response.bytes.length}`]);
        expect(response.headers.has("Cache-Control")).toBe(false);
      }
      expect((await http.get("/")).text()).toBe("Short & <stout>.\n");
    });

    it("is escaped in a page that runs nothing", async () => {
      const response = await served(teapot()).get("/", { headers: browser });
      expect(response.text()).toContain("<p>Short &amp; &lt;stout&gt;.</p>");
      expect(response.text()).not.toContain("<stout>");
      expect(response.headers.get("Content-Security-Policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}';/,
      );
    });

    it("brings its cause to the log, with the id that the answer has", async () => {
      const response = await served(teapot({ cause: new Error("why") })).get("/", { errors: "expected" });
      expect(response.status).toBe(418);
      expect(response.text()).toBe("Short & <stout>.\nError id: id-1\n");
      expect(response.errors).toMatch(/^id-1 GET \/: Error: why/);
    });

    it("with a type of its own is sent as it is", async () => {
      const app: Application = () => {
        throw new HTTPError(400, '{"error":"mine"}', { headers: [["Content-Type", "application/json"]] });
      };
      const response = await served(app).get("/", { headers: browser });
      expect(response.json()).toEqual({ error: "mine" });
      expect(response.headers.get("Content-Type")).toBe("application/json");
    });

    it("without a message says its status", async () => {
      const app: Application = () => {
        throw new HTTPError(404);
      };
      const http = served(app);
      expect((await http.get("/")).text()).toBe("404 Not Found\n");
      expect((await http.get("/", { headers: { Accept: "application/json" } })).json()).toEqual({
        type: "about:blank",
        title: "Not Found",
        status: 404,
      });
    });

    it("that cannot be sent as it is becomes a 500, and both go to the log", async () => {
      const app: Application = () => {
        throw new HTTPError(404, "fine", { headers: [["X-Bad", "a\r\nb"]] });
      };
      const response = await served(app).get("/", { errors: "expected" });
      expect([response.status, response.text()]).toEqual([500, "500 Internal Server Error\nError id: id-1\n"]);
      expect(response.errors).toMatch(/A12[^]*HTTPError: fine/);
    });
  });

  describe("an error after the head", () => {
    it.each([
      [
        "from the body",
        function* (_environ: Environ, startResponse: StartResponse) {
          ok(startResponse);
          yield Buffer.from("x");
          throw problem;
        },
      ],
      [
        "from an asynchronous body",
        async function* (_environ: Environ, startResponse: StartResponse) {
          ok(startResponse);
          yield Buffer.from("x");
          throw problem;
        },
      ],
      [
        "after write()",
        (_environ: Environ, startResponse: StartResponse) => {
          void ok(startResponse)(Buffer.from("x"));
          throw problem;
        },
      ],
      [
        "after write() of an asynchronous application",
        async (_environ: Environ, startResponse: StartResponse) => {
          await ok(startResponse)(Buffer.from("x"));
          throw problem;
        },
      ],
    ] as readonly (readonly [string, Application])[])("breaks the response off, %s, and is reported once", async (_name, app) => {
      for (const debug of [false, true]) {
        const failure = await served(app, { debug })
          .get("/", { errors: "expected" })
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(failure).toBeInstanceOf(ResponseAborted);
        const { response } = failure as ResponseAborted;
        expect([response.status, response.text()]).toEqual([200, "x"]);
        expect(response.errors.match(/s3cret detail/g)?.length).toBe(1);
        expect(response.errors).not.toContain("id-1");
      }
    });

    it("breaks off also where a layer outside has taken the head", async () => {
      const taking = layer(
        (app) => (environ, startResponse) => whenReady(capture(app, environ), (response) => send(response, startResponse)),
      );
      const app: Application = (_environ, startResponse) => {
        ok(startResponse);
        return failingBody();
      };
      const http = client(compose(taking, errors(), validator)(app));
      const response = await http.get("/", { errors: "expected" });
      // What the gateway says when an error reaches it before the first byte.
      expect([response.status, response.text()]).toEqual([500, "500 Internal Server Error\n"]);
    });
  });

  it("is thrown on when the client has left", async () => {
    const onError = vi.fn<NonNullable<ErrorsOptions["onError"]>>();
    const leaving = new AbortController();
    const app: Application = async (environ) => {
      const { signal } = environ["gateway.exchange"];
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw signal.reason;
    };
    const answer = served(app, { onError })
      .get("/", { signal: leaving.signal })
      .catch((error: unknown) => error);
    leaving.abort();
    expect(await answer).toBeInstanceOf(ResponseAborted);
    expect(onError).not.toHaveBeenCalled();
  });

  describe("a response without an error", () => {
    it("passes as it is: a synchronous application stays synchronous", () => {
      const array = [Buffer.from("x")];
      const file = new FileWrapper({ read: () => new Uint8Array(0) });
      const answered = (body: ResponseBody, options: ErrorsOptions = {}): ResponseBody | Promise<ResponseBody> =>
        errors(options)((_environ: Environ, startResponse) => {
          ok(startResponse);
          return body;
        })(buildEnviron(), () => () => {});
      expect(answered(array)).toBe(array);
      expect(answered(file)).toBe(file);
      const empty: Uint8Array[] = [];
      expect(answered(empty, { pages: { 404: () => "" } })).toBe(empty);
      const stream = answered([].values());
      expect(isThenable(stream)).toBe(false);
      expect(Symbol.iterator in stream).toBe(true);
      expect(Symbol.asyncIterator in stream).toBe(false);
    });

    it.each<[string, Application]>([
      [
        "a late startResponse",
        function* (_environ, startResponse) {
          yield new Uint8Array(0);
          ok(startResponse);
          yield Buffer.from("hel");
          yield new Uint8Array(0);
          yield Buffer.from("lo");
        },
      ],
      [
        "an asynchronous stream",
        async function* (_environ, startResponse) {
          ok(startResponse);
          yield Buffer.from("hel");
          yield Buffer.from("lo");
        },
      ],
      [
        "write()",
        async (_environ, startResponse) => {
          await ok(startResponse)(Buffer.from("hel"));
          return [Buffer.from("lo")];
        },
      ],
    ])("passes as it is: %s", async (_name, app) => {
      for (const debug of [false, true]) {
        const http = served(app, { debug });
        expect((await http.get("/")).text()).toBe("hello");
        expect((await http.head("/")).status).toBe(200);
      }
    });

    it("is left early like any other, begun or not", async () => {
      let released = 0;
      const kinds: readonly Application[] = [
        function* (_environ, startResponse) {
          ok(startResponse);
          try {
            for (;;) yield Buffer.from("again");
          } finally {
            released++;
          }
        },
        async function* (_environ, startResponse) {
          ok(startResponse);
          try {
            for (;;) yield Buffer.from("again");
          } finally {
            released++;
          }
        },
      ];
      for (const app of kinds) {
        for (const debug of [false, true]) {
          released = 0;
          const response = await served(app, { debug }).open("GET", "/");
          response.abort();
          await response.finished;
          await new Promise((resolve) => setImmediate(resolve));
          expect(released).toBe(1);
        }
      }
    });
  });

  describe("pages", () => {
    const pages = {
      404: (given: { title: string }, environ: Environ) => `<h1>${given.title}</h1>${environ.PATH_INFO}`,
      500: (given: { id: string | undefined }) => `<h1>Sorry</h1>${given.id}`,
    };
    const missing =
      (chunks: readonly string[], headers: HeaderList = [["Content-Type", "text/plain; charset=utf-8"]]): Application =>
      (_environ, startResponse) => {
        startResponse("404 Not Found", [...headers]);
        return chunks.map((chunk) => Buffer.from(chunk));
      };

    it("stand for errors, for clients that want HTML", async () => {
      const http = served(throwing, { pages });
      const html = await http.get("/", { headers: browser, errors: "expected" });
      expect([html.status, html.text()]).toEqual([500, "<h1>Sorry</h1>id-1"]);
      expect(html.headers.has("Content-Security-Policy")).toBe(false);
      expect((await http.get("/", { errors: "expected" })).text()).toContain("500 Internal Server Error");
    });

    it.each([
      ["an empty array", missing([], [])],
      ["the status as text", missing(["404 Not Found\n"])],
      ["the status in pieces, asynchronously", async (...given) => missing(["404 Not", " Found"])(...given)],
    ] as readonly (readonly [string, Application])[])(
      "stand for answers that say nothing but their status: %s",
      async (_name, app) => {
        const http = served(app, { pages });
        const html = await http.get("/lost", { headers: browser });
        expect([html.status, html.text()]).toEqual([404, "<h1>Not Found</h1>/lost"]);
        expect(html.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
        expect(html.headers.get("Vary")).toBe("Accept");
        const json = await http.get("/lost", { headers: { Accept: "application/json" } });
        expect(json.text()).not.toContain("<h1>");
      },
    );

    it("keep the other headers, what a layer outside pushes once, and the body's close", async () => {
      const close = vi.fn<() => void>();
      const pushing = layer(
        (app) => (environ, startResponse) =>
          app(environ, (status, headers, excInfo) => {
            headers.push(["X-Outside", "1"]);
            return startResponse(status, headers, excInfo);
          }),
      );
      const app: Application = (_environ, startResponse) => {
        startResponse("404 Not Found", [
          ["Content-Type", "text/plain"],
          ["Content-Length", "14"],
          ["Set-Cookie", "a=b"],
          ["Vary", "Cookie"],
        ]);
        return Object.assign([Buffer.from("404 Not Found\n")], { close });
      };
      const response = await client(compose(pushing, errors({ pages }), validator)(app)).get("/", { headers: browser });
      expect(response.text()).toContain("<h1>");
      expect(response.headers.getAll("X-Outside")).toEqual(["1"]);
      expect(response.headers.getAll("Set-Cookie")).toEqual(["a=b"]);
      expect(response.headers.getAll("Vary")).toEqual(["Cookie, Accept"]);
      expect(close).toHaveBeenCalledTimes(1);
    });

    it.each([
      ["another text", missing(["Nothing here.\n"])],
      ["a long text", missing(["x".repeat(1000)])],
      ["an entity tag", missing([], [["ETag", '"a"']])],
      [
        "a stream",
        (_environ, startResponse) => {
          startResponse("404 Not Found", []);
          return (function* (): Generator<Uint8Array> {})();
        },
      ],
      [
        "what was written",
        (_environ, startResponse) => {
          void startResponse("404 Not Found", [["Content-Type", "text/plain"]])(Buffer.from("mine"));
          return [];
        },
      ],
      [
        "another status",
        (_environ, startResponse) => {
          startResponse("403 Forbidden", []);
          return [];
        },
      ],
      [
        "a status that was replaced",
        (_environ, startResponse) => {
          startResponse("404 Not Found", []);
          startResponse("200 OK", [], new Error("better"));
          return [];
        },
      ],
    ] as readonly (readonly [string, Application])[])("leave alone an answer with %s", async (_name, app) => {
      const response = await served(app, { pages }).get("/", { headers: browser });
      expect(response.text()).not.toContain("<h1>");
    });

    it("leave an empty answer to HEAD alone", async () => {
      const response = await served(missing([], []), { pages }).head("/", { headers: browser });
      expect(response.headers.has("Content-Type")).toBe(false);
      const same = await served(missing(["404 Not Found\n"]), { pages }).head("/lost", { headers: browser });
      expect(same.headers.get("Content-Length")).toBe("23");
    });

    it("that fail are reported, and the plain one is sent", async () => {
      const failing = [
        () => {
          throw new Error("in the page");
        },
        () => 1 as unknown as string,
      ];
      for (const page of failing) {
        const response = await served(throwing, { pages: { 500: page } }).get("/", { headers: browser, errors: "expected" });
        expect(response.text()).toContain("<h1>Internal Server Error</h1>");
        expect(response.errors).toMatch(/in the page|gave no text/);
      }
    });
  });

  describe("debug", () => {
    const secrets = {
      Authorization: "Bearer s3cret",
      Cookie: "sid=s3cret",
      "X-Api-Key": "s3cret",
      Referer: "https://me:s3cret@example.com/a?password=s3cret&page=2",
      "User-Agent": "<script>alert(1)</script>",
      "X-<b>": "x",
    };
    const { "X-<b>": _unsendable, ...headers } = secrets;
    const failing: Application = () => {
      throw Object.assign(new Error("<script>alert(2)</script>", { cause: new Error("deeper") }), {
        code: "E_FIRE",
        config: { headers: { authorization: "Bearer s3cret" } },
        apiKey: "s3cret",
      });
    };

    it.each(["text/html", "application/problem+json", "application/json", "text/plain"])(
      "shows source, stack and environ as %s, without secrets",
      async (accept) => {
        const response = await served(failing, { debug: true }).get("/path?token=s3cret&page=2", {
          headers: { ...headers, Accept: accept },
          environ: {
            DATABASE_URL: "postgres://me:s3cret@db/app",
            "gateway.session": { id: "s3cret" },
            MY_PASSWORD: "s3cret",
          } as object,
          errors: "expected",
        });
        const text = response.text();
        expect(response.status).toBe(500);
        expect(text).toContain("errors.test.ts");
        expect(text).toContain("deeper");
        expect(text).toContain("E_FIRE");
        expect(text).toContain("PATH_INFO");
        expect(text).toContain("page=2");
        expect(text).toContain("id-1");
        // Source lines of this very file hold the word too: what comes from the request must not.
        expect(text.replaceAll(/<pre[^]*?<\/pre>/g, "")).not.toMatch(/Bearer s3cret|sid=s3cret|token=s3cret|:s3cret@|: "?s3cret/);
        expect(response.headers.get("Content-Type")).toContain(accept);
        expect(response.errors).toContain("id-1 GET /path: Error");
        if (accept === "text/html") {
          expect(text).not.toMatch(/<script>alert/);
          const policy = response.headers.get("Content-Security-Policy") ?? "";
          const [, nonce = ""] = /script-src 'nonce-([^']+)'/.exec(policy) ?? [];
          expect(nonce.length).toBeGreaterThan(20);
          const scripts = [...text.matchAll(/<(?:script|style)\b([^>]*)>/g)].map(([, attributes = ""]) => attributes);
          expect(scripts.length).toBeGreaterThan(2);
          expect(scripts.every((attributes) => attributes.includes(`nonce="${nonce}"`))).toBe(true);
        }
      },
    );

    it.each(early)("answers what is thrown %s", async (_name, app) => {
      const response = await served(app, { debug: true }).get("/", { headers: browser, errors: "expected" });
      expect(response.status).toBe(500);
      expect(response.text()).toContain("s3cret detail");
    });

    it("says an HTTPError as production does", async () => {
      const app: Application = () => {
        throw new HTTPError(404, "Nothing here.");
      };
      expect((await served(app, { debug: true }).get("/")).text()).toBe("Nothing here.\n");
    });

    it("cannot be turned on by a request", async () => {
      const http = served(failing);
      for (const extra of [
        { "X-Debug": "1", Debug: "true" },
        { Cookie: "debug=true" },
        { Accept: "text/html", "X-Forwarded-For": "127.0.0.1" },
      ]) {
        const response = await http.get("/?debug=1&debug=true", { headers: extra as Record<string, string>, errors: "expected" });
        expect(response.text()).not.toMatch(/errors\.test|E_FIRE|deeper|PATH_INFO/);
      }
    });
  });
});
