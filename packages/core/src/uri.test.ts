import { describe, expect, it } from "vitest";
import type { Environ } from "./contract.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";
import { applicationUri, guessScheme, requestUri, shiftPathInfo } from "./uri.ts";

describe("guessScheme", () => {
  it.each(["yes", "on", "1", "ON", "Yes"])("takes HTTPS %j for https", (HTTPS) => {
    expect(guessScheme({ HTTPS })).toBe("https");
  });

  it.each(["", "off", "0", "true", "on ", "\non", "ye\u{17F}", undefined])("takes HTTPS %j for http", (HTTPS) => {
    expect(guessScheme({ HTTPS })).toBe("http");
  });

  it("takes a missing HTTPS for http, whatever a proxy says", () => {
    expect(guessScheme(setupTestingDefaults({ HTTP_X_FORWARDED_PROTO: "https" }))).toBe("http");
  });
});

/** What wsgiref of Python 3.11 gives for the same environ: application_uri, request_uri, request_uri without query. */
const uris: [environ: Partial<Environ>, application: string, request: string, path: string][] = [
  [{}, "http://127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1/"],
  [{ PATH_INFO: "/a b" }, "http://127.0.0.1/", "http://127.0.0.1/a%20b", "http://127.0.0.1/a%20b"],
  [{ SCRIPT_NAME: "/s", PATH_INFO: "" }, "http://127.0.0.1/s", "http://127.0.0.1/s", "http://127.0.0.1/s"],
  [{ SCRIPT_NAME: "/s", PATH_INFO: "/" }, "http://127.0.0.1/s", "http://127.0.0.1/s/", "http://127.0.0.1/s/"],
  [
    { SCRIPT_NAME: "/s", PATH_INFO: "/x", QUERY_STRING: "q=1&r" },
    "http://127.0.0.1/s",
    "http://127.0.0.1/s/x?q=1&r",
    "http://127.0.0.1/s/x",
  ],
  [{ HTTP_HOST: "example.com:8080" }, "http://example.com:8080/", "http://example.com:8080/", "http://example.com:8080/"],
  [{ HTTP_HOST: "", SERVER_NAME: "n", SERVER_PORT: "8000" }, "http://n:8000/", "http://n:8000/", "http://n:8000/"],
  [{ HTTP_HOST: "", SERVER_NAME: "n", SERVER_PORT: "80" }, "http://n/", "http://n/", "http://n/"],
  [{ HTTP_HOST: "", SERVER_NAME: "n", SERVER_PORT: "443", "wsgi.url_scheme": "https" }, "https://n/", "https://n/", "https://n/"],
  [
    { HTTP_HOST: "", SERVER_NAME: "n", SERVER_PORT: "80", "wsgi.url_scheme": "https" },
    "https://n:80/",
    "https://n:80/",
    "https://n:80/",
  ],
  [{ HTTPS: "on", HTTP_HOST: "", SERVER_NAME: "n" }, "https://n/", "https://n/", "https://n/"],
  [
    { SCRIPT_NAME: "/?", PATH_INFO: '/%/?#"<>' },
    "http://127.0.0.1/%3F",
    "http://127.0.0.1/%3F/%25/%3F%23%22%3C%3E",
    "http://127.0.0.1/%3F/%25/%3F%23%22%3C%3E",
  ],
  [{ SCRIPT_NAME: "/", PATH_INFO: "/x" }, "http://127.0.0.1/", "http://127.0.0.1//x", "http://127.0.0.1//x"],
];

describe("applicationUri", () => {
  it.each(uris)("gives what wsgiref gives for %j", (environ, uri) => {
    expect(applicationUri(setupTestingDefaults({ ...environ }))).toBe(uri);
  });

  const at = (SERVER_NAME: string, SERVER_PORT: string): string =>
    applicationUri({ "wsgi.url_scheme": "http", SCRIPT_NAME: "", SERVER_NAME, SERVER_PORT });

  it("puts an IPv6 address in brackets, once", () => {
    expect(at("::1", "8000")).toBe("http://[::1]:8000/");
    expect(at("[::1]", "80")).toBe("http://[::1]/");
  });

  it("writes no colon for a port that is not known", () => {
    expect(at("localhost", "")).toBe("http://localhost/");
  });

  it("percent-encodes SCRIPT_NAME as UTF-8", () => {
    const environ = { "wsgi.url_scheme": "http", SCRIPT_NAME: "/ä b", SERVER_NAME: "n", SERVER_PORT: "80" };
    expect(applicationUri(environ)).toBe("http://n/%C3%A4%20b");
  });
});

