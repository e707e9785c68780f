import { describe, expect, it } from "vitest";
import { hasEncodedSlash, isServable } from "./request-path.ts";

describe("isServable", () => {
  it.each(["/", "/a", "/a/", "/a/b.txt", "/a b/ü.txt", "/...", "/a..b", "/a:b", "/nul", "/a~1", "/a\x01", "/a\x7f"])(
    "takes %j",
    (path) => {
      expect(isServable(path, "serve", false)).toBe(true);
    },
  );

  it.each([
    "",
    "a",
    "//",
    "//a",
    "/a//b",
    "/a//",
    "/.",
    "/..",
    "/./a",
    "/../a",
    "/a/..",
    "/a/../b",
    "/a\\b",
    "/..\\a",
    "/a\0.txt",
    "/\uFFFD",
    "*",
  ])("refuses %j", (path) => {
    expect(isServable(path, "serve", false)).toBe(false);
  });

  it("hides names with a dot in front, but for those that are named", () => {
    expect(isServable("/.env", "refuse", false)).toBe(false);
    expect(isServable("/a/.git/config", "refuse", false)).toBe(false);
    expect(isServable("/.env", "serve", false)).toBe(true);
    expect(isServable("/.well-known/a", [".well-known"], false)).toBe(true);
    expect(isServable("/.well-known/.env", [".well-known"], false)).toBe(false);
  });

  it.each([
    "/a:b",
    "/c:/x",
    "/nul",
    "/NUL.txt",
    "/com1",
    "/a/lpt9.js",
    "/a.",
    "/a ",
    "/a::$DATA",
    "/GIT~1",
    "/a?",
    "/aux/b",
    "/conin$",
    "/a\x01",
    "/\x1f/b",
  ])("refuses %j where Windows takes it for something else", (path) => {
    expect(isServable(path, "serve", true)).toBe(false);
  });
});

describe("hasEncodedSlash", () => {
  const environ = (uri: string | undefined, path: string): Parameters<typeof hasEncodedSlash>[0] => ({
    REQUEST_URI: uri,
    SCRIPT_NAME: "",
    PATH_INFO: path,
  });

  it.each([
    ["/a%2Fb", "/a/b", true],
    ["/a%2fb?q", "/a/b", true],
    ["http://host/a%2fb", "/a/b", true],
    ["/a/b?%2f", "/a/b", false],
    ["/a%252fb", "/a%2fb", false],
    // Rewritten by a layer: what the client sent is not this path.
    ["/a%2Fb", "/c", false],
    [undefined, "/a/b", false],
  ])("of %s is told for %s", (uri, path, expected) => {
    expect(hasEncodedSlash(environ(uri, path))).toBe(expected);
  });
});
