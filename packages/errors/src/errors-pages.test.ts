import { compose, layer, type Application, type Environ, type HeaderList } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { errors } from "./index.ts";
import { browser, served, throwing } from "./test-served.ts";

describe("pages of errors()", () => {
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
