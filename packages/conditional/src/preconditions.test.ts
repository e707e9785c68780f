import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isEntityTag, parseEntityTags } from "./entity-tags.ts";
import { parseHttpDate } from "./http-date.ts";
import { evaluatePreconditions, type ConditionalRequest, type Validators } from "./preconditions.ts";

const date = "Sun, 06 Nov 1994 08:49:37 GMT";
const earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
const later = "Sun, 06 Nov 1994 08:49:38 GMT";

describe("evaluatePreconditions", () => {
  it.each<[string, Omit<ConditionalRequest, "REQUEST_METHOD">, Validators, 304 | 412 | undefined, 304 | 412 | undefined]>([
    // what, headers, validators, to GET, to PUT
    ["no condition", {}, { etag: '"a"' }, undefined, undefined],
    ["If-Match with the tag", { HTTP_IF_MATCH: '"b", "a"' }, { etag: '"a"' }, undefined, undefined],
    ["If-Match without the tag", { HTTP_IF_MATCH: '"b"' }, { etag: '"a"' }, 412, 412],
    ["If-Match with a weak tag", { HTTP_IF_MATCH: 'W/"a"' }, { etag: 'W/"a"' }, 412, 412],
    ["If-Match where there is no tag", { HTTP_IF_MATCH: '"a"' }, {}, 412, 412],
    ["If-Match: *", { HTTP_IF_MATCH: "*" }, {}, undefined, undefined],
    ["If-Match: * where there is nothing", { HTTP_IF_MATCH: "*" }, { isMissing: true }, 412, 412],
    ["a malformed If-Match", { HTTP_IF_MATCH: '"a' }, { etag: '"a"' }, 412, 412],
    [
      "If-Match before If-Unmodified-Since",
      { HTTP_IF_MATCH: '"a"', HTTP_IF_UNMODIFIED_SINCE: earlier },
      { etag: '"a"', lastModified: date },
      undefined,
      undefined,
    ],
    ["If-Unmodified-Since of before", { HTTP_IF_UNMODIFIED_SINCE: earlier }, { lastModified: date }, 412, 412],
    ["If-Unmodified-Since of then", { HTTP_IF_UNMODIFIED_SINCE: date }, { lastModified: date }, undefined, undefined],
    ["If-Unmodified-Since without a date", { HTTP_IF_UNMODIFIED_SINCE: earlier }, {}, undefined, undefined],
    [
      "If-Unmodified-Since that is no date",
      { HTTP_IF_UNMODIFIED_SINCE: "yesterday" },
      { lastModified: date },
      undefined,
      undefined,
    ],
    ["If-None-Match with the tag", { HTTP_IF_NONE_MATCH: '"b", W/"a"' }, { etag: '"a"' }, 304, 412],
    ["If-None-Match with the tag made weak", { HTTP_IF_NONE_MATCH: '"a"' }, { etag: 'W/"a"' }, 304, 412],
    ["If-None-Match without the tag", { HTTP_IF_NONE_MATCH: '"b"' }, { etag: '"a"' }, undefined, undefined],
    ["If-None-Match: *", { HTTP_IF_NONE_MATCH: "*" }, {}, 304, 412],
    ["If-None-Match: * where there is nothing", { HTTP_IF_NONE_MATCH: "*" }, { isMissing: true }, undefined, undefined],
    ["a malformed If-None-Match", { HTTP_IF_NONE_MATCH: '"a", b' }, { etag: '"a"' }, undefined, undefined],
    [
      "If-None-Match before If-Modified-Since",
      { HTTP_IF_NONE_MATCH: '"b"', HTTP_IF_MODIFIED_SINCE: later },
      { etag: '"a"', lastModified: date },
      undefined,
      undefined,
    ],
    ["If-Modified-Since of then", { HTTP_IF_MODIFIED_SINCE: date }, { lastModified: date }, 304, undefined],
    ["If-Modified-Since of before", { HTTP_IF_MODIFIED_SINCE: earlier }, { lastModified: date }, undefined, undefined],
    ["If-Modified-Since without a date", { HTTP_IF_MODIFIED_SINCE: later }, { etag: '"a"' }, undefined, undefined],
    ["If-Modified-Since twice", { HTTP_IF_MODIFIED_SINCE: `${later}, ${later}` }, { lastModified: date }, undefined, undefined],
    ["If-Match that fails before If-None-Match", { HTTP_IF_MATCH: '"b"', HTTP_IF_NONE_MATCH: '"a"' }, { etag: '"a"' }, 412, 412],
    ["If-Match and If-None-Match", { HTTP_IF_MATCH: '"a"', HTTP_IF_NONE_MATCH: '"a"' }, { etag: '"a"' }, 304, 412],
    [
      "If-Unmodified-Since and If-Modified-Since",
      { HTTP_IF_UNMODIFIED_SINCE: date, HTTP_IF_MODIFIED_SINCE: date },
      { lastModified: date },
      304,
      undefined,
    ],
    [
      "a Date with milliseconds",
      { HTTP_IF_MODIFIED_SINCE: date },
      { lastModified: new Date(Date.parse(date) + 999) },
      304,
      undefined,
    ],
    [
      "a Date before 1970, told as toUTCString tells it",
      { HTTP_IF_MODIFIED_SINCE: "Wed, 31 Dec 1969 23:59:58 GMT" },
      { lastModified: new Date(-1500) },
      304,
      undefined,
    ],
    ["a Date that is none", { HTTP_IF_MODIFIED_SINCE: date }, { lastModified: new Date(NaN) }, undefined, undefined],
    ["a Last-Modified that is none", { HTTP_IF_MODIFIED_SINCE: date }, { lastModified: "0" }, undefined, undefined],
  ])("evaluates %s", (_, headers, validators, toGet, toPut) => {
    for (const REQUEST_METHOD of ["GET", "HEAD"])
      expect(evaluatePreconditions({ REQUEST_METHOD, ...headers }, validators)).toBe(toGet);
    for (const REQUEST_METHOD of ["PUT", "DELETE", "get"])
      expect(evaluatePreconditions({ REQUEST_METHOD, ...headers }, validators)).toBe(toPut);
  });
});

