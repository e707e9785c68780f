import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CgiEnvirons, cgiEnviron, parseMounts, type CgiGateway } from "./cgi-environ.ts";
import { cgiContentLength } from "./cgi-variables.ts";
import { cgiHead, httpHead } from "./cgi-head.ts";
import type { Environ, InputStream } from "./contract.ts";
import { Seen } from "./head.ts";
import { HTTPError } from "./http-error.ts";
import { emptyInput } from "./input-stream.ts";

const errors = { write(): void {}, writelines(): void {}, flush(): void {} };
const gateway: CgiGateway & { input: InputStream } = {
  input: emptyInput,
  errors,
  serverName: "localhost",
  serverPort: "9000",
  multiprocess: false,
  runOnce: false,
  mounts: undefined,
};

function environOf(variables: Readonly<Record<string, string>>, mounts?: readonly string[]): Environ {
  const pairs = Object.entries({ REQUEST_METHOD: "GET", ...variables }).flat();
  return cgiEnviron(pairs, { ...gateway, mounts: mounts === undefined ? undefined : parseMounts(mounts) });
}

function refusal(make: () => unknown): number {
  try {
    make();
  } catch (error) {
    if (error instanceof HTTPError) return Number(error.status.slice(0, 3));
    throw error;
  }
  return 0;
}

const octets = (text: string): string => Buffer.from(text).toString("latin1");

