import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import zlib from "node:zlib";
import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { buildStatic } from "./build.ts";
import { staticFiles } from "./index.ts";
import { main } from "./main.ts";
import { contentHash, formatManifest, manifestName, parseManifest } from "./manifest.ts";
import { checked, longAgo, testClock, testFolder, type TestFolder } from "./test-site.ts";

const text = "Something that is said again and again.\n".repeat(200);

function fill(folder: TestFolder): void {
  folder.put("app.js", text);
  folder.put("docs/index.html", text);
  folder.put("tiny.txt", "tiny");
  folder.put("noise.bin", Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 31 + (i >> 3) * 7919) % 256)));
  folder.put(".env", text);
}

const codings = ["br", "gzip"] as const;

describe("buildStatic", () => {
  it("writes siblings that are smaller and hold the same, and a manifest of all", async () => {
    using folder = testFolder();
    fill(folder);
    const noise = Buffer.alloc(4000);
    for (let i = 0, x = 1; i < noise.length; i++) noise[i] = (x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0) >>> 23;
    folder.put("noise.bin", noise);
    const result = await buildStatic(folder.path, { codings });
    expect(result).toEqual({
      files: 4,
      written: ["/.gateway-static.json", "/app.js.br", "/app.js.gz", "/docs/index.html.br", "/docs/index.html.gz"],
      removed: [],
    });
    const at = (path: string): Buffer => readFileSync(join(folder.path, path));
    expect(zlib.brotliDecompressSync(at("app.js.br")).toString()).toBe(text);
    expect(zlib.gunzipSync(at("app.js.gz")).toString()).toBe(text);
    // The system's own programs read them too.
    expect(execFileSync("gzip", ["-dc", join(folder.path, "app.js.gz")]).toString()).toBe(text);
    expect(statSync(join(folder.path, "app.js.br")).mtimeMs).toBeGreaterThanOrEqual(statSync(join(folder.path, "app.js")).mtimeMs);
    const manifest = parseManifest(at(manifestName).toString());
    expect(Object.keys(manifest.files)).toEqual(["/app.js", "/docs/index.html", "/noise.bin", "/tiny.txt"]);
    expect(manifest.files["/app.js"]).toEqual({
      hash: contentHash(Buffer.from(text)),
      size: text.length,
      siblings: {
        br: { hash: contentHash(at("app.js.br")), size: at("app.js.br").length },
        gzip: { hash: contentHash(at("app.js.gz")), size: at("app.js.gz").length },
      },
    });
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("is deterministic, and does nothing a second time", async () => {
    using one = testFolder();
    using other = testFolder();
    fill(one);
    fill(other);
    utimesSync(join(other.path, "app.js"), longAgo + 50, longAgo + 50);
    await buildStatic(one.path, { codings });
    await buildStatic(other.path, { codings });
    for (const path of [manifestName, "app.js.br", "app.js.gz"])
      expect(readFileSync(join(one.path, path)).equals(readFileSync(join(other.path, path)))).toBe(true);
    expect(await buildStatic(one.path, { codings })).toMatchObject({ written: [], removed: [] });
    // A sibling that became older than its file, as a checkout does it, is made no older, and nothing else.
    utimesSync(join(one.path, "app.js"), longAgo + 99, longAgo + 99);
    expect(await buildStatic(one.path, { codings })).toMatchObject({ written: [], removed: [] });
    expect(statSync(join(one.path, "app.js.br")).mtimeMs).toBeGreaterThanOrEqual((longAgo + 99) * 1000);
  });

  it("follows changes: what changed, what is gone, what is of no use any more", async () => {
    using folder = testFolder();
    fill(folder);
    await buildStatic(folder.path, { codings });
    folder.put("app.js", `${text}more`);
    rmSync(join(folder.path, "docs/index.html"));
    writeFileSync(join(folder.path, "hand-made.css"), text);
    const wanted = {
      written: ["/.gateway-static.json", "/app.js.br", "/app.js.gz", "/hand-made.css.br", "/hand-made.css.gz"],
      removed: ["/docs/index.html.br", "/docs/index.html.gz"],
    };
    expect(await buildStatic(folder.path, { codings, check: true })).toMatchObject(wanted);
    expect(await buildStatic(folder.path, { codings })).toMatchObject(wanted);
    expect(await buildStatic(folder.path, { codings, check: true })).toMatchObject({ written: [], removed: [] });
    folder.put("app.js", "tiny now");
    expect(await buildStatic(folder.path, { codings })).toMatchObject({
      written: ["/.gateway-static.json"],
      removed: ["/app.js.br", "/app.js.gz"],
    });
    // A sibling that somebody damaged is made again.
    writeFileSync(join(folder.path, "hand-made.css.gz"), "damaged");
    expect(await buildStatic(folder.path, { codings })).toMatchObject({ written: ["/hand-made.css.gz"] });
  });

  it("leaves alone what it did not make, and what links lead to", async () => {
    using folder = testFolder();
    using outside = testFolder();
    outside.put("secret.txt", text);
    symlinkSync(outside.path, join(folder.path, "out"));
    folder.put("archive.tar.gz", text);
    const result = await buildStatic(folder.path, { codings: ["gzip"] });
    expect(result.written).toEqual(["/.gateway-static.json", "/archive.tar.gz.gz"]);
    expect(readdirSync(outside.path)).toEqual(["secret.txt"]);
  });

  it("makes zstd where the runtime can, and says so where it cannot", async () => {
    using folder = testFolder();
    folder.put("app.js", text);
    const build = buildStatic(folder.path, { codings: ["zstd"] });
    const { zstdDecompressSync: decompress } = zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Buffer };
    if (decompress === undefined) return expect(build).rejects.toThrow("this runtime cannot make zstd");
    expect(await build).toMatchObject({ written: ["/.gateway-static.json", "/app.js.zst"] });
    expect(decompress(readFileSync(join(folder.path, "app.js.zst"))).toString()).toBe(text);
  });
});

describe("the manifest", () => {
  it("makes entity tags that are strong at once, and the same on every machine", async () => {
    using one = testFolder();
    using other = testFolder();
    const tags: (string | null)[] = [];
    for (const [i, folder] of [one, other].entries()) {
      folder.put("app.js", text, longAgo + i);
      await buildStatic(folder.path, { codings });
      const { now } = testClock((longAgo + 2) * 1000 - 500);
      const http = client(checked(staticFiles(folder.path, { now, manifest: "require" })));
      const plain = await http.get("/app.js");
      const coded = await http.get("/app.js", { headers: { "Accept-Encoding": "br" } });
      expect(plain.headers.get("etag")).toBe(`"${contentHash(Buffer.from(text))}"`);
      expect(coded.headers.get("content-encoding")).toBe("br");
      tags.push(coded.headers.get("etag") ?? null);
      expect((await http.get(`/${manifestName}`)).status).toBe(404);
      expect((await client(checked(staticFiles(folder.path, { dotfiles: "serve" }))).get(`/${manifestName}`)).status).toBe(404);
    }
    expect(tags[0]).toBe(tags[1]);
    expect(tags[0]).toMatch(/^"br:[\w-]{22}"$/);
  });

  it("is not believed where the file is another, nor for its siblings", async () => {
    using folder = testFolder();
    folder.put("app.js", text);
    await buildStatic(folder.path, { codings });
    folder.put("app.js", text.replace("again", "AGAIN"), longAgo + 5);
    const http = client(checked(staticFiles(folder.path, { now: testClock().now })));
    const response = await http.get("/app.js", { headers: { "Accept-Encoding": "br" } });
    expect(response.text()).toContain("AGAIN");
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-z]+-[0-9a-z]+"$/);
  });

  it("lets siblings be older than their file, as a checkout leaves them", async () => {
    using folder = testFolder();
    folder.put("app.js", text);
    await buildStatic(folder.path, { codings });
    utimesSync(join(folder.path, "app.js"), longAgo + 100, longAgo + 100);
    const coding = async (manifest: "use" | "ignore"): Promise<string | undefined> => {
      const http = client(checked(staticFiles(folder.path, { now: testClock().now, manifest })));
      const response = await http.get("/app.js", { headers: { "Accept-Encoding": "gzip" } });
      return response.headers.get("content-encoding") ?? undefined;
    };
    expect(await coding("use")).toBe("gzip");
    expect(await coding("ignore")).toBeUndefined();
  });

  it("is believed of a large file when that has been read through", async () => {
    using folder = testFolder();
    const content = Buffer.alloc(3_000_000, "large");
    folder.put("a.bin", content);
    folder.put("wrong.bin", content);
    await buildStatic(folder.path, { codings: [] });
    folder.put("wrong.bin", Buffer.alloc(3_000_000, "other"));
    const http = client(checked(staticFiles(folder.path, { now: testClock().now })));
    const tag = async (path: string): Promise<string> => (await http.head(path)).headers.get("etag") ?? "";
    const wrong = await tag("/wrong.bin");
    const first = await tag("/a.bin");
    expect(first).not.toBe(`"${contentHash(content)}"`);
    // The first is checked before the second, so when this has come that has been decided too.
    let later = first;
    while (later === first) {
      await new Promise((resolve) => setImmediate(resolve));
      later = await tag("/a.bin");
    }
    expect(later).toBe(`"${contentHash(content)}"`);
    expect(await tag("/wrong.bin")).toBe(wrong);
  });

  it("is read again when it has changed; a broken one leaves the last in force", async () => {
    using folder = testFolder();
    folder.put("app.js", text);
    const clock = testClock();
    const http = client(checked(staticFiles(folder.path, { now: clock.now })));
    const tag = async (): Promise<string> => {
      clock.advance(1000);
      return (await http.get("/app.js")).headers.get("etag") ?? "";
    };
    const without = await tag();
    await buildStatic(folder.path, { codings: [] });
    const hashed = await tag();
    expect(hashed).toBe(`"${contentHash(Buffer.from(text))}"`);
    writeFileSync(join(folder.path, manifestName), "{ half");
    expect(await tag()).toBe(hashed);
    rmSync(join(folder.path, manifestName));
    expect(await tag()).toBe(without);
  });

  it("is refused while wrapping where it is none", () => {
    using folder = testFolder();
    for (const content of [
      "",
      "{",
      "[]",
      '{"version":2,"files":{}}',
      '{"version":1,"files":{"/a":{"hash":"x","size":1,"siblings":{}}}}',
    ]) {
      folder.put(manifestName, content);
      expect(() => staticFiles(folder.path)).toThrow(/\.gateway-static\.json: the manifest/);
      expect(() => staticFiles(folder.path, { manifest: "ignore" })).not.toThrow();
    }
    folder.put(manifestName, formatManifest(new Map()));
    expect(() => staticFiles(folder.path, { manifest: "require" })).not.toThrow();
  });
});

