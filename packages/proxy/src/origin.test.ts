import { describe, expect, it } from "vitest";
import { parseOrigin } from "./origin.ts";

describe("parseOrigin", () => {
  it.each([
    ["http://127.0.0.1:8000", { tls: false, connect: { host: "127.0.0.1", port: 8000 }, authority: "127.0.0.1:8000", prefix: "" }],
    ["HTTPS://app.example/", { tls: true, connect: { host: "app.example", port: 443 }, authority: "app.example", prefix: "" }],
    ["http://[::1]:81/a/b/", { tls: false, connect: { host: "::1", port: 81 }, authority: "[::1]:81", prefix: "/a/b" }],
    ["unix:/run/a.sock", { tls: false, connect: { path: "/run/a.sock" }, authority: "localhost", prefix: "" }],
  ])("reads %s", (text, origin) => {
    expect(parseOrigin(text)).toEqual(origin);
  });

  it.each([
    "127.0.0.1:80",
    "ftp://a",
    "http://",
    "http://user:secret@a",
    "http://a?b",
    "http://a#b",
    "http://a:0",
    "http://a:70000",
    "unix:a",
    "http://a b",
    "http://a/\r\nX: y",
  ])("refuses %j", (text) => {
    expect(() => parseOrigin(text)).toThrow(TypeError);
    expect(() => parseOrigin(text)).not.toThrow(/secret/);
  });
});
