import type { Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { lineOf, type TestRequest } from "./test-log.ts";

const shop: Application = (environ, startResponse) => {
  Object.assign(environ, { REMOTE_USER: "ada", "shop.basket": "three things", "shop.count": 3 });
  startResponse("201 Created", [
    ["Content-Type", "text/plain"],
    ["X-Twice", "a"],
    ["x-twice", "b"],
    ["Set-Cookie", "session=hunter2"],
    ["Location", "/done?token=hunter2"],
  ]);
  return [Buffer.from("created")];
};

const given: TestRequest = {
  method: "POST",
  target: "/a%20b/caf%C3%A9?x=1&token=hunter2",
  headers: [
    ["Host", "shop.example:8080"],
    ["User-Agent", 'Mozilla "5.0" \\ (X11)'],
    ["Referer", "https://shop.example/?password=hunter2"],
    ["Authorization", "Basic hunter2"],
    ["Cookie", "session=hunter2"],
    ["X-Empty", ""],
    ["Content-Type", "text/x"],
    ["X-Words", "two words"],
  ],
  environ: { "gateway.request_id": "id-1", "gateway.trace": { traceId: "t".repeat(32), spanId: "s".repeat(16), flags: 1 } },
  app: shop,
};
const time = String.raw`\[\d\d\/[A-Z][a-z][a-z]\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
const target = "/a%20b/caf%C3%A9?x=1&token=REDACTED";

describe("a format with Apache's atoms", () => {
  it.each([
    ["%h %a", "127.0.0.1 127.0.0.1"],
    ["%l", "-"],
    ["%u", "ada"],
    ["%r", String.raw`POST\x20${target}\x20HTTP/1.1`],
    ['"%r"', `"POST ${target} HTTP/1.1"`],
    ["%m %H %s %>s %<s", "POST HTTP/1.1 201 201 201"],
    ["%b %B", "7 7"],
    ["%U", String.raw`/a\x20b/caf\xc3\xa9`],
    ['"%U%q"', String.raw`"/a b/caf\xc3\xa9?x=1&token=REDACTED"`],
    ["%q", "?x=1&token=REDACTED"],
    ["%v %V %p", "localhost shop.example:8080 80"],
    ["%{canonical}p %{local}p %{remote}p", "80 80 50000"],
    ["%P %{pid}P", `${process.pid} ${process.pid}`],
    ["%X", "+"],
    ["%L", "id-1"],
    ['"%{User-Agent}i"', String.raw`"Mozilla \"5.0\" \\ (X11)"`],
    ["%{user-agent}i", String.raw`Mozilla\x20\"5.0\"\x20\\\x20(X11)`],
    ['"%{Referer}i"', '"https://shop.example/?password=REDACTED"'],
    ["%{Authorization}i %{Cookie}i %{Proxy-Authorization}i", "REDACTED REDACTED -"],
    ["%{Content-Type}i %{X-None}i", "text/x -"],
    ['%{X-Empty}i "%{X-Empty}i"', '- ""'],
    ["%{Content-Type}o %{X-None}o", "text/plain -"],
    ['"%{X-Twice}o"', '"a, b"'],
    ["%{Set-Cookie}o %{Location}o", "REDACTED /done?token=REDACTED"],
    ["%{HTTP_COOKIE}e %{HTTP_X_WORDS}e", String.raw`REDACTED two\x20words`],
    ["%{QUERY_STRING}e %{REQUEST_URI}e", `x=1&token=REDACTED ${target}`],
    ['"%{shop.basket}e" %{shop.count}e %{NONE}e', '"three things" - -'],
    ["%{outcome}x %{level}x %{request_id}x", "finished info id-1"],
    ["%{trace_id}x %{span_id}x %{tls_version}x %{tls_cipher}x", `${"t".repeat(32)} ${"s".repeat(16)} - -`],
    ["%{target}x", target],
    ["%201{User-Agent}i %!201{User-Agent}i %200,404m %!200m", String.raw`Mozilla\x20\"5.0\"\x20\\\x20(X11) - - POST`],
    ["100%% [%{X-Words}i]", String.raw`100% [two\x20words]`],
    ["%{X-Words}i|%m", String.raw`two\x20words|POST`],
    ["%{Host}i:%p", String.raw`shop.example\x3a8080:80`],
  ])("writes %s", async (format, line) => {
    expect(await lineOf({ format }, given)).toBe(line);
  });

  it.each([
    ["%t", `^${time}$`],
    ["%{%Y}t %{begin:sec}t %{end:msec}t %{}t", `^\\d{4} \\d{10} \\d{13} ${time}$`],
    ["%D %T %{s}T %{ms}T %{us}T", "^\\d+ 0 0 \\d+ \\d+$"],
    ["%^FB %{first_byte_ms}x %{total_ms}x", "^\\d+ \\d+(\\.\\d{1,3})? \\d+(\\.\\d{1,3})?$"],
  ])("writes the times of %s", async (format, shape) => {
    expect(await lineOf({ format }, given)).toMatch(new RegExp(shape));
  });

  it("tells by %X what became of the connection", async () => {
    expect(await lineOf({ format: "%X" }, { environ: { SERVER_PROTOCOL: "HTTP/1.0" } })).toBe("-");
    expect(await lineOf({ format: "%X" }, { headers: [["Connection", "Close"]] })).toBe("-");
    const broken: Application = (_, startResponse) => {
      startResponse("200 OK", [
        ["Content-Type", "text/plain"],
        ["Content-Length", "9"],
      ]);
      return (function* () {
        yield Buffer.from("half");
        throw new Error("broken");
      })();
    };
    expect(await lineOf({ format: "%X %B %{outcome}x" }, { app: broken })).toBe("X 4 failed");
  });

  it.each([
    ["%Z", /"%Z" is not known; known are %a %b .* %\{...\}x %%/],
    ["%", /"%" is not known/],
    ["%h %{Referer}", /"%\{Referer\}" is not known/],
    ["%{a b}i", /"%\{a b\}i" is not known/],
    ["%{x}h", /"%\{x\}h" is not known/],
    ["%i", /"%i" is not known/],
    ["%{min}T", /is not known/],
    ["%{nothing}x", /%\{nothing\}x is not known; known are outcome, .* total_ms, request_id/],
    ["%{constructor}x %{toString}T", /not known/],
    ["%{%Q}t", /"%Q" is not known/],
    ["%h\n%h", /printable ASCII/],
    ["combinde", /"combinde" is no format; those with a name are common, combined, timed, tiny, dev, json/],
    ["", /is no format/],
  ])("refuses %j", async (format, message) => {
    await expect(lineOf({ format })).rejects.toThrow(message);
  });
});

