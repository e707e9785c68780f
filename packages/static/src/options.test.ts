import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { staticFiles, type StaticFilesOptions } from "./index.ts";
import { testFolder } from "./test-site.ts";

describe("staticFiles checks its options while wrapping:", () => {
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