describe("gateway-static", () => {
  async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    let out = "";
    let err = "";
    const status = await main(args, { out: (text) => void (out += text), err: (text) => void (err += text) });
    return { status, out, err };
  }

  it("builds, tells what it did, and checks", async () => {
    using folder = testFolder();
    folder.put("app.js", text);
    const flags = ["--codings", "br,gzip", "--min-bytes", "10", "--max-bytes", "100000", "--dotfiles", "refuse", folder.path];
    expect(await run("--check", ...flags)).toEqual({
      status: 1,
      out: "would write /.gateway-static.json\nwould write /app.js.br\nwould write /app.js.gz\n1 files, 3 changes\n",
      err: "",
    });
    expect(await run(...flags)).toMatchObject({ status: 0, out: expect.stringContaining("wrote /app.js.br\n") as string });
    expect(await run("--check", ...flags)).toEqual({ status: 0, out: "1 files, nothing to do\n", err: "" });
    rmSync(join(folder.path, "app.js"));
    expect((await run(...flags)).out).toContain("removed /app.js.br\n");
  });

  it("helps, and says what is wrong with a command line", async () => {
    using folder = testFolder();
    expect((await run("--help")).out).toContain("gateway-static [options] ROOT");
    for (const args of [
      [],
      ["a", "b"],
      ["--codings", "deflate", "x"],
      ["--min-bytes", "-1", "x"],
      ["--nothing", "x"],
      [folder.put("a", "")],
      [`${folder.path}/no`],
    ]) {
      const { status, err } = await run(...args);
      expect([args, status]).toEqual([args, 2]);
      expect(err).toMatch(/^gateway-static: .* \(see gateway-static --help\)\n$/s);
    }
  });
});
