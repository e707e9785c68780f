import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePath, encodePath, rawPath } from "./path.ts";

/** A text as its UTF-8 octets, one character each: what a gateway reads off the wire. */
const octets = (text: string): string => Buffer.from(text).toString("latin1");

describe("decodePath", () => {
  it.each([
    ["", ""],
    ["/", "/"],
    ["*", "*"],
    ["/hello/world", "/hello/world"],
    ["/a%20b", "/a b"],
    ["/%41%42", "/AB"],
    ["/%c3%a4%C3%A4", "/ää"],
    [octets("/ä/€/😀"), "/ä/€/😀"],
    ["/\u{c3}%a4", "/ä"],
    ["/%f0\u{9f}%98\u{80}", "/😀"],
    ["/a+b", "/a+b"],
    ["/a%2Fb", "/a/b"],
    ["/a/../b//./c", "/a/../b//./c"],
    ["/%2e%2E/", "/../"],
    ["/\t\u{7f}\n", "/\t\u{7f}\n"],
    ["/%EF%BB%BFa", "/\u{FEFF}a"],
    ["%EF%BB%BF/a", "\u{FEFF}/a"],
  ])("decodes %j to %j", (raw, path) => {
    expect(decodePath(raw)).toBe(path);
  });

  it("decodes only once", () => {
    expect(decodePath("/%2541")).toBe("/%41");
    expect(decodePath("/%252e%252e")).toBe("/%2e%2e");
  });

  it.each([
    ["/%FF", "/\u{FFFD}"],
    ["/\u{FF}x", "/\u{FFFD}x"],
    ["/%c3", "/\u{FFFD}"],
    ["/%c3/x", "/\u{FFFD}/x"],
    ["/%c0%af", "/\u{FFFD}\u{FFFD}"],
    ["/%e0%80%af", "/\u{FFFD}\u{FFFD}\u{FFFD}"],
    ["/%ed%a0%80", "/\u{FFFD}\u{FFFD}\u{FFFD}"],
  ])("puts U+FFFD for what is not UTF-8 in %j", (raw, path) => {
    expect(decodePath(raw)).toBe(path);
  });

  it.each(["%", "/%", "/%4", "/%zz", "/%4g", "/%g4", "/%%41", "/% 1", "/%+1", "/%-1", "/%0x", "/%4\u{C4}", "/a%", "/%\u{661}1"])(
    "refuses the broken escape in %j",
    (raw) => {
      expect(decodePath(raw)).toBeUndefined();
    },
  );

  it.each(["\0", "/a\0", "/%00", "/a%00b", "/%c3%a4\0", "/%20%00"])("refuses the NUL in %j", (raw) => {
    expect(decodePath(raw)).toBeUndefined();
  });

  it.each(["/\u{100}", "/\u{12F}", "/%20\u{12F}etc", "/\u{D800}"])("refuses %j, which no octets can be", (raw) => {
    expect(decodePath(raw)).toBeUndefined();
  });

  it("gives any octets what TextDecoder gives, escaped or not", () => {
    const octet = fc.record({ value: fc.integer({ min: 1, max: 255 }), escaped: fc.boolean() });
    fc.assert(
      fc.property(fc.array(octet), (list) => {
        let raw = "";
        for (const { value, escaped } of list) {
          raw += escaped || value === 0x25 ? `%${value.toString(16).padStart(2, "0")}` : String.fromCharCode(value);
        }
        const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(list, ({ value }) => value));
        expect(decodePath(raw)).toBe(expected);
      }),
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (raw) => {
        expect(decodePath(raw)).not.toBe(null);
      }),
    );
  });
});

describe("encodePath", () => {
  it.each([
    ["", ""],
    ["/", "/"],
    ["/a b", "/a%20b"],
    ["/ä€😀", "/%C3%A4%E2%82%AC%F0%9F%98%80"],
    ["/100%", "/100%25"],
    ["/%41", "/%2541"],
    ["/?#[]", "/%3F%23%5B%5D"],
    ['/"<>\\^`{|}\n\0\u{7f}', "/%22%3C%3E%5C%5E%60%7B%7C%7D%0A%00%7F"],
    ["/a?b?c#d#", "/a%3Fb%3Fc%23d%23"],
  ])("encodes %j as %j", (path, encoded) => {
    expect(encodePath(path)).toBe(encoded);
  });

  it("leaves pchar and the slash as they are", () => {
    const pchar = "/ABCXYZabcxyz0189-._~!$&'()*+,;=:@";
    expect(encodePath(pchar)).toBe(pchar);
  });

  it("puts U+FFFD for a lone surrogate", () => {
    expect(encodePath("/\u{D83D}")).toBe("/%EF%BF%BD");
    expect(encodePath("\u{DE00}/\u{D83D}\u{D83D}\u{DE00}")).toBe("%EF%BF%BD/%EF%BF%BD%F0%9F%98%80");
  });

  it("gives pchar, slashes and escapes for any string", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (path) => {
        expect(encodePath(path)).toMatch(/^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*$/);
      }),
    );
  });

  it("is undone by decodePath", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }), (graphemes, text) => {
        const path = graphemes + Buffer.from(text.replaceAll("\0", "")).toString();
        expect(decodePath(encodePath(path))).toBe(path);
      }),
    );
  });
});

describe("rawPath", () => {
  const of = (REQUEST_URI: string | undefined, SCRIPT_NAME: string, PATH_INFO: string): string | undefined =>
    rawPath({ REQUEST_URI, SCRIPT_NAME, PATH_INFO });

  it.each([
    ["/", "", "/", "/"],
    ["/a%2Fb?q=%2F", "", "/a/b", "/a%2Fb"],
    ["/a%2Fb?q?r", "/a", "/b", "/a%2Fb"],
    ["/?", "", "/", "/"],
    ["//a", "", "//a", "//a"],
    ["http://host/a%2Fb?c", "", "/a/b", "/a%2Fb"],
    ["HTTPS://user@[::1]:8443/a", "", "/a", "/a"],
    ["http://host", "", "/", "/"],
    ["http://host?q=/a", "", "/", "/"],
    ["http://host/", "", "/", "/"],
    ["a+b-c.1://host/x", "", "/x", "/x"],
    ["*", "", "*", "*"],
    ["/%c3%a4", "/ä", "", "/%c3%a4"],
    [octets("/ä"), "", "/ä", octets("/ä")],
  ])("gives the path of %j for %j + %j", (uri, script, path, raw) => {
    expect(of(uri, script, path)).toBe(raw);
  });

  it("gives nothing without REQUEST_URI", () => {
    expect(of(undefined, "", "/")).toBeUndefined();
  });

  it("gives nothing once a layer has changed the path", () => {
    expect(of("/a/b", "", "/b")).toBeUndefined();
    expect(of("/a/b", "/a", "/c")).toBeUndefined();
  });

  it.each([
    "",
    "host:443",
    "a",
    "?q",
    "://host/",
    "1a://host/",
    "a b://host/",
    "http:/host",
    "http:",
    "/%",
    "/%00",
    "*?q",
    "/\u{100}",
  ])("gives nothing for the target %j", (uri) => {
    for (const path of ["", "/", "*", "a", uri]) expect(of(uri, "", path)).toBeUndefined();
  });
});
