import { createHash } from "node:crypto";
import { compose, FileWrapper, HeaderFields, layer, type Application, type HeaderList, type ResponseBody } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { conditional, type ConditionalOptions } from "./index.ts";
import { layerConformance } from "@gateway/testing/layer";
import { importExample } from "@gateway/testing/readme";

/** The validator on both sides: the client puts the outer one. */
const around = (app: Application, options?: ConditionalOptions): Application => compose(conditional(options), validator)(app);

function answering(body: () => ResponseBody, headers: HeaderList = [], status = "200 OK"): Application {
  return (_environ, startResponse) => {
    startResponse(status, [["Content-Type", "text/plain"], ...headers]);
    return body();
  };
}

const bytes = (text: string): readonly Uint8Array[] => [Buffer.from(text)];
const tagOf = (text: string): string => `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
const tag = tagOf("hello");
const lastModified = "Sun, 06 Nov 1994 08:49:37 GMT";

describe("conditional", () => {
  it("runs the example of the README", async () => {
    const example = await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/conditional": new URL("index.ts", import.meta.url),
    });
    const http = client(example as Application);
    const first = await http.get("/");
    expect(first.json()).toEqual({ planets: ["Mercury", "Venus", "Earth"] });
    const again = await http.get("/", { headers: { "If-None-Match": first.headers.get("ETag") ?? "" } });
    expect([again.status, again.bytes.length, again.headers.get("Content-Type")]).toEqual([304, 0, undefined]);
  });

  layerConformance((app) => around(app), { describe, it });

  it("makes the same tag of the same bytes, however they are cut", async () => {
    const cut = answering(() => [Buffer.from("he"), Buffer.alloc(0), Buffer.from("llo")]);
    expect((await client(around(answering(() => bytes("hello")))).get("/")).headers.list).toContainEqual(["ETag", tag]);
    expect((await client(around(cut)).get("/")).headers.getAll("ETag")).toEqual([tag]);
    expect((await client(around(answering(() => []))).get("/")).headers.get("ETag")).toBe(tagOf(""));
    expect((await client(around(answering(() => bytes("hellp")))).get("/")).headers.get("ETag")).not.toBe(tag);
  });

  it("makes a weak tag, or none, where it is told to", async () => {
    const weak = client(
      around(
        answering(() => bytes("hello")),
        { etag: "weak" },
      ),
    );
    expect((await weak.get("/")).headers.get("ETag")).toBe(`W/${tag}`);
    expect((await weak.get("/", { headers: { "If-None-Match": `W/${tag}` } })).status).toBe(304);
    expect((await weak.get("/", { headers: { "If-Match": `W/${tag}` } })).status).toBe(412);
    const none = client(
      around(
        answering(() => bytes("hello")),
        { etag: "none" },
      ),
    );
    expect((await none.get("/")).headers.has("ETag")).toBe(false);
    expect((await none.get("/", { headers: { "If-None-Match": tag } })).status).toBe(200);
  });

  it("makes a tag of bytes that were written before the body was returned", async () => {
    const writing: Application = (_environ, startResponse) => {
      void startResponse("200 OK", [["Content-Type", "text/plain"]])(Buffer.from("hel"));
      return [Buffer.from("lo")];
    };
    expect((await client(around(writing)).get("/")).headers.get("ETag")).toBe(tag);
  });

  it.each<[string, Application]>([
    ["a body over the limit", answering(() => bytes("hello!"))],
    [
      "a generator",
      answering(() =>
        (function* () {
          yield Buffer.from("hello");
        })(),
      ),
    ],
    [
      "an asynchronous generator",
      answering(() =>
        (async function* () {
          yield Buffer.from("hello");
        })(),
      ),
    ],
    [
      "a file",
      answering(
        () =>
          new FileWrapper({
            read: (() => {
              let left = 1;
              return () => (left-- > 0 ? Buffer.from("hello") : Buffer.alloc(0));
            })(),
          }),
      ),
    ],
    ["what may not be stored", answering(() => bytes("hello"), [["Cache-Control", "private, No-Store"]])],
    ["a 201", answering(() => bytes("hello"), [], "201 Created")],
    ["a 206", answering(() => bytes("hello"), [["Content-Range", "bytes 0-4/9"]], "206 Partial Content")],
    ["a 404", answering(() => bytes("hello"), [], "404 Not Found")],
  ])("makes no tag for %s", async (_, app) => {
    const response = await client(around(app, { maxBytes: 5 })).get("/", { headers: { "If-None-Match": tag } });
    expect([response.headers.has("ETag"), response.text().slice(0, 5)]).toEqual([false, "hello"]);
  });

  it("looks at no other method", async () => {
    for (const method of ["POST", "PUT", "QUERY", "get"]) {
      const headers = { "If-None-Match": "*", "If-Match": '"x"' };
      const response = await client(around(answering(() => bytes("hello"), [["ETag", tag]]))).request(method, "/", { headers });
      expect([response.status, response.text()]).toEqual([200, "hello"]);
    }
  });

  it("makes a tag for HEAD of the bytes that GET would get, and none where it cannot know", async () => {
    const full = await client(around(answering(() => bytes("hello")))).head("/");
    expect([full.headers.get("ETag"), full.bytes.length]).toEqual([tag, 0]);
    const bare = await client(around(answering(() => [], [["Content-Length", "5"]]))).head("/");
    expect([bare.headers.has("ETag"), bare.headers.get("Content-Length")]).toEqual([false, "5"]);
    const own = client(
      around(
        answering(
          () => [],
          [
            ["ETag", '"own"'],
            ["Content-Length", "5"],
          ],
        ),
      ),
    );
    const unchanged = await own.head("/", { headers: { "If-None-Match": '"own"' } });
    expect([unchanged.status, unchanged.headers.list]).toEqual([304, [["ETag", '"own"']]]);
  });

  it.each<[string, HeaderList, Record<string, string>, number]>([
    ["its own tag", [["etag", '"own"']], { "If-None-Match": '"own"' }, 304],
    ["its own tag, not ours", [["ETag", '"own"']], { "If-None-Match": tag }, 200],
    ["its own tag and If-Match", [["ETag", '"own"']], { "If-Match": '"other"' }, 412],
    ["a tag that is none", [["ETag", "own"]], { "If-None-Match": "own" }, 200],
    ["its own date", [["last-modified", lastModified]], { "If-Modified-Since": lastModified }, 304],
    [
      "its own date, and a tag",
      [["Last-Modified", lastModified]],
      { "If-None-Match": '"x"', "If-Modified-Since": lastModified },
      200,
    ],
    [
      "its own date and If-Unmodified-Since",
      [["Last-Modified", lastModified]],
      { "If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT" },
      412,
    ],
    ["nothing", [], { "If-None-Match": tag }, 304],
    ["nothing, and *", [], { "If-None-Match": "*" }, 304],
  ])("respects that the application sets %s", async (_, headers, request, status) => {
    for (const body of [
      () => bytes("hello"),
      () =>
        (async function* () {
          yield Buffer.from("hello");
        })(),
    ]) {
      if (headers.length === 0 && !Array.isArray(body())) continue;
      const response = await client(around(answering(body, headers))).get("/", { headers: request });
      expect([response.status, response.text().slice(0, 5)]).toEqual([
        status,
        status === 200 ? "hello" : status === 304 ? "" : "The r",
      ]);
      expect(response.headers.getAll("ETag").length).toBeLessThanOrEqual(1);
    }
  });

  const everything: HeaderList = [
    ["Content-Length", "5"],
    ["Content-Language", "en"],
    ["Content-Encoding", "x-rot13"],
    ["Content-Location", "/hello.txt"],
    ["Content-Disposition", "inline"],
    ["Last-Modified", lastModified],
    ["Vary", "Accept"],
    ["Cache-Control", "max-age=60"],
    ["Expires", lastModified],
    ["Date", lastModified],
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=2"],
    ["X-Frame-Options", "DENY"],
    ["Link", "</a>; rel=next"],
  ];

  it("keeps on a 304 what the RFC says, and what is not about the content", async () => {
    const http = client(around(answering(() => bytes("hello"), everything)), { cookies: false });
    const { headers } = await http.get("/", { headers: { "If-None-Match": tag } });
    const gone = new Set(["Content-Length", "Content-Language", "Content-Encoding", "Last-Modified"]);
    expect(headers.list).toEqual([...everything.filter(([name]) => !gone.has(name)), ["ETag", tag]]);
    const dated = client(
      around(
        answering(() => bytes("hello"), everything),
        { etag: "none" },
      ),
      { cookies: false },
    );
    expect((await dated.get("/", { headers: { "If-Modified-Since": lastModified } })).headers.get("Last-Modified")).toBe(
      lastModified,
    );
  });

  it("keeps on a 412 nothing that describes the representation", async () => {
    const http = client(around(answering(() => bytes("hello"), everything)), { cookies: false });
    const { headers } = await http.get("/", { headers: { "If-Match": '"x"' } });
    const names = headers.list.map(([name]) => name);
    expect(names).toEqual([
      "Vary",
      "Date",
      "Set-Cookie",
      "Set-Cookie",
      "X-Frame-Options",
      "Link",
      "Content-Type",
      "Cache-Control",
      "Content-Length",
    ]);
    expect(headers.get("Cache-Control")).toBe("no-store");
  });

  it("closes the body that it does not send, when the response is over, and never pulls it", async () => {
    const log: string[] = [];
    const body = () =>
      Object.assign(
        (async function* () {
          log.push("pulled");
          yield Buffer.from("x");
        })(),
        { close: () => void log.push("closed") },
      );
    const app = around(answering(body, [["ETag", '"own"']]));
    expect((await client(app).get("/", { headers: { "If-None-Match": '"own"' } })).status).toBe(304);
    expect((await client(app).get("/", { headers: { "If-Match": '"x"' } })).status).toBe(412);
    expect(log).toEqual(["closed", "closed"]);
  });

  it("lets a late generator that is not sent run its finally", async () => {
    const log: string[] = [];
    const app: Application = async function* (_environ, startResponse) {
      startResponse("200 OK", [
        ["Content-Type", "text/plain"],
        ["ETag", '"own"'],
      ]);
      try {
        yield Buffer.from("x");
      } finally {
        log.push("finally");
      }
    };
    expect((await client(around(app)).get("/", { headers: { "If-None-Match": '"own"' } })).status).toBe(304);
    expect(log).toEqual(["finally"]);
  });

  it("keeps a synchronous application synchronous, and its array an array", () => {
    for (const headers of [[], [["If-None-Match", tag]]] as HeaderList[]) {
      const statuses: string[] = [];
      const body = validator(around(answering(() => bytes("hello"))))(buildEnviron({ headers }), (status) => {
        statuses.push(status);
        return () => {};
      }) as readonly Uint8Array[] & { close?(): void };
      expect([Array.isArray(body), statuses]).toEqual([true, [headers.length === 0 ? "200 OK" : "304 Not Modified"]]);
      expect(body.length).toBe(headers.length === 0 ? 1 : 0);
      body.close?.();
    }
  });

  it("works inside a layer that suffixes tags, as gzip does", async () => {
    const suffixing = layer((app) => (environ, startResponse) => {
      const asked = environ.HTTP_IF_NONE_MATCH;
      if (asked !== undefined) environ.HTTP_IF_NONE_MATCH = asked.replace("-gzip", "");
      return app(environ, (status, headers, excInfo) => {
        const fields = new HeaderFields(headers);
        const own = fields.get("ETag");
        if (own !== undefined) fields.set("ETag", `${own.slice(0, -1)}-gzip"`);
        return startResponse(status, headers, excInfo);
      });
    });
    const http = client(compose(suffixing)(around(answering(() => bytes("hello")))));
    const suffixed = (await http.get("/")).headers.get("ETag") ?? "";
    expect(suffixed).toBe(`${tag.slice(0, -1)}-gzip"`);
    const again = await http.get("/", { headers: { "If-None-Match": suffixed } });
    expect([again.status, again.headers.get("ETag")]).toEqual([304, suffixed]);
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const app = around(
      answering(() => bytes("hello")),
      { etag: undefined, maxBytes: undefined },
    );
    expect((await client(app).get("/")).headers.get("ETag")).toBe(tag);
  });

  it.each<[ConditionalOptions, typeof TypeError | typeof RangeError]>([
    [{ etag: "sha1" as "weak" }, TypeError],
    [{ weak: true } as object, TypeError],
    [{ maxBytes: -1 }, RangeError],
    [{ maxBytes: 1.5 }, RangeError],
    [{ maxBytes: NaN }, RangeError],
    [{ maxBytes: "1" as unknown as number }, RangeError],
  ])("refuses %j while wrapping", (options, type) => {
    expect(() => conditional(options)).toThrow(type);
  });
});
