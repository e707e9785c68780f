import { applicationUri, rawPath, requestUri } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { every, proxies, seen } from "./test-seen.ts";

describe("forwarded, the address that was asked for", () => {
  it.each([
    ["https", "https", "on"],
    ["HTTPS", "https", "on"],
    ["http", "http", undefined],
    ["https, http", "http", undefined],
  ])("sets the scheme of %s", (value, scheme, https) => {
    const environ = seen({ trust: proxies }, { "X-Forwarded-Proto": value });
    expect([environ["wsgi.url_scheme"], environ.HTTPS, environ.HTTP_X_FORWARDED_PROTO]).toEqual([scheme, https, scheme]);
  });

  it("takes the scheme that the outermost trusted proxy saw", () => {
    const headers = { "X-Forwarded-For": "192.0.2.1, 10.0.0.2", "X-Forwarded-Proto": "http, https, http" };
    expect(seen({ trust: proxies }, headers)["wsgi.url_scheme"]).toBe("https");
    expect(seen({ trust: proxies }, { ...headers, "X-Forwarded-Proto": "https" })["wsgi.url_scheme"]).toBe("https");
    expect(seen({ trust: 2 }, headers)["wsgi.url_scheme"]).toBe("https");
  });

  it.each(["", "ftp", "https;", "httpss", " , "])("takes nothing of the scheme %j", (value) => {
    const environ = seen({ trust: proxies }, { "X-Forwarded-Proto": value });
    expect([environ["wsgi.url_scheme"], environ.HTTP_X_FORWARDED_PROTO]).toEqual(["http", undefined]);
  });

  it.each<[Record<string, string>, { host: string | undefined; name: string; port: string; uri: string }]>([
    [{ "X-Forwarded-Host": "a.example" }, { host: "a.example", name: "a.example", port: "80", uri: "http://a.example/" }],
    [
      { "X-Forwarded-Host": "a.example:8080" },
      { host: "a.example:8080", name: "a.example", port: "8080", uri: "http://a.example:8080/" },
    ],
    [
      { "X-Forwarded-Host": "a.example", "X-Forwarded-Proto": "https" },
      { host: "a.example", name: "a.example", port: "443", uri: "https://a.example/" },
    ],
    [
      { "X-Forwarded-Host": "a.example:1", "X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https" },
      { host: "a.example:8443", name: "a.example", port: "8443", uri: "https://a.example:8443/" },
    ],
    [
      { "X-Forwarded-Host": "[2001:db8::1]:8080" },
      { host: "[2001:db8::1]:8080", name: "[2001:db8::1]", port: "8080", uri: "http://[2001:db8::1]:8080/" },
    ],
    [{ "X-Forwarded-Port": "8080" }, { host: "localhost:8080", name: "localhost", port: "8080", uri: "http://localhost:8080/" }],
    [
      { "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https" },
      { host: "localhost", name: "localhost", port: "443", uri: "https://localhost/" },
    ],
    [
      { "X-Forwarded-Host": "spoofed.example, a.example" },
      { host: "a.example", name: "a.example", port: "80", uri: "http://a.example/" },
    ],
    [
      { "X-Forwarded-Host": "a.example/x", "X-Forwarded-Port": "x" },
      { host: "localhost", name: "localhost", port: "80", uri: "http://localhost/" },
    ],
    [{ "X-Forwarded-Host": "user@a.example" }, { host: "localhost", name: "localhost", port: "80", uri: "http://localhost/" }],
  ])("sets the host and port of %j", (headers, { host, name, port, uri }) => {
    const environ = seen({ trust: proxies, headers: every }, headers);
    expect([environ.HTTP_HOST, environ.SERVER_NAME, environ.SERVER_PORT, applicationUri(environ)]).toEqual([host, name, port, uri]);
  });

  it("sets the port where the request has no host", () => {
    const environ = seen({ trust: proxies, headers: every }, { "X-Forwarded-Port": "81" }, { HTTP_HOST: undefined });
    expect([environ.HTTP_HOST, environ.SERVER_PORT]).toEqual([undefined, "81"]);
  });

  it("puts back the prefix that a proxy took off, into the target too", () => {
    const environ = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/gr%C3%B6%C3%9Fe/b/" }, {}, "/a%2Fb?x=/");
    expect([environ.SCRIPT_NAME, environ.PATH_INFO, environ.REQUEST_URI]).toEqual([
      "/größe/b",
      "/a/b",
      "/gr%C3%B6%C3%9Fe/b/a%2Fb?x=/",
    ]);
    expect(rawPath(environ)).toBe("/gr%C3%B6%C3%9Fe/b/a%2Fb");
    expect(requestUri(environ)).toBe("http://localhost/gr%C3%B6%C3%9Fe/b/a/b?x=/");
    expect(environ["gateway.forwarded"]?.original).toMatchObject({ SCRIPT_NAME: "", REQUEST_URI: "/a%2Fb?x=/" });
    const absolute = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/p" }, {}, "http://localhost/a?");
    expect([absolute.SCRIPT_NAME, absolute.REQUEST_URI]).toEqual(["/p", "/p/a?"]);
    const unknown = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/p" }, { REQUEST_URI: undefined });
    expect([unknown.SCRIPT_NAME, unknown.REQUEST_URI]).toEqual(["/p", undefined]);
    const rewritten = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/p" }, { REQUEST_URI: "/b" });
    expect([rewritten.SCRIPT_NAME, rewritten.REQUEST_URI, rawPath(rewritten)]).toEqual(["/p", "/b", undefined]);
    const root = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/" });
    expect([root.SCRIPT_NAME, root.REQUEST_URI]).toEqual(["", "/a"]);
  });

  it.each([
    "",
    "p",
    "//evil.example",
    "/p//q",
    "/p/../q",
    "/p/%2e%2E/q",
    "/p%2Fq",
    "/p%5Cq",
    "/p\\q",
    "/p?x",
    "/p#x",
    "/p q",
    "/p%",
    "/p%00",
    "http://a/b",
    "/é",
  ])("takes nothing of the prefix %j", (value) => {
    const environ = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": value });
    expect([environ.SCRIPT_NAME, environ.REQUEST_URI, environ.HTTP_X_FORWARDED_PREFIX]).toEqual(["", "/a", undefined]);
  });
});