describe("requestUri", () => {
  it.each(uris)("gives what wsgiref gives for %j", (environ, _, uri, withoutQuery) => {
    expect(requestUri(setupTestingDefaults({ ...environ }))).toBe(uri);
    expect(requestUri(setupTestingDefaults({ ...environ }), false)).toBe(withoutQuery);
  });

  it("percent-encodes PATH_INFO as UTF-8, and leaves pchar as it is", () => {
    expect(requestUri(setupTestingDefaults({ PATH_INFO: "/ä/a;b=c,d@:e" }))).toBe("http://127.0.0.1/%C3%A4/a;b=c,d@:e");
  });

  it("gives the root for OPTIONS *", () => {
    expect(requestUri(setupTestingDefaults({ REQUEST_METHOD: "OPTIONS", PATH_INFO: "*" }))).toBe("http://127.0.0.1/");
  });
});

/** What wsgiref of Python 3.11 makes of SCRIPT_NAME and PATH_INFO: both before, both after, and what it returns. */
const shifts: [script: string, path: string, newScript: string, newPath: string, name: string | undefined][] = [
  ["", "", "", "", undefined],
  ["", "/", "/", "", ""],
  ["", "/a", "/a", "", "a"],
  ["", "/.", "", "", undefined],
  ["", "/..", "", "", ".."],
  ["", "//", "/", "", ""],
  ["", "//a", "/a", "", "a"],
  ["", "//.", "", "", undefined],
  ["", "/a/", "/a", "/", "a"],
  ["", "/a/.", "/a", "/.", "a"],
  ["", "/a/..", "/a", "/..", "a"],
  ["", "/./", "/", "", ""],
  ["", "/./a", "/a", "", "a"],
  ["", "/./.", "", "", undefined],
  ["", "/../", "", "/", ".."],
  ["", "/../a", "", "/a", ".."],
  ["", "/b c/a", "/b c", "/a", "b c"],
  ["", "/././", "/", "", ""],
  ["", "/..//", "", "/", ".."],
  ["", "a/b", "/b", "a", "b"],
  ["", "/ä/ö", "/ä", "/ö", "ä"],
  ["", "//a//b//", "/a", "/b/", "a"],
  ["", "/a/b/c/d", "/a", "/b/c/d", "a"],
  ["", "/./././a", "/a", "", "a"],
  ["", "/../../x", "", "/../x", ".."],
  ["", "/...", "/...", "", "..."],
  ["", "/.a/.", "/.a", "/.", ".a"],
  ["", "/%2F/x", "/%2F", "/x", "%2F"],
  ["/", "/", "/", "", ""],
  ["/", "/a", "//a", "", "a"],
  ["/", "/.", "/", "", undefined],
  ["/", "/..", "/", "", ".."],
  ["/", "//a", "//a", "", "a"],
  ["/", "/../../x", "/", "/../x", ".."],
  ["/s", "/", "/s/", "", ""],
  ["/s", "/a", "/s/a", "", "a"],
  ["/s", "/.", "/s", "", undefined],
  ["/s", "/..", "", "", ".."],
  ["/s", "//a", "/s/a", "", "a"],
  ["/s", "/../../x", "", "/../x", ".."],
  ["/s/", "/", "/s/", "", ""],
  ["/s/", "/a", "/s/a", "", "a"],
  ["/s/", "/.", "/s", "", undefined],
  ["/s/", "/..", "", "", ".."],
  ["/s/", "//a", "/s/a", "", "a"],
  ["/s/", "/../../x", "", "/../x", ".."],
  ["/s/t", "", "/s/t", "", undefined],
  ["/s/t", "/", "/s/t/", "", ""],
  ["/s/t", "/a", "/s/t/a", "", "a"],
  ["/s/t", "/.", "/s/t", "", undefined],
  ["/s/t", "/..", "/s", "", ".."],
  ["/s/t", "//", "/s/t/", "", ""],
  ["/s/t", "//a", "/s/t/a", "", "a"],
  ["/s/t", "//.", "/s/t", "", undefined],
  ["/s/t", "/a/", "/s/t/a", "/", "a"],
  ["/s/t", "/a/.", "/s/t/a", "/.", "a"],
  ["/s/t", "/a/..", "/s/t/a", "/..", "a"],
  ["/s/t", "/./", "/s/t/", "", ""],
  ["/s/t", "/./a", "/s/t/a", "", "a"],
  ["/s/t", "/./.", "/s/t", "", undefined],
  ["/s/t", "/../", "/s", "/", ".."],
  ["/s/t", "/../a", "/s", "/a", ".."],
  ["/s/t", "/b c/a", "/s/t/b c", "/a", "b c"],
  ["/s/t", "/././", "/s/t/", "", ""],
  ["/s/t", "/..//", "/s", "/", ".."],
  ["/s/t", "a/b", "/s/t/b", "a", "b"],
  ["/s/t", "/ä/ö", "/s/t/ä", "/ö", "ä"],
  ["/s/t", "//a//b//", "/s/t/a", "/b/", "a"],
  ["/s/t", "/a/b/c/d", "/s/t/a", "/b/c/d", "a"],
  ["/s/t", "/./././a", "/s/t/a", "", "a"],
  ["/s/t", "/../../x", "/s", "/../x", ".."],
  ["/s/t", "/...", "/s/t/...", "", "..."],
  ["/s/t", "/.a/.", "/s/t/.a", "/.", ".a"],
  ["/s/t", "/%2F/x", "/s/t/%2F", "/x", "%2F"],
  ["//s", "/", "//s/", "", ""],
  ["//s", "/a", "//s/a", "", "a"],
  ["//s", "/.", "//s", "", undefined],
  ["//s", "/..", "/", "", ".."],
  ["//s", "//a", "//s/a", "", "a"],
  ["//s", "/../../x", "/", "/../x", ".."],
  ["///s", "/", "/s/", "", ""],
  ["///s", "/a", "/s/a", "", "a"],
  ["///s", "/.", "/s", "", undefined],
  ["///s", "/..", "", "", ".."],
  ["///s", "//a", "/s/a", "", "a"],
  ["///s", "/../../x", "", "/../x", ".."],
  ["rel", "/", "rel/", "", ""],
  ["rel", "/a", "rel/a", "", "a"],
  ["rel", "/.", "rel", "", undefined],
  ["rel", "/..", ".", "", ".."],
  ["rel", "//a", "rel/a", "", "a"],
  ["rel", "/../../x", ".", "/../x", ".."],
  ["rel/..", "/", "./", "", ""],
  ["rel/..", "/a", "a", "", "a"],
  ["rel/..", "/.", ".", "", undefined],
  ["rel/..", "/..", "..", "", ".."],
  ["rel/..", "//a", "a", "", "a"],
  ["rel/..", "/../../x", "..", "/../x", ".."],
  ["..", "/", "../", "", ""],
  ["..", "/a", "../a", "", "a"],
  ["..", "/.", "..", "", undefined],
  ["..", "/..", "../..", "", ".."],
  ["..", "//a", "../a", "", "a"],
  ["..", "/../../x", "../..", "/../x", ".."],
  ["/..", "/", "/", "", ""],
  ["/..", "/a", "/a", "", "a"],
  ["/..", "/.", "", "", undefined],
  ["/..", "/..", "", "", ".."],
  ["/..", "//a", "/a", "", "a"],
  ["/..", "/../../x", "", "/../x", ".."],
  ["/s/../t", "/", "/t/", "", ""],
  ["/s/../t", "/a", "/t/a", "", "a"],
  ["/s/../t", "/.", "/t", "", undefined],
  ["/s/../t", "/..", "", "", ".."],
  ["/s/../t", "//a", "/t/a", "", "a"],
  ["/s/../t", "/../../x", "", "/../x", ".."],
  ["/s//t/.", "/", "/s/t/", "", ""],
  ["/s//t/.", "/a", "/s/t/a", "", "a"],
  ["/s//t/.", "/.", "/s/t", "", undefined],
  ["/s//t/.", "/..", "/s", "", ".."],
  ["/s//t/.", "//a", "/s/t/a", "", "a"],
  ["/s//t/.", "/../../x", "/s", "/../x", ".."],
];

describe("shiftPathInfo", () => {
  it.each(shifts)("does to %j and %j what wsgiref does", (SCRIPT_NAME, PATH_INFO, newScript, newPath, name) => {
    const environ = { SCRIPT_NAME, PATH_INFO };
    expect(shiftPathInfo(environ)).toBe(name);
    expect(environ).toEqual({ SCRIPT_NAME: newScript, PATH_INFO: newPath });
  });

  it("walks down a path to its end", () => {
    const environ = setupTestingDefaults({ SCRIPT_NAME: "/app", PATH_INFO: "/a//./b/" });
    const names = [shiftPathInfo(environ), shiftPathInfo(environ), shiftPathInfo(environ), shiftPathInfo(environ)];
    expect(names).toEqual(["a", "b", "", undefined]);
    expect(environ.SCRIPT_NAME).toBe("/app/a/b/");
    expect(environ.PATH_INFO).toBe("");
  });

  it("leaves the path of OPTIONS * alone", () => {
    const environ = { SCRIPT_NAME: "", PATH_INFO: "*" };
    expect(shiftPathInfo(environ)).toBeUndefined();
    expect(environ).toEqual({ SCRIPT_NAME: "", PATH_INFO: "*" });
  });
});
