import { setupTestingDefaults, type Environ } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { settingsOf, type HttpAppOptions } from "./options.ts";
import { parseOrigin } from "./origin.ts";
import { checkForwardable, requestHead, type BodyFraming } from "./request-head.ts";
import { requestTarget } from "./request-path.ts";

const environ = (more: Partial<Environ> = {}): Environ =>
  setupTestingDefaults({
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "",
    PATH_INFO: "/a",
    QUERY_STRING: "",
    HTTP_HOST: "client.example",
    REMOTE_ADDR: "10.0.0.7",
    SERVER_PROTOCOL: "HTTP/1.1",
    ...more,
  });

function headOf(more: Partial<Environ>, options: Partial<HttpAppOptions> = {}, framing?: BodyFraming): string[] {
  const origin = "http://back.example:81/base";
  const { rules } = settingsOf({ origin, ...options });
  return requestHead({ ...environ(more), ...more }, parseOrigin(origin), rules, framing, false)
    .split("\r\n")
    .slice(0, -2);
}

const valuesOf = (lines: readonly string[], name: string): string[] =>
  lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));

describe("requestTarget", () => {
  it.each([
    ["keep", { SCRIPT_NAME: "/m", PATH_INFO: "/a b", REQUEST_URI: "/m/a%20b?q" }, "/m/a%20b"],
    ["keep", { SCRIPT_NAME: "", PATH_INFO: "//a/b", REQUEST_URI: "//a%2Fb" }, "//a%2Fb"],
    ["keep", { SCRIPT_NAME: "", PATH_INFO: "/rewritten é?", REQUEST_URI: "/other" }, "/rewritten%20%C3%A9%3F"],
    ["keep", { SCRIPT_NAME: "", PATH_INFO: "/\u{FFFD}", REQUEST_URI: "/%ff" }, "/%ff"],
    ["strip", { SCRIPT_NAME: "/m", PATH_INFO: "/a/b", REQUEST_URI: "/m/a%2Fb" }, "/a%2Fb"],
    ["strip", { SCRIPT_NAME: "/é", PATH_INFO: "/a", REQUEST_URI: "/%C3%A9/%61" }, "/%61"],
    ["strip", { SCRIPT_NAME: "/m/n", PATH_INFO: "/a", REQUEST_URI: "/m%2Fn/a" }, "/a"],
    ["strip", { SCRIPT_NAME: "/m", PATH_INFO: "", REQUEST_URI: "/m" }, "/"],
    ["strip", { SCRIPT_NAME: "/m", PATH_INFO: "/x", REQUEST_URI: "/elsewhere" }, "/x"],
    ["keep", { SCRIPT_NAME: "", PATH_INFO: "*", REQUEST_URI: "*", REQUEST_METHOD: "OPTIONS" }, "*"],
  ] as const)("with %s, of %j is %s", (rule, more, target) => {
    expect(requestTarget(environ(more), rule, "")).toBe(target);
  });

  it("keeps the query as it is, and puts the prefix of the origin before it all", () => {
    expect(requestTarget(environ({ QUERY_STRING: "a=%zz&b" }), "keep", "/base")).toBe("/base/a?a=%zz&b");
  });
});

