import { rawPath, type Environ } from "@gateway/core";
import { answers, lines, shows } from "../apps.ts";
import type { CaseRequest, ConformanceCase } from "../types.ts";

/** A case whose application shows a part of its environ. */
function shown(
  name: string,
  request: CaseRequest,
  pick: (environ: Environ) => Record<string, unknown>,
  values: Record<string, unknown>,
): ConformanceCase {
  return { area: "environ", name, request, app: shows(pick), expect: { status: 200, body: lines(values) } };
}

/** A case about the path that a target leads to. */
function path(name: string, target: string, PATH_INFO: string): ConformanceCase {
  return shown(name, { target }, (environ) => ({ SCRIPT_NAME: environ.SCRIPT_NAME, PATH_INFO: environ.PATH_INFO }), {
    SCRIPT_NAME: "",
    PATH_INFO,
  });
}

/** A case about a target that is answered 400 before the application is called. */
function refused(name: string, target: string): ConformanceCase {
  return {
    area: "environ",
    name,
    request: { target },
    app: (probe) => {
      const app = answers("called");
      return (environ, startResponse) => {
        probe.note("called");
        return app(environ, startResponse);
      };
    },
    // Whoever refuses it reports it, or not: that is the gateway's.
    expect: { status: 400, errors: "maybe" },
  };
}

const kinds: readonly (keyof Environ)[] = [
  "wsgi.multithread",
  "wsgi.multiprocess",
  "wsgi.run_once",
  "REQUEST_METHOD",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
];