describe("parseEntityTags", () => {
  it.each([
    ["*", "*"],
    ['"a"', ['"a"']],
    ['W/"a" ,\t"b"', ['W/"a"', '"b"']],
    [', ,"",,"\u00e9,"', ['""', '"\u00e9,"']],
    ["", []],
    ["a", undefined],
    ['"a" "b"', undefined],
    ['w/"a"', undefined],
    ['"a b"', undefined],
    ['"a', undefined],
    ['*, "a"', undefined],
    ['"\u0100"', undefined],
  ])("reads %j", (text, tags) => {
    expect(parseEntityTags(text)).toEqual(tags);
  });

  it("reads every list of tags as it was written", () => {
    const opaque = fc.string({
      unit: fc
        .integer({ min: 0x21, max: 0xff })
        .filter((code) => code !== 0x22 && code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
    });
    const tag = fc.tuple(fc.constantFrom("", "W/"), opaque).map(([weak, text]) => `${weak}"${text}"`);
    const joint = fc.constantFrom(",", ", ", " , ", ",\t,");
    fc.assert(
      fc.property(fc.array(tag), joint, (tags, joint) => {
        expect(parseEntityTags(tags.join(joint))).toEqual(tags);
        expect(tags.every(isEntityTag)).toBe(true);
      }),
    );
  });

  it("throws for nothing, and takes time in proportion to the length", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', ",", " ", "\t", "W", "/", "a", "*"), maxLength: 200 }),
        (text) => void parseEntityTags(text),
      ),
    );
    expect(parseEntityTags(`${", ".repeat(500_000)}x`)).toBeUndefined();
    expect(parseEntityTags('W/"'.repeat(300_000))).toBeUndefined();
  });
});

describe("parseHttpDate", () => {
  const now = Date.UTC(2026, 0, 1);

  it.each([
    [date, Date.UTC(1994, 10, 6, 8, 49, 37)],
    ["Sunday, 06-Nov-94 08:49:37 GMT", Date.UTC(1994, 10, 6, 8, 49, 37)],
    ["Sun Nov  6 08:49:37 1994", Date.UTC(1994, 10, 6, 8, 49, 37)],
    ["Friday, 01-Jan-76 00:00:00 GMT", Date.UTC(2076, 0, 1)],
    ["Friday, 01-Jan-77 00:00:00 GMT", Date.UTC(1977, 0, 1)],
    ["Sat, 29 Feb 2020 23:59:60 GMT", Date.UTC(2020, 2, 1)],
    ["Mon, 01 Jan 0099 00:00:00 GMT", new Date(0).setUTCFullYear(99, 0, 1)],
    ["Mon, 30 Feb 2020 00:00:00 GMT", undefined],
    ["Mon, 00 Jan 2020 00:00:00 GMT", undefined],
    ["Mon, 01 Foo 2020 00:00:00 GMT", undefined],
    ["Mon, 01 Jan 2020 24:00:00 GMT", undefined],
    ["Mon, 01 Jan 2020 00:60:00 GMT", undefined],
    ["Mon, 01 Jan 2020 00:00:00", undefined],
    ["Mon, 01 Jan 2020 00:00:00 UTC", undefined],
    ["mon, 01 jan 2020 00:00:00 gmt", undefined],
    [" Mon, 01 Jan 2020 00:00:00 GMT", undefined],
    ["2020-01-01", undefined],
    ["0", undefined],
    ["", undefined],
  ])("reads %j", (text, milliseconds) => {
    expect(parseHttpDate(text, now)).toBe(milliseconds);
  });

  it("reads what toUTCString writes", () => {
    const range = { min: new Date(0), max: new Date(Date.UTC(9999, 0)), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), (any) => parseHttpDate(any.toUTCString(), now) === Math.floor(any.getTime() / 1000) * 1000),
    );
  });
});