describe("requestHead", () => {
  it("says who asked, and hands on nothing of what the client says of that", () => {
    const lines = headOf({
      HTTP_X_FORWARDED_FOR: "6.6.6.6",
      HTTP_X_FORWARDED_PROTO: "https",
      HTTP_X_FORWARDED_SSL: "on",
      HTTP_FORWARDED: "for=6.6.6.6",
      HTTP_X_REAL_IP: "6.6.6.6",
    });
    expect(lines).toEqual([
      "GET /base/a HTTP/1.1",
      "Host: client.example",
      "X-Forwarded-For: 10.0.0.7",
      "X-Forwarded-Host: client.example",
      "X-Forwarded-Proto: http",
      "Via: 1.1 gateway",
    ]);
  });

  it("appends where it is told to, and makes each of the headers", () => {
    const forwardedHeaders = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Port", "X-Real-IP", "X-Forwarded-Prefix"] as const;
    const came = { HTTP_X_FORWARDED_FOR: "1.2.3.4", HTTP_FORWARDED: "for=1.2.3.4", REMOTE_ADDR: "::1", SCRIPT_NAME: "/m é" };
    const lines = headOf(came, { forwardedHeaders, incomingForwarded: "append", scriptName: "strip" });
    expect(valuesOf(lines, "X-Forwarded-For")).toEqual(["1.2.3.4, ::1"]);
    expect(valuesOf(lines, "Forwarded")).toEqual(['for=1.2.3.4, for="[::1]";proto=http;host=client.example']);
    expect(valuesOf(lines, "X-Forwarded-Port")).toEqual(["80"]);
    expect(valuesOf(lines, "X-Real-IP")).toEqual(["::1"]);
    expect(valuesOf(lines, "X-Forwarded-Prefix")).toEqual(["/m%20%C3%A9"]);
    expect(valuesOf(lines, "X-Forwarded-Host")).toEqual([]);
  });

  it("says that a peer on a Unix socket has no address", () => {
    const lines = headOf({ REMOTE_ADDR: "", HTTP_HOST: "a:1" }, { forwardedHeaders: ["Forwarded", "X-Forwarded-For"] });
    expect(valuesOf(lines, "Forwarded")).toEqual(['for=unknown;proto=http;host="a:1"']);
    expect(valuesOf(lines, "X-Forwarded-For")).toEqual([]);
  });

  it("appends to Via, or leaves it alone", () => {
    expect(valuesOf(headOf({ HTTP_VIA: "1.0 one" }, { via: "two" }), "Via")).toEqual(["1.0 one, 1.1 two"]);
    expect(valuesOf(headOf({ HTTP_VIA: "1.0 one" }, { via: "" }), "Via")).toEqual(["1.0 one"]);
  });

  it("names the host of the client, or of the origin", () => {
    expect(valuesOf(headOf({}), "Host")).toEqual(["client.example"]);
    expect(valuesOf(headOf({}, { preserveHost: false }), "Host")).toEqual(["back.example:81"]);
    expect(valuesOf(headOf({ HTTP_HOST: undefined }), "Host")).toEqual(["back.example:81"]);
  });

  it("says how long a body is, and that there is none where one could be", () => {
    expect(valuesOf(headOf({ REQUEST_METHOD: "POST" }), "Content-Length")).toEqual(["0"]);
    expect(valuesOf(headOf({ REQUEST_METHOD: "DELETE" }), "Content-Length")).toEqual([]);
    expect(valuesOf(headOf({ REQUEST_METHOD: "POST" }, {}, 12), "Content-Length")).toEqual(["12"]);
    expect(valuesOf(headOf({ REQUEST_METHOD: "POST" }, {}, "chunked"), "Transfer-Encoding")).toEqual(["chunked"]);
  });

  it("puts headers of the options in the place of others, which the client cannot take out", () => {
    const headers = { "x-user": "me", Host: "set.example" };
    const lines = headOf({ HTTP_X_USER: "forged", HTTP_CONNECTION: "X-User" }, { headers });
    expect(valuesOf(lines, "x-user")).toEqual(["me"]);
    expect(valuesOf(lines, "X-User")).toEqual([]);
    expect(lines[1]).toBe("Host: set.example");
    expect(valuesOf(headOf({ HTTP_COOKIE: "a=b" }, { headers: () => ({ Cookie: undefined }) }), "Cookie")).toEqual([]);
  });

  it.each([
    ["a line end in a header of the environ", { HTTP_X_A: "1\r\nX-B: 2" }, {}],
    ["a NUL", { HTTP_X_A: "\0" }, {}],
    ["what is beyond latin-1", { HTTP_X_A: "€" }, {}],
    ["a name that is none", { "HTTP_X A": "1" }, {}],
    ["a query with a space", { QUERY_STRING: "a b" }, {}],
    ["a method that is none", { REQUEST_METHOD: "GE T" }, {}],
    ["framing among the options", {}, { headers: { "Content-Length": "5" } }],
    ["a line end among the options", {}, { headers: { "X-A": "1\r\n" } }],
  ])("refuses %s", (_name, more, options) => {
    expect(() => headOf(more as Partial<Environ>, options)).toThrow(TypeError);
  });

  it("counts Max-Forwards down, and goes no further than it says", () => {
    expect(valuesOf(headOf({ REQUEST_METHOD: "OPTIONS", HTTP_MAX_FORWARDS: "3" }), "Max-Forwards")).toEqual(["2"]);
    expect(valuesOf(headOf({ HTTP_MAX_FORWARDS: "3" }), "Max-Forwards")).toEqual(["3"]);
    expect(() => checkForwardable(environ({ REQUEST_METHOD: "TRACE", HTTP_MAX_FORWARDS: "0" }))).toThrow("Max-Forwards");
    expect(() => checkForwardable(environ({ REQUEST_METHOD: "CONNECT" }))).toThrow("501");
    expect(() => checkForwardable(environ())).not.toThrow();
  });
});
