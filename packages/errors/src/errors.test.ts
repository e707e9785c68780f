import {
  capture,
  compose,
  FileWrapper,
  isThenable,
  layer,
  send,
  whenReady,
  type Application,
  type Environ,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { buildEnviron, client, ResponseAborted } from "@gateway/testing";
import { importExample } from "@gateway/testing/readme";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { errors, type ErrorsOptions } from "./index.ts";
import { failingBody, ok, problem, served } from "./test-served.ts";

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

  it("takes an option that is undefined for one that is not given, and a page too", async () => {
    const options: ErrorsOptions = { debug: undefined, pages: { 500: undefined }, prefer: undefined, onError: undefined };
    const app = errors({ ...options, generateId: undefined })(() => {
      throw problem;
    });
    const response = await client(app).get("/", { headers: { Accept: "text/html" }, errors: "expected" });
    expect([response.status, response.text()]).toEqual([500, expect.stringContaining("<h1>Internal Server Error</h1>")]);
    expect((await client(app).get("/", { errors: "expected" })).text()).toMatch(
      /^500 Internal Server Error\nError id: [0-9a-f-]{36}\n$/,
    );
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
});