/** What a gateway tells the application about a request. */
export const environCases: readonly ConformanceCase[] = [
  shown("gives the method as it was sent", { method: "DELETE" }, (environ) => ({ method: environ.REQUEST_METHOD }), {
    method: "DELETE",
  }),
  shown(
    "gives a method that HTTP itself does not know",
    { method: "PROPFIND" },
    (environ) => ({ method: environ.REQUEST_METHOD }),
    {
      method: "PROPFIND",
    },
  ),
  path("gives the root as a slash", "/", "/"),
  path("decodes the path", "/a%20b/c%3Fd", "/a b/c?d"),
  path("decodes the path once", "/%2541", "/%41"),
  path("decodes an encoded slash", "/a%2Fb", "/a/b"),
  path("decodes the path as UTF-8", "/caf%C3%A9/%E2%82%AC", "/café/€"),
  path("puts U+FFFD for octets that are not UTF-8", "/%FFa", "/\u{FFFD}a"),
  path("keeps empty segments", "/a//b//", "/a//b//"),
  path("keeps empty segments at the start of the path", "//a", "//a"),
  path("keeps parameters of segments", "/a;v=1/b;w", "/a;v=1/b;w"),
  path("keeps dot segments", "/a/../b/./c", "/a/../b/./c"),
  path("keeps a plus sign", "/a+b", "/a+b"),
  path("takes the path from an absolute target", "http://localhost/abs?x", "/abs"),
  refused("refuses a NUL in the path", "/a%00b"),
  refused("refuses a percent sign without two hex digits", "/a%zz"),
  shown("gives OPTIONS * as a star", { method: "OPTIONS", target: "*" }, (environ) => ({ path: environ.PATH_INFO }), { path: "*" }),
  shown("gives the query as it was sent", { target: "/?a=%20b+c&d?e" }, (environ) => ({ query: environ.QUERY_STRING }), {
    query: "a=%20b+c&d?e",
  }),
  shown("gives an empty query where there is none", { target: "/a" }, (environ) => ({ query: environ.QUERY_STRING }), {
    query: "",
  }),
  shown("gives an empty query behind a bare question mark", { target: "/a?" }, (environ) => ({ query: environ.QUERY_STRING }), {
    query: "",
  }),
  shown(
    "gives the target raw as REQUEST_URI",
    { target: "/a%2Fb;c?x=%20" },
    (environ) => ({ uri: environ.REQUEST_URI, raw: rawPath(environ) }),
    { uri: "/a%2Fb;c?x=%20", raw: "/a%2Fb;c" },
  ),
  shown(
    "gives request headers as HTTP_*",
    { headers: [["X-Custom-Thing", "Some Value"]] },
    (environ) => ({ value: environ["HTTP_X_CUSTOM_THING"] }),
    { value: "Some Value" },
  ),
  shown("leaves out headers that were not sent", {}, (environ) => ({ there: "HTTP_X_CUSTOM_THING" in environ }), { there: false }),
  shown("gives a header with an empty value", { headers: [["X-Empty", ""]] }, (environ) => ({ value: environ["HTTP_X_EMPTY"] }), {
    value: "",
  }),
  shown(
    "trims white space around header values",
    { headers: [["X-Spaced", " \t a b\t "]] },
    (environ) => ({ value: environ["HTTP_X_SPACED"] }),
    { value: "a b" },
  ),
  shown(
    "joins repeated headers with a comma, in order and whatever their case",
    {
      headers: [
        ["X-List", "1"],
        ["Accept", "text/html"],
        ["x-list", "2, 3"],
        ["X-LIST", "4"],
      ],
    },
    (environ) => ({ list: environ["HTTP_X_LIST"], accept: environ.HTTP_ACCEPT }),
    { list: "1, 2, 3, 4", accept: "text/html" },
  ),
  shown(
    "joins repeated Cookie headers with a semicolon",
    {
      headers: [
        ["Cookie", "a=1"],
        ["Cookie", "b=2; c=3"],
      ],
    },
    (environ) => ({ cookie: environ.HTTP_COOKIE }),
    { cookie: "a=1; b=2; c=3" },
  ),
  shown(
    "drops a header with an underscore in its name",
    {
      headers: [
        ["X_Forwarded_For", "10.0.0.1"],
        ["X-Real", "kept"],
        ["X_Real", "dropped"],
      ],
    },
    (environ) => ({ forwarded: environ["HTTP_X_FORWARDED_FOR"] ?? null, real: environ["HTTP_X_REAL"] }),
    { forwarded: null, real: "kept" },
  ),
  shown(
    "drops the Proxy header (httpoxy)",
    { headers: [["Proxy", "http://evil/"]] },
    (environ) => ({ there: "HTTP_PROXY" in environ }),
    {
      there: false,
    },
  ),
  shown(
    "gives Content-Type and Content-Length under their own keys only",
    { method: "POST", headers: [["Content-Type", "text/plain"]], body: { chunks: ["hello"] } },
    (environ) => ({
      type: environ.CONTENT_TYPE,
      length: environ.CONTENT_LENGTH,
      doubled: "HTTP_CONTENT_TYPE" in environ || "HTTP_CONTENT_LENGTH" in environ,
    }),
    { type: "text/plain", length: "5", doubled: false },
  ),
  shown(
    "gives no type and no length of a body that there is not",
    {},
    (environ) => ({ type: environ.CONTENT_TYPE ?? "", length: environ.CONTENT_LENGTH ?? "" }),
    { type: "", length: "" },
  ),
  shown(
    "gives header values as latin-1",
    { headers: [["X-Latin", "caf\u{E9}\u{FF}"]] },
    (environ) => ({ value: environ["HTTP_X_LATIN"] }),
    { value: "caf\u{E9}\u{FF}" },
  ),
  shown("gives the Host header", { headers: [["Host", "example.com:8080"]] }, (environ) => ({ host: environ.HTTP_HOST }), {
    host: "example.com:8080",
  }),
  shown(
    "gives every key of the contract its type",
    {},
    (environ) => ({
      ...Object.fromEntries(kinds.map((key) => [key, typeof environ[key]])),
      digits: /^[0-9]+$/.test(environ.SERVER_PORT),
      protocol: /^HTTP\/[0-9](?:\.[0-9])?$/.test(environ.SERVER_PROTOCOL),
      version: environ["wsgi.version"],
      scheme: ["http", "https"].includes(environ["wsgi.url_scheme"]),
      terminated: environ["wsgi.input_terminated"],
      input: ["read", "readline", "readlines"].map((method) => typeof Reflect.get(environ["wsgi.input"], method)),
      errors: ["write", "writelines", "flush"].map((method) => typeof Reflect.get(environ["wsgi.errors"], method)),
    }),
    {
      ...Object.fromEntries(kinds.map((key) => [key, key.startsWith("wsgi.") ? "boolean" : "string"])),
      digits: true,
      protocol: true,
      version: [1, 0],
      scheme: true,
      terminated: true,
      input: ["function", "function", "function"],
      errors: ["function", "function", "function"],
    },
  ),
  shown(
    "gives a plain object that can be changed",
    {},
    (environ) => {
      environ["test.added"] = "added";
      environ.SCRIPT_NAME = "/changed";
      return {
        plain: Object.getPrototypeOf(environ) === Object.prototype,
        added: environ["test.added"],
        changed: environ.SCRIPT_NAME,
      };
    },
    { plain: true, added: "added", changed: "/changed" },
  ),
  shown(
    "gives the exchange",
    {},
    (environ) => {
      const exchange = environ["gateway.exchange"];
      return { aborted: exchange.signal.aborted, onEnd: typeof exchange.onEnd, earlyHints: typeof exchange.earlyHints };
    },
    { aborted: false, onEnd: "function", earlyHints: "function" },
  ),
];