describe("cgiEnviron", () => {
  it("fills in what a front server leaves out", () => {
    const environ = cgiEnviron(["REQUEST_METHOD", "GET"], gateway);
    expect(environ).toMatchObject({
      SCRIPT_NAME: "",
      PATH_INFO: "/",
      QUERY_STRING: "",
      SERVER_NAME: "localhost",
      SERVER_PORT: "9000",
      SERVER_PROTOCOL: "HTTP/1.0",
      "wsgi.url_scheme": "http",
    });
    expect(environ.CONTENT_LENGTH).toBeUndefined();
  });

  it("reads paths as UTF-8, decodes no percent, and leaves the rest latin-1", () => {
    const environ = environOf({ PATH_INFO: octets("/ü%2F"), QUERY_STRING: octets("ü"), HTTP_X: octets("ü"), SCRIPT_NAME: "/\xff" });
    expect(environ.PATH_INFO).toBe("/ü%2F");
    expect(environ.SCRIPT_NAME).toBe("/\u{FFFD}");
    expect(environ.QUERY_STRING).toBe("Ã¼");
    expect(environ.HTTP_X).toBe("Ã¼");
  });

  it("joins repeated headers, and lets the last of other variables count", () => {
    const pairs = [
      "REQUEST_METHOD",
      "GET",
      "HTTP_X",
      "1",
      "HTTP_COOKIE",
      "a",
      "HTTP_X",
      "2",
      "HTTP_COOKIE",
      "b",
      "PATH_INFO",
      "/1",
      "PATH_INFO",
      "/2",
    ];
    expect(cgiEnviron(pairs, gateway)).toMatchObject({ HTTP_X: "1, 2", HTTP_COOKIE: "a; b", PATH_INFO: "/2" });
  });

  it("drops what could be taken for something else", () => {
    const environ = environOf({
      HTTP_PROXY: "evil",
      HTTP_CONTENT_LENGTH: "5",
      HTTP_CONTENT_TYPE: "a/b",
      "wsgi.input": "x",
      "gateway.session": "x",
      __proto__: "x",
      "a b": "x",
      "": "x",
      "proxy-fcgi-pathinfo": "1",
    });
    expect(Object.keys(environ).filter((key) => /PROXY|HTTP_CONTENT|__proto__| /.test(key))).toEqual([]);
    expect(environ["gateway.session"]).toBeUndefined();
    expect(environ["wsgi.input"]).toBe(emptyInput);
    expect((environ as unknown as Record<string, unknown>)["proxy-fcgi-pathinfo"]).toBe("1");
  });

  it.each(["", "-1", "1x", " 1", "+1"])("takes CONTENT_LENGTH %j for unknown", (value) => {
    expect(environOf({ CONTENT_LENGTH: value }).CONTENT_LENGTH).toBeUndefined();
    expect(cgiContentLength(value)).toBeUndefined();
  });

  it("keeps a length that is one, and refuses one that cannot be counted", () => {
    expect(environOf({ CONTENT_LENGTH: "0" }).CONTENT_LENGTH).toBe("0");
    expect(refusal(() => environOf({ CONTENT_LENGTH: "9".repeat(20) }))).toBe(413);
  });

  it.each([
    [{ HTTPS: "on" }, "https"],
    [{ HTTPS: "ON" }, "https"],
    [{ HTTPS: "1" }, "https"],
    [{ HTTPS: "off" }, "http"],
    [{ HTTPS: "" }, "http"],
    [{ REQUEST_SCHEME: "https" }, "https"],
    [{ HTTP_X_FORWARDED_PROTO: "https" }, "http"],
  ])("%o is %s", (variables, scheme) => {
    expect(environOf(variables)["wsgi.url_scheme"]).toBe(scheme);
  });

  it.each([
    ["HAProxy's root", "/", "/a", undefined, "", "/a"],
    ["HAProxy's root without a path", "/", "", undefined, "", "/"],
    ["mod_proxy_uwsgi", "/app/", "/", undefined, "/app", "/"],
    ["a split path", "/app", "/a", undefined, "/app", "/a"],
    ["a mount itself", "/app", "", undefined, "/app", ""],
    ["all in SCRIPT_NAME, at the root", "/a/b", "", [""], "", "/a/b"],
    ["all in SCRIPT_NAME, mounted", "/app/b", "", ["/app"], "/app", "/b"],
    ["all in PATH_INFO, mounted", "", "/app/b", ["", "/app", "/app/b"], "/app/b", ""],
    ["a longer name than the mount", "", "/apple", ["/app", ""], "", "/apple"],
    ["a UTF-8 mount", "", octets("/ü/b"), ["/ü"], "/ü", "/b"],
    ["the asterisk form", "", "*", undefined, "", "*"],
    ["many slashes", "//", "", undefined, "", "//"],
    ["many slashes, all in SCRIPT_NAME", "//a//", "", [""], "", "//a//"],
  ])("splits the path of %s", (_name, script, path, mounts, expectedScript, expectedPath) => {
    const environ = environOf({ REQUEST_METHOD: "OPTIONS", SCRIPT_NAME: script, PATH_INFO: path }, mounts);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([expectedScript, expectedPath]);
  });

  it("answers 404 outside of its mounts, and 400 to what is no request", () => {
    expect(refusal(() => environOf({ PATH_INFO: "/b" }, ["/app"]))).toBe(404);
    expect(refusal(() => environOf({ PATH_INFO: "a" }))).toBe(400);
    expect(refusal(() => environOf({ REQUEST_METHOD: "" }))).toBe(400);
    expect(refusal(() => environOf({ REQUEST_METHOD: "G T" }))).toBe(400);
    expect(refusal(() => environOf({ PATH_INFO: "*" }))).toBe(400);
    expect(refusal(() => environOf({ HTTP_HOST: "a b" }))).toBe(400);
    expect(refusal(() => environOf({ HTTP_X: "a\r\nb" }))).toBe(400);
    expect(refusal(() => environOf({ HTTP_X: "a\u007f" }))).toBe(400);
    expect(refusal(() => environOf({ CONTENT_TYPE: "a\nb" }))).toBe(400);
    expect(refusal(() => environOf({ PATH_INFO: "/\0" }))).toBe(400);
  });

  it("lets line ends pass where fronts send them: certificates, signatures, decoded paths", () => {
    const variables = { SSL_CLIENT_CERT: "-----BEGIN\n\tMII", SERVER_SIGNATURE: "<address>Apache</address>\n", PATH_INFO: "/a\nb" };
    expect(environOf(variables)).toMatchObject(variables);
  });

  it("takes its own name, port and protocol for what a front cannot mean", () => {
    const environ = environOf({ SERVER_NAME: "~^(www)?", SERVER_PORT: "http", SERVER_PROTOCOL: "INCLUDED" });
    expect(environ).toMatchObject({ SERVER_NAME: "localhost", SERVER_PORT: "9000", SERVER_PROTOCOL: "HTTP/1.0" });
    expect(environOf({ SERVER_NAME: "::1", SERVER_PORT: "65535", SERVER_PROTOCOL: "HTTP/2" })).toMatchObject({
      SERVER_NAME: "::1",
      SERVER_PORT: "65535",
      SERVER_PROTOCOL: "HTTP/2",
    });
  });

  it("percent-encodes what may not stand in a query, and keeps the rest as it is", () => {
    expect(environOf({ QUERY_STRING: "a b#c\n%20\xff" }).QUERY_STRING).toBe("a%20b%23c%0A%20\xff");
  });

  it("drops HTTP_ variables that no header can have made", () => {
    const environ = environOf({ HTTP_: "x", "HTTP_A-B": "x", HTTP_a: "x", "HTTP_A.B": "x", HTTP_OK: "x" });
    expect(Object.keys(environ).filter((key) => key.startsWith("HTTP_"))).toEqual(["HTTP_HOST", "HTTP_OK"]);
  });

  it("shows a REQUEST_URI only where it can be one", () => {
    expect(environOf({ REQUEST_URI: "/a%20b?c" }).REQUEST_URI).toBe("/a%20b?c");
    expect(environOf({ REQUEST_URI: "/a b" }).REQUEST_URI).toBeUndefined();
    expect(environOf({ REQUEST_URI: "" }).REQUEST_URI).toBeUndefined();
  });

  it("throws nothing but HTTPError, and gives paths of the right form, whatever comes", () => {
    const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 12 });
    const name = fc.oneof(fc.constantFrom("SCRIPT_NAME", "PATH_INFO", "CONTENT_LENGTH", "HTTP_X", "HTTPS", "REQUEST_METHOD"), text);
    const path = fc.oneof(
      text,
      text.map((rest) => `/${rest}`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, path)), fc.boolean(), (pairs, isMounted) => {
        try {
          const mounts = isMounted ? parseMounts(["", "/a"]) : undefined;
          const environ = cgiEnviron(["REQUEST_METHOD", "GET", ...pairs.flat()], { ...gateway, mounts });
          expect(environ.SCRIPT_NAME).toMatch(/^$|^\/.*[^/]$/su);
          expect(environ.SCRIPT_NAME + environ.PATH_INFO).toMatch(/^\/|^\*$/);
        } catch (error) {
          if (!(error instanceof HTTPError)) throw error;
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe("CgiEnvirons", () => {
  it("makes the same environ of the same variables, whatever requests it has seen before", () => {
    const names = fc.constantFrom(
      ["REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_HOST"],
      ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTPS", "HTTP_COOKIE"],
      ["PATH_INFO", "REQUEST_METHOD", "REQUEST_SCHEME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_PORT"],
      ["REQUEST_METHOD", "HTTP_X", "HTTP_X", "PATH_INFO", "PATH_INFO"],
      ["REQUEST_METHOD", "PATH_INFO", "HTTP_PROXY", "wsgi.input", "REQUEST_URI", "DOCUMENT_ROOT"],
    );
    const value = fc.constantFrom(
      "",
      "/",
      "/a",
      "//",
      "*",
      "GET",
      "OPTIONS",
      "on",
      "https",
      "8",
      "80",
      "a b",
      "\0",
      "\xe9",
      "a\nb",
      "HTTP/1.1",
      "h:1",
    );
    const request = fc
      .tuple(names, fc.array(value, { minLength: 7, maxLength: 7 }))
      .map(([keys, values]) => keys.flatMap((key, i) => [key, values[i] ?? ""]));
    const made = (make: () => Environ): unknown => {
      try {
        return make();
      } catch (error) {
        if (!(error instanceof HTTPError)) throw error;
        return error.message;
      }
    };
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), fc.boolean(), (requests, isMounted) => {
        const facts = { ...gateway, mounts: isMounted ? parseMounts(["", "/a"]) : undefined };
        const environs = new CgiEnvirons(facts);
        for (const variables of requests) {
          const environ = made(() => environs.make(variables, emptyInput));
          expect(environ).toEqual(made(() => cgiEnviron(variables, facts)));
          // What the application does to it is its own business.
          if (typeof environ === "object" && environ !== null) Object.assign(environ, { PATH_INFO: "changed", HTTP_NEW: "new" });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("gives each request an environ and an input of its own, copied or not", () => {
    const environs = new CgiEnvirons(gateway);
    const inputs = Array.from({ length: 5 }, () => ({ ...emptyInput }));
    const made = inputs.map((input) => environs.make(["REQUEST_METHOD", "GET", "PATH_INFO", "/"], input));
    expect(new Set(made).size).toBe(5);
    expect(made.map((environ) => environ["wsgi.input"])).toEqual(inputs);
    for (const [i, environ] of made.entries()) expect(environ["wsgi.input"]).toBe(inputs[i]);
  });
});

describe("parseMounts", () => {
  it("puts the longest first, and refuses what is no prefix", () => {
    expect(parseMounts(["", "/a", "/a/b"])).toEqual(["/a/b", "/a", ""]);
    for (const wrong of ["/", "a", "/a/"]) expect(() => parseMounts([wrong])).toThrow(TypeError);
  });
});

describe("cgiHead", () => {
  const head = {
    status: "302 Found",
    code: 302,
    headers: [["Location", "/a"]] as [string, string][],
    seen: 0,
    length: 3,
    bodiless: false,
  };

  it("has Status behind Location, and the length that is known", () => {
    expect(cgiHead(head)).toBe("Location: /a\r\nContent-Length: 3\r\nStatus: 302 Found\r\n\r\n");
    expect(httpHead(head)).toBe("HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 3\r\n\r\n");
  });

  it("adds no length to a stream, to what has one, or where there is no body", () => {
    expect(cgiHead({ ...head, length: -1 })).not.toContain("Length");
    expect(cgiHead({ ...head, seen: Seen.length })).not.toContain("Length");
    expect(cgiHead({ ...head, length: 0, bodiless: true })).not.toContain("Length");
    expect(cgiHead({ ...head, status: "200" })).toContain("Status: 200 \r\n");
  });
});
