import { ExchangeAborted, whenReady, type Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { errors, type ErrorsOptions } from "./index.ts";
import { browser, early, failingBody, ok, problem, served, throwing } from "./test-served.ts";

describe("an error before the head, within errors()", () => {
  it.each(early)("that is thrown %s is a 500 that tells its id and nothing else", async (_name, app) => {
    const response = await served(app).get("/some path?token=s3cret", { errors: "expected" });
    expect([response.status, response.text()]).toEqual([500, "500 Internal Server Error\nError id: id-1\n"]);
    expect(response.errors).toMatch(/^id-1 GET \/some%20path: Error: s3cret detail\n {4,}at /);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.has("Set-Cookie")).toBe(false);
    expect(response.ending.outcome).toBe("finished");
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
    expect(onError.mock.calls.map(([error, id, environ]) => [error, id, environ.PATH_INFO])).toEqual([[problem, "id-1", "/path"]]);
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

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no id");
      },
    ],
    ["gives nothing", () => undefined],
    ["gives an empty text", () => ""],
    ["gives two lines", () => "id\nforged"],
    ["gives too much", () => "x".repeat(129)],
  ])("has a random id where generateId %s", async (_name, generateId) => {
    const response = await served(throwing, { generateId: generateId as () => string }).get("/", { errors: "expected" });
    const [, id] = /\nError id: ([0-9a-f]{8}-[0-9a-f-]{27})\n$/.exec(response.text()) ?? [];
    expect(id).toBeDefined();
    expect(response.errors).toMatch(new RegExp(`^${id} GET /: Error: s3cret detail\n`));
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
