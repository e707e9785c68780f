import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { capture, type Application, type HeaderList, type StartResponse } from "@gateway/core";
import { buildEnviron, client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { staticFiles, type ServedFile, type StaticFilesOptions } from "./index.ts";
import { checked, inner, longAgo, testClock, testFolder, type TestFolder } from "./test-site.ts";

function site(folder: TestFolder, options: StaticFilesOptions = {}, app?: Application): ReturnType<typeof client> {
  return client(checked(staticFiles(folder.path, { now: testClock().now, ...options }), app));
}

const isRoot = process.getuid?.() === 0;

describe("staticFiles", () => {
  it("serves a file with all that is known of it", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const response = await site(folder).get("/a.txt");
    expect(response.status).toBe(200);
    expect(response.text()).toBe("content");
    expect([...response.headers]).toEqual([
      ["Content-Type", "text/plain; charset=utf-8"],
      ["ETag", expect.stringMatching(/^"[0-9a-z]+-[0-9a-z]+"$/)],
      ["Cache-Control", "no-cache"],
      ["Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT"],
      ["Accept-Ranges", "bytes"],
      ["X-Content-Type-Options", "nosniff"],
      ["Content-Length", "7"],
    ]);
  });

  it.each([
    ["small", 10],
    ["large", 600_000],
    ["empty", 0],
  ])("answers HEAD for a %s file with the head of GET", async (_name, size) => {
    using folder = testFolder();
    folder.put("a.bin", Buffer.alloc(size, 1));
    const http = site(folder);
    const get = await http.get("/a.bin");
    const head = await http.head("/a.bin");
    expect(get.bytes).toHaveLength(size);
    expect(head.bytes).toHaveLength(0);
    expect([...head.headers]).toEqual([...get.headers]);
  });

  it("is synchronous for what is in memory, and makes no system call for it within a second", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const app = staticFiles(folder.path, { now: testClock().now })(inner);
    const ask = (): unknown => app(buildEnviron({ target: "/a.txt" }), () => () => {});
    expect(ask()).toEqual([Buffer.from("content")]);
    // Nothing of the file system is asked any more: not even that the file is gone is seen.
    rmSync(join(folder.path, "a.txt"));
    expect(ask()).toEqual([Buffer.from("content")]);
  });

  it("gives each response a header list of its own", () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const app = staticFiles(folder.path)(inner);
    const lists: HeaderList[] = [];
    for (let i = 0; i < 2; i++) {
      void app(buildEnviron({ target: "/a.txt" }), (_status, headers) => {
        lists.push(headers);
        headers.push(["X-Layer", `${i}`]);
        return () => {};
      });
    }
    expect(lists[0]).not.toBe(lists[1]);
    expect(lists.map((list) => list.filter(([name]) => name === "X-Layer"))).toEqual([[["X-Layer", "0"]], [["X-Layer", "1"]]]);
  });

  it("hands on what is no file, and every other method", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const http = site(folder);
    for (const [method, path] of [
      ["GET", "/b.txt"],
      ["HEAD", "/b.txt"],
      ["POST", "/a.txt"],
      ["PUT", "/a.txt"],
      ["DELETE", "/a.txt"],
      ["OPTIONS", "/a.txt"],
      ["GET", "/a.txt/"],
      ["GET", "/a.txt/b"],
      ["GET", `/${"a".repeat(300)}`],
      ["GET", `/${"a/".repeat(3000)}`],
    ] as const) {
      const response = await http.request(method, path);
      expect([response.status, response.text()]).toEqual([404, method === "HEAD" ? "" : `inner ${method} ${path}`]);
    }
  });

  describe("around an application", () => {
    const around = (app: Application): ReturnType<typeof client> => {
      const folder = testFolder();
      try {
        return client(checked(staticFiles(folder.path), app));
      } finally {
        folder[Symbol.dispose]();
      }
    };

    it("stays synchronous", () => {
      using folder = testFolder();
      const app = staticFiles(folder.path)(inner);
      const response = capture(app, buildEnviron({ target: "/nothing" }));
      expect(response).toMatchObject({ status: "404 Not Found" });
    });

    it("lets it call startResponse late", async () => {
      function* late(startResponse: StartResponse): Generator<Uint8Array> {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield Buffer.from("late");
      }
      const http = around((_environ, startResponse) => late(startResponse));
      expect((await http.get("/x")).text()).toBe("late");
    });

    it("lets it answer asynchronously, and write", async () => {
      const http = around(async (_environ, startResponse) => {
        await Promise.resolve();
        await startResponse("200 OK", [["Content-Type", "text/plain"]])(Buffer.from("written "));
        return [Buffer.from("returned")];
      });
      expect((await http.get("/x")).text()).toBe("written returned");
    });

    it("lets it fail before the head and after it", async () => {
      const early = around(() => {
        throw new Error("early");
      });
      expect((await early.get("/x", { errors: "expected" })).status).toBe(500);
      const late = around((_environ, startResponse) => {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return (function* (): Generator<Uint8Array> {
          yield Buffer.from("a");
          throw new Error("late");
        })();
      });
      await expect(late.get("/x", { errors: "expected" })).rejects.toThrow(ResponseAborted);
    });

    it("closes its body when the client leaves, and sends its 204 and 304 as they are", async () => {
      const close = vi.fn<() => void>();
      const http = around((environ, startResponse) => {
        if (environ.PATH_INFO !== "/stream") {
          startResponse(environ.PATH_INFO === "/204" ? "204 No Content" : "304 Not Modified", []);
          return [];
        }
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return {
          async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
            for (;;) yield Buffer.from("on and on");
          },
          close,
        };
      });
      expect((await http.get("/204")).status).toBe(204);
      expect((await http.get("/304")).status).toBe(304);
      const open = await http.open("GET", "/stream");
      open.abort();
      await open.finished;
      expect(close).toHaveBeenCalledOnce();
    });
  });

  it("serves below a prefix, and nothing beside it", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    folder.put("index.html", "index");
    const http = site(folder, { prefix: "/assets" });
    expect((await http.get("/assets/a.txt")).text()).toBe("content");
    expect((await http.get("/assets/")).text()).toBe("index");
    expect((await http.get("/assets")).headers.get("location")).toBe("/assets/");
    for (const path of ["/a.txt", "/assetsa.txt", "/assets-secret/a.txt", "/asset", "/"])
      expect((await http.get(path)).status).toBe(404);
  });

  it("answers for a folder with its index file", async () => {
    using folder = testFolder();
    folder.put("docs/default.htm", "default");
    folder.put("docs/index.html", "index");
    expect((await site(folder).get("/docs/")).text()).toBe("index");
    expect((await site(folder, { index: ["default.htm", "index.html"] }).get("/docs/")).text()).toBe("default");
    expect((await site(folder, { index: [] }).get("/docs/")).status).toBe(404);
  });

  it("tries endings where there is no such file", async () => {
    using folder = testFolder();
    folder.put("about.html", "about");
    folder.put("about.txt", "text");
    folder.put("plain", "plain");
    folder.put("plain.html", "not this");
    const http = site(folder, { extensions: ["html", ".txt"] });
    const response = await http.get("/about");
    expect([response.text(), response.headers.get("content-type")]).toEqual(["about", "text/html; charset=utf-8"]);
    expect((await http.get("/plain")).text()).toBe("plain");
    expect((await site(folder).get("/about")).status).toBe(404);
  });

  describe("the redirect to a folder", () => {
    it("keeps mount point and query", async () => {
      using folder = testFolder();
      folder.put("docs/a b/index.html", "index");
      const http = site(folder);
      const response = await http.get("/shop/docs/a%20b?q=%2F&r", { environ: { SCRIPT_NAME: "/shop" } });
      expect([response.status, response.headers.get("location")]).toEqual([301, "/shop/docs/a%20b/?q=%2F&r"]);
      expect((await http.get("/shop", { environ: { SCRIPT_NAME: "/shop" } })).status).toBe(404);
      folder.put("index.html", "root");
      const mounted = await site(folder).get("/shop", { environ: { SCRIPT_NAME: "/shop" } });
      expect(mounted.headers.get("location")).toBe("/shop/");
    });

    it("tells nothing of a folder that would not answer, and can be switched off", async () => {
      using folder = testFolder();
      folder.put("private/a.txt", "a");
      folder.put("docs/index.html", "index");
      expect((await site(folder).get("/private")).status).toBe(404);
      expect((await site(folder, { redirect: false }).get("/docs")).status).toBe(404);
    });
  });

  describe("with a fallback", () => {
    it("answers for pages, not for files that are missing, and not for what is not covered", async () => {
      using folder = testFolder();
      folder.put("index.html", "page");
      folder.put("real.txt", "real");
      const http = site(folder, { fallback: "index.html" });
      for (const path of ["/", "/users/7", "/users/", "/a.b/c"]) expect((await http.get(path)).text()).toBe("page");
      expect((await http.get("/real.txt")).text()).toBe("real");
      for (const path of ["/missing.js", "/.env", "/a//b", "/%5C", "/x%2Fy"]) expect((await http.get(path)).status).toBe(404);
      expect((await http.post("/users/7")).status).toBe(404);
      const narrow = site(folder, { fallback: { file: "/index.html", covers: (path) => !path.startsWith("/api/") } });
      expect((await narrow.get("/users/7.x")).text()).toBe("page");
      expect((await narrow.get("/api/users")).status).toBe(404);
    });
  });

  describe("with a listing", () => {
    it("shows files and folders, escaped, and nothing that is not served", async () => {
      using folder = testFolder();
      using outside = testFolder();
      outside.put("secret.txt", "secret");
      folder.put("docs/<script>.txt", "12345");
      folder.put("docs/sub/a.txt", "a");
      folder.put("docs/.env", "secret");
      folder.put("docs/javascript:alert(1)", "x");
      symlinkSync(join(outside.path, "secret.txt"), join(folder.path, "docs/out.txt"));
      symlinkSync(outside.path, join(folder.path, "docs/outside"));
      symlinkSync("sub", join(folder.path, "docs/inside"));
      const http = site(folder, { listing: true });
      const page = await http.get("/docs/");
      expect(page.headers.get("content-security-policy")).toBe("default-src 'none'");
      expect(page.text()).toContain('<a href="./%3Cscript%3E.txt">&lt;script&gt;.txt</a><td>5<td>2023-11-14 22:13');
      expect(page.text()).toContain('<a href="./javascript:alert(1)">');
      expect(page.text()).toContain('<a href="./sub/">sub/</a>');
      expect(page.text()).not.toMatch(/<script>|\.env|out\.txt|outside/);
      const json = await http.get("/docs/", { headers: { Accept: "application/json" } });
      expect(json.json()).toMatchObject({
        entries: [
          { name: "inside", kind: "folder" },
          { name: "sub", kind: "folder" },
          { name: "<script>.txt", kind: "file", size: 5, modified: "2023-11-14T22:13:20.000Z" },
          { name: "javascript:alert(1)", kind: "file" },
        ],
        isCut: false,
      });
      expect((await http.get("/docs")).headers.get("location")).toBe("/docs/");
      expect((await http.head("/docs/")).headers.get("content-length")).toBe(page.headers.get("content-length"));
      // Through links: a folder outside is none.
      expect((await http.get("/docs/outside/")).status).toBe(404);
      expect((await http.get("/docs/inside/a.txt")).text()).toBe("a");
    });

    it("is off unless asked for", async () => {
      using folder = testFolder();
      folder.put("a.txt", "a");
      expect((await site(folder).get("/")).status).toBe(404);
    });
  });

  it("hides dotfiles unless told", async () => {
    using folder = testFolder();
    folder.put(".env", "secret");
    folder.put(".git/config", "secret");
    folder.put(".well-known/security.txt", "contact");
    const statuses = async (options: StaticFilesOptions): Promise<number[]> => {
      const http = site(folder, options);
      const paths = ["/.env", "/.git/config", "/.well-known/security.txt"];
      return Promise.all(paths.map(async (path) => (await http.get(path)).status));
    };
    expect(await statuses({})).toEqual([404, 404, 404]);
    expect(await statuses({ dotfiles: [".well-known"] })).toEqual([404, 404, 200]);
    expect(await statuses({ dotfiles: "serve" })).toEqual([200, 200, 200]);
  });

  it("follows links that stay inside the root, and no others", async () => {
    using folder = testFolder();
    using outside = testFolder();
    const secret = outside.put("secret.txt", "secret");
    folder.put("a.txt", "a");
    mkdirSync(join(folder.path, "sub"));
    symlinkSync("a.txt", join(folder.path, "inside.txt"));
    symlinkSync("inside.txt", join(folder.path, "chain.txt"));
    symlinkSync(secret, join(folder.path, "outside.txt"));
    symlinkSync("outside.txt", join(folder.path, "chain-out.txt"));
    symlinkSync(outside.path, join(folder.path, "folder"));
    symlinkSync(`../../${outside.path}/secret.txt`, join(folder.path, "sub/up.txt"));
    symlinkSync("loop.txt", join(folder.path, "loop.txt"));
    // A name that only begins like the root's.
    symlinkSync(`${folder.path}-secret`, join(folder.path, "beside"));
    using beside = { [Symbol.dispose]: () => rmSync(`${folder.path}-secret`, { recursive: true, force: true }) };
    void beside;
    mkdirSync(`${folder.path}-secret`);
    linkSync(secret, `${folder.path}-secret/secret.txt`);
    const http = site(folder);
    expect((await http.get("/inside.txt")).text()).toBe("a");
    expect((await http.get("/chain.txt")).text()).toBe("a");
    for (const path of ["/outside.txt", "/chain-out.txt", "/folder/secret.txt", "/sub/up.txt", "/loop.txt", "/beside/secret.txt"])
      expect((await http.get(path)).text()).toBe(`inner GET ${path}`);
  });

  it.skipIf(process.platform === "win32")("does not wait for a FIFO, and serves no device and no socket", async () => {
    using folder = testFolder();
    execFileSync("mkfifo", [join(folder.path, "fifo.txt")]);
    folder.put("b.txt", "b");
    // Where a sibling is looked for.
    execFileSync("mkfifo", [join(folder.path, "b.txt.br")]);
    symlinkSync("/dev/zero", join(folder.path, "zero.txt"));
    if (isRoot) execFileSync("mknod", [join(folder.path, "device.txt"), "c", "1", "5"]);
    const http = site(folder);
    for (const path of ["/fifo.txt", "/zero.txt", "/device.txt"]) expect((await http.get(path)).status).toBe(404);
    expect((await http.get("/b.txt", { headers: { "Accept-Encoding": "br" } })).text()).toBe("b");
  });

  it("takes the root as a URL, and finds files that links to the root lead to", async () => {
    using folder = testFolder();
    folder.put("release/a.txt", "one");
    symlinkSync("release", join(folder.path, "current"));
    const http = client(checked(staticFiles(pathToFileURL(`${folder.path}/current/`))));
    expect((await http.get("/a.txt")).text()).toBe("one");
  });

  it("follows the root to another folder within a second", async () => {
    using folder = testFolder();
    folder.put("1/a.txt", "one");
    folder.put("1/old.txt", "old");
    folder.put("2/a.txt", "two");
    symlinkSync("1", join(folder.path, "current"));
    const clock = testClock();
    const http = client(checked(staticFiles(join(folder.path, "current"), { now: clock.now })));
    // Also for what was looked at a moment before the root is looked up again.
    clock.advance(900);
    expect((await http.get("/a.txt")).text()).toBe("one");
    expect((await http.get("/old.txt")).text()).toBe("old");
    unlinkSync(join(folder.path, "current"));
    symlinkSync("2", join(folder.path, "current"));
    clock.advance(100);
    expect((await http.get("/a.txt")).text()).toBe("two");
    expect((await http.get("/old.txt")).status).toBe(404);
  });

  describe("and what tells caches", () => {
    it("takes one value, rules, or a function", async () => {
      using folder = testFolder();
      folder.put("a.txt", "a");
      folder.put("b.css", "b");
      const value = async (
        cacheControl: NonNullable<StaticFilesOptions["cacheControl"]>,
        path: string,
      ): Promise<string | undefined> => (await site(folder, { cacheControl }).get(path)).headers.get("cache-control") ?? undefined;
      expect(await value("max-age=5", "/a.txt")).toBe("max-age=5");
      const rules = [
        { files: /\.css$/g, value: "max-age=1" },
        { files: /\.(?:css|js)$/, value: "max-age=2" },
      ];
      expect(await value(rules, "/b.css")).toBe("max-age=1");
      expect(await value(rules, "/a.txt")).toBe("no-cache");
      const byFile = vi.fn<(file: ServedFile) => string | undefined>((file) =>
        file.type.startsWith("text/css") ? "max-age=3" : undefined,
      );
      expect(await value(byFile, "/b.css")).toBe("max-age=3");
      expect(await value(byFile, "/a.txt")).toBeUndefined();
      expect(byFile.mock.calls[0]?.[0]).toEqual({
        path: "/b.css",
        type: "text/css; charset=utf-8",
        size: 1,
        modified: new Date(longAgo * 1000),
      });
    });

    it("knows names that hold a hash", async () => {
      using folder = testFolder();
      const hashed = ["app.0123456789ab.js", "app-0123456789abcdef.css"];
      const others = ["app.js", "my-component.js", "deadbeefdead.js", "report-202401011230.txt", "app.0123456789ab"];
      for (const name of [...hashed, ...others]) folder.put(name, "x");
      const value = async (http: ReturnType<typeof client>, name: string): Promise<string | null> =>
        (await http.get(`/${name}`)).headers.get("cache-control") ?? null;
      const http = site(folder);
      for (const name of hashed) expect(await value(http, name)).toBe("public, max-age=31536000, immutable");
      for (const name of others) expect([name, await value(http, name)]).toEqual([name, "no-cache"]);
      expect(await value(site(folder, { immutable: "none" }), hashed[0] ?? "")).toBe("no-cache");
      expect(await value(site(folder, { immutable: /component/ }), "my-component.js")).toContain("immutable");
    });
  });

  it("sends headers of one's own, on a 304 too, but none that say what the file is", async () => {
    using folder = testFolder();
    folder.put("font.woff2", "font");
    const headers = vi.fn<() => HeaderList>(() => [
      ["Access-Control-Allow-Origin", "*"],
      ["Vary", "Origin"],
      ["cache-control", "max-age=9"],
    ]);
    const http = site(folder, { headers });
    const response = await http.get("/font.woff2");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("vary")).toBe("Origin");
    expect(response.headers.getAll("cache-control")).toEqual(["max-age=9"]);
    const again = await http.get("/font.woff2", { headers: { "If-None-Match": response.headers.get("etag") ?? "" } });
    expect([again.status, again.headers.get("access-control-allow-origin"), again.headers.get("vary")]).toEqual([
      304,
      "*",
      "Origin",
    ]);
    expect(headers).toHaveBeenCalledOnce();
    const wrong = site(folder, { headers: () => [["etag", '"x"']] });
    const failed = await wrong.get("/font.woff2", { errors: "expected" });
    expect(failed.errors).toContain("the headers option gave etag for /font.woff2");
  });

  it("knows types, and takes others", async () => {
    using folder = testFolder();
    for (const name of ["a.js", "a.HTML", "a.svg", "a.wasm", "README", "a.unknown", "a.md", "a.json"]) folder.put(name, "x");
    const type = async (path: string, options: StaticFilesOptions = {}): Promise<string | undefined> =>
      (await site(folder, options).get(path)).headers.get("content-type") ?? undefined;
    expect(await type("/a.js")).toBe("text/javascript; charset=utf-8");
    expect(await type("/a.HTML")).toBe("text/html; charset=utf-8");
    expect(await type("/a.svg")).toBe("image/svg+xml");
    expect(await type("/a.wasm")).toBe("application/wasm");
    expect(await type("/README")).toBe("application/octet-stream");
    expect(await type("/a.unknown")).toBe("application/octet-stream");
    expect(await type("/a.json")).toBe("application/json; charset=utf-8");
    expect(await type("/a.md", { types: { ".MD": "text/plain; charset=utf-8" } })).toBe("text/plain; charset=utf-8");
  });

  describe("with compressed siblings", () => {
    it("sends the one the client likes best, with Vary and a tag of its own", async () => {
      using folder = testFolder();
      folder.put("app.js", "plain");
      folder.put("app.js.br", "brotli");
      folder.put("app.js.zst", "zstandard");
      folder.put("app.js.gz", "gzip");
      folder.put("other.js", "other");
      const http = site(folder);
      const tags = new Set<string | null>();
      for (const [accept, coding, content] of [
        ["gzip, deflate, br, zstd", "br", "brotli"],
        ["gzip, zstd", "zstd", "zstandard"],
        ["gzip", "gzip", "gzip"],
        ["deflate", undefined, "plain"],
        ["br;q=0.1, gzip;q=0.2", "gzip", "gzip"],
        ["identity;q=0", undefined, "plain"],
        [undefined, undefined, "plain"],
      ] as const) {
        const response = await http.get("/app.js", { headers: accept === undefined ? {} : { "Accept-Encoding": accept } });
        expect([response.headers.get("content-encoding") ?? undefined, response.text()]).toEqual([coding, content]);
        expect(response.headers.get("vary")).toBe("Accept-Encoding");
        expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
        expect(response.headers.get("content-length")).toBe(`${content.length}`);
        const etag = response.headers.get("etag") ?? "";
        tags.add(etag);
        const again = await http.get("/app.js", {
          headers: { "If-None-Match": etag, ...(accept !== undefined && { "Accept-Encoding": accept }) },
        });
        expect([again.status, again.headers.get("vary"), again.headers.get("etag")]).toEqual([304, "Accept-Encoding", etag]);
      }
      expect(tags.size).toBe(4);
      expect((await http.get("/other.js")).headers.has("vary")).toBe(false);
      expect((await site(folder, { precompressed: [] }).get("/app.js", { headers: { "Accept-Encoding": "br" } })).text()).toBe(
        "plain",
      );
      const first = site(folder, { precompressed: ["gzip", "br"] });
      expect((await first.get("/app.js", { headers: { "Accept-Encoding": "br, gzip" } })).text()).toBe("gzip");
    });

    it("gives ranges of the sibling, one at a time", async () => {
      using folder = testFolder();
      folder.put("app.js", "plain content");
      folder.put("app.js.br", "0123456789");
      const http = site(folder);
      const one = await http.get("/app.js", { headers: { "Accept-Encoding": "br", Range: "bytes=2-4" } });
      expect([one.status, one.text(), one.headers.get("content-range"), one.headers.get("content-encoding")]).toEqual([
        206,
        "234",
        "bytes 2-4/10",
        "br",
      ]);
      const two = await http.get("/app.js", { headers: { "Accept-Encoding": "br", Range: "bytes=0-0,4-4" } });
      expect([two.status, two.text()]).toEqual([200, "0123456789"]);
      const beyond = await http.get("/app.js", { headers: { "Accept-Encoding": "br", Range: "bytes=11-" } });
      expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    });

    it("does not send one that is older than its file, or leads outside", async () => {
      using folder = testFolder();
      using outside = testFolder();
      folder.put("app.js", "new", longAgo + 1);
      folder.put("app.js.br", "old", longAgo);
      symlinkSync(outside.put("x", "secret", longAgo + 5), join(folder.path, "app.js.gz"));
      const response = await site(folder).get("/app.js", { headers: { "Accept-Encoding": "br, gzip" } });
      expect([response.text(), response.headers.has("vary")]).toEqual(["new", false]);
    });
  });

  describe("the entity tag", () => {
    it("is weak while the file is under 2 seconds old, and then strong, and another for other content", async () => {
      using folder = testFolder();
      const clock = testClock((longAgo + 1) * 1000);
      folder.put("a.txt", "one");
      const http = site(folder, { now: clock.now });
      const tag = async (): Promise<string> => (await http.get("/a.txt")).headers.get("etag") ?? "";
      const young = await tag();
      expect(young).toMatch(/^W\/"/);
      clock.advance(999);
      expect(await tag()).toBe(young);
      clock.advance(1);
      const settled = await tag();
      expect(settled).toBe(young.slice(2));
      folder.put("a.txt", "two", longAgo + 10);
      clock.advance(10_000);
      expect(await tag()).not.toBe(settled);
    });

    it("stays weak, and Last-Modified is the present, where the file is of the future", async () => {
      using folder = testFolder();
      folder.put("a.txt", "one", longAgo + 5000);
      const clock = testClock((longAgo + 7) * 1000);
      const http = site(folder, { now: clock.now });
      for (let i = 0; i < 3; i++, clock.advance(60_000)) {
        const response = await http.get("/a.txt");
        expect(response.headers.get("etag")).toMatch(/^W\/"/);
        expect(response.headers.get("last-modified")).toBe(new Date(Math.floor(clock.now() / 1000) * 1000).toUTCString());
      }
    });

    it("can be weak always, or left out", async () => {
      using folder = testFolder();
      folder.put("a.txt", "one");
      expect((await site(folder, { etag: "weak" }).get("/a.txt")).headers.get("etag")).toMatch(/^W\/"/);
      const none = site(folder, { etag: "none" });
      const response = await none.get("/a.txt");
      expect(response.headers.has("etag")).toBe(false);
      const since = { "If-Modified-Since": response.headers.get("last-modified") ?? "" };
      const again = await none.get("/a.txt", { headers: since });
      expect([again.status, again.headers.get("last-modified")]).toEqual([304, response.headers.get("last-modified")]);
    });
  });

  describe("checks its options while wrapping:", () => {
    it.each([
      [{ prefix: "assets" }, TypeError, "prefix"],
      [{ prefix: "/a/" }, TypeError, "prefix"],
      [{ prefix: "/a//b" }, TypeError, "prefix"],
      [{ prefix: "/../a" }, TypeError, "prefix"],
      [{ index: ["a/b"] }, TypeError, "index"],
      [{ index: "index.html" }, TypeError, "index"],
      [{ extensions: ["a/b"] }, TypeError, "extensions"],
      [{ redirect: 1 }, TypeError, "redirect"],
      [{ listing: "yes" }, TypeError, "listing"],
      [{ fallback: "../x" }, TypeError, "fallback"],
      [{ fallback: "" }, TypeError, "fallback"],
      [{ fallback: { file: "a", covers: 1 } }, TypeError, "fallback.covers"],
      [{ dotfiles: "allow" }, TypeError, "dotfiles"],
      [{ dotfiles: ["env"] }, TypeError, "dotfiles"],
      [{ cacheControl: "a\r\nb: c" }, TypeError, "cacheControl"],
      [{ cacheControl: [{ files: "*.js", value: "x" }] }, TypeError, "cacheControl"],
      [{ cacheControl: 5 }, TypeError, "cacheControl"],
      [{ cacheControl: [{ files: /a/, value: "x", maxAge: 5 }] }, TypeError, "with nothing else in it"],
      [{ immutable: "always" }, TypeError, "immutable"],
      [{ precompressed: ["deflate"] }, TypeError, "precompressed"],
      [{ precompressed: ["br", "br"] }, TypeError, "precompressed"],
      [{ maxCacheBytes: -1 }, RangeError, "maxCacheBytes"],
      [{ maxCachedFileBytes: 1.5 }, RangeError, "maxCachedFileBytes"],
      [{ headers: {} }, TypeError, "headers"],
      [{ types: { "a.b": "text/plain" } }, TypeError, "types"],
      [{ types: { a: "plain" } }, TypeError, "types"],
      [{ types: { a: "text/plain\n" } }, TypeError, "types"],
      [{ etag: true }, TypeError, "etag"],
      [{ manifest: "auto" }, TypeError, "manifest"],
      [{ manifest: "require" }, TypeError, "gateway-static"],
      [{ now: 5 }, TypeError, "now"],
      [{ maxAge: 5 }, TypeError, "no option maxAge"],
    ])("%j", (options, error, words) => {
      using folder = testFolder();
      const wrap = (): unknown => staticFiles(folder.path, options as unknown as StaticFilesOptions);
      expect(wrap).toThrow(error);
      expect(wrap).toThrow(words);
    });

    it("the root", () => {
      using folder = testFolder();
      expect(() => staticFiles("public")).toThrow("absolute path");
      expect(() => staticFiles(join(folder.path, "nothing"))).toThrow("is no folder");
      expect(() => staticFiles(folder.put("a.txt", "a"))).toThrow("is no folder");
    });
  });

  it("keeps the rules on both sides with every kind of response", async () => {
    using folder = testFolder();
    folder.put("a.txt", "0123456789");
    folder.put("large.bin", Buffer.alloc(700_000, "x"));
    const app = validator(staticFiles(folder.path)(validator(inner)));
    const http = client(app);
    for (const path of ["/a.txt", "/large.bin", "/nothing"]) {
      for (const headers of [
        {},
        { Range: "bytes=0-1" },
        { Range: "bytes=0-1,5-6" },
        { Range: "bytes=99999999-" },
        { "If-None-Match": "*" },
        { "If-Match": '"no"' },
      ]) {
        for (const method of ["GET", "HEAD", "POST"])
          expect((await http.request(method, path, { headers })).status).toBeLessThan(500);
      }
    }
  });
});