describe("a format with gunicorn's atoms", () => {
  it.each([
    ['%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s', `127.0.0.1 - ada "POST ${target} HTTP/1.1" 201 7`],
    ["%(m)s %(q)s %(H)s %(B)s", "POST x=1&token=REDACTED HTTP/1.1 7"],
    ['"%(U)s"', String.raw`"/a b/caf\xc3\xa9"`],
    ['"%(f)s" "%(a)s"', String.raw`"https://shop.example/?password=REDACTED" "Mozilla \"5.0\" \\ (X11)"`],
    ["%(p)s", `<${process.pid}>`],
    ["%({content-type}i)s %({authorization}i)s %({content-type}o)s %({set-cookie}o)s", "text/x REDACTED text/plain REDACTED"],
    ["%({http_cookie}e)s %({server_name}e)s %({shop.basket}e)s", String.raw`REDACTED localhost three\x20things`],
    ["%({outcome}x)s 100%%", "finished 100%"],
  ])("writes %s", async (format, line) => {
    expect(await lineOf({ format }, given)).toBe(line);
  });

  it("writes its times", async () => {
    expect(await lineOf({ format: "%(t)s %(T)s %(M)s %(D)s %(L)s" }, given)).toMatch(
      new RegExp(`^${time} 0 \\d+ \\d+ 0\\.\\d{6}$`),
    );
  });

  it("has no query where there is none, and a dash for no bytes", async () => {
    const app: Application = (_, startResponse) => {
      startResponse("204 No Content", []);
      return [];
    };
    expect(await lineOf({ format: '"%(q)s" %(b)s %(B)s %(u)s %(f)s' }, { app })).toBe('"" - 0 - -');
  });

  it.each(["%(Z)s", "%(h)d", "%(h)s %h", "%({x}h)s", "%(i)s", "%({a b}i)s", "%()s", "%(hh)s"])("refuses %s", async (format) => {
    await expect(lineOf({ format: `${format} %(h)s` })).rejects.toThrow(/is not known; known are %\(h\)s .* %\(\{...\}x\)s %%/);
  });
});

describe("the named formats", () => {
  it("are what they are called", async () => {
    const common = `127\\.0\\.0\\.1 - ada ${time} "POST ${target.replaceAll("?", String.raw`\?`)} HTTP/1\\.1" 201 7`;
    const combined = `${common} "https://shop\\.example/\\?password=REDACTED" "Mozilla .* \\(X11\\)"`;
    expect(await lineOf({ format: "common" }, given)).toMatch(new RegExp(`^${common}$`));
    expect(await lineOf({ format: "combined" }, given)).toMatch(new RegExp(`^${combined}$`));
    expect(await lineOf({ format: "timed" }, given)).toMatch(new RegExp(`^${combined} [\\d.]+ [\\d.]+ finished id-1$`));
    expect(await lineOf({}, given)).toMatch(new RegExp(`^${combined} [\\d.]+ [\\d.]+ finished id-1$`));
    expect(await lineOf({ format: "tiny" }, given)).toMatch(/^POST \/a%20b\/caf%C3%A9\?x=1&token=REDACTED 201 7 - [\d.]+ ms$/);
  });
});
