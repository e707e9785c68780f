import type { HeaderList } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import type { ServedFile, StaticFilesOptions } from "./index.ts";
import { longAgo, site, testClock, testFolder } from "./test-site.ts";

describe("staticFiles, in the headers of a file,", () => {
  describe("in what tells caches", () => {
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
});
