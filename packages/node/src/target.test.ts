import { describe, expect, it } from "vitest";
import { isHost, parseTarget } from "./target.ts";

describe("parseTarget", () => {
  it.each([
    ["GET", "/a?b?c", { path: "/a", query: "b?c", host: undefined }],
    ["GET", "//a", { path: "//a", query: "", host: undefined }],
    ["OPTIONS", "*", { path: "*", query: "", host: undefined }],
    ["GET", "http://h:80/a?b", { path: "/a", query: "b", host: "h:80" }],
    ["GET", "HTTPS://h?b", { path: "/", query: "b", host: "h" }],
    ["OPTIONS", "http://h", { path: "*", query: "", host: "h" }],
    ["GET", "http://[::1]/", { path: "/", query: "", host: "[::1]" }],
  ])("reads %s %s", (method, target, parsed) => {
    expect(parseTarget(method, target)).toEqual(parsed);
  });

  it.each(["", "*", "a", "/a b", "/a#b", "/\u{E9}", "http://", "http://u@h/", "http://:80/", "ftp://h/", "h:80"])(
    "refuses %j",
    (target) => {
      expect(parseTarget("GET", target)).toBeUndefined();
    },
  );
});

describe("isHost", () => {
  it.each(["a", "a:80", "a.b-c_d", "127.0.0.1:8080", "[::1]", "[::1]:80", "a%20b", "a:"])("takes %s", (host) => {
    expect(isHost(host)).toBe(true);
  });

  it.each(["", "a b", "a/b", "a@b", "a, b", ":80", "a:b", "[::1", "a:123456", "a%2"])("refuses %j", (host) => {
    expect(isHost(host)).toBe(false);
  });
});
