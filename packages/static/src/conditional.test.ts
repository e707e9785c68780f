import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { staticFiles } from "./index.ts";
import { checked, longAgo, testClock, testFolder } from "./test-site.ts";

// The oracle: RFC 9110, sections 13.1 and 13.2, read once more and written down without a look at the code under test. The cases say
// what their header values mean, so that it parses nothing.

/** What a header value of a case says about the representation at hand. */
type Meaning = "strong match" | "weak match" | "any" | "no match" | "earlier" | "same" | "later" | "invalid";

interface Value {
  readonly text: string;
  readonly means: Meaning;
}

interface Request {
  readonly method: string;
  readonly exists: boolean;
  readonly tagIsWeak: boolean;
  readonly ifMatch: Value | undefined;
  readonly ifUnmodifiedSince: Value | undefined;
  readonly ifNoneMatch: Value | undefined;
  readonly ifModifiedSince: Value | undefined;
  readonly range: boolean;
  readonly ifRange: Value | undefined;
}

function oracle(request: Request): number {
  // 13.2.1: only where the answer would be a 2xx without them; and a method that is not ours to answer is the application's.
  if (!request.exists || (request.method !== "GET" && request.method !== "HEAD")) return 404;
  const { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince, ifRange } = request;
  // 13.2.2, step 1 and 2.
  if (ifMatch !== undefined) {
    const holds = ifMatch.means === "any" || (ifMatch.means === "strong match" && !request.tagIsWeak);
    if (!holds) return 412;
  } else if (ifUnmodifiedSince !== undefined && ifUnmodifiedSince.means === "earlier") {
    return 412;
  }
  // Step 3 and 4.
  if (ifNoneMatch !== undefined) {
    if (["any", "strong match", "weak match"].includes(ifNoneMatch.means)) return 304;
  } else if (ifModifiedSince !== undefined && ["same", "later"].includes(ifModifiedSince.means)) {
    return 304;
  }
  // Step 5, and 14.2: a Range is for GET.
  if (!request.range || request.method !== "GET") return 200;
  if (ifRange === undefined) return 206;
  if (ifRange.means === "strong match") return request.tagIsWeak ? 200 : 206;
  return ifRange.means === "same" && !request.tagIsWeak ? 206 : 200;
}

const date = (seconds: number): string => new Date(seconds * 1000).toUTCString();

function tagValues(etag: string): readonly (Value | undefined)[] {
  const opaque = etag.replace(/^W\//, "");
  return [
    undefined,
    { text: opaque, means: "strong match" },
    { text: `W/${opaque}`, means: "weak match" },
    { text: `"other", ${opaque}`, means: "strong match" },
    { text: `W/"other" , ,W/${opaque}`, means: "weak match" },
    { text: '"other"', means: "no match" },
    { text: "*", means: "any" },
    { text: opaque.slice(1, -1), means: "invalid" },
    { text: "", means: "invalid" },
  ];
}

const dateValues: readonly (Value | undefined)[] = [
  undefined,
  { text: date(longAgo - 1), means: "earlier" },
  { text: date(longAgo), means: "same" },
  { text: "Tuesday, 14-Nov-23 22:13:20 GMT", means: "same" },
  { text: "Tue Nov 14 22:13:20 2023", means: "same" },
  { text: date(longAgo + 1), means: "later" },
  { text: date(longAgo + 100_000_000), means: "later" },
  { text: `${date(longAgo - 1)}, ${date(longAgo - 1)}`, means: "invalid" },
  { text: "yesterday", means: "invalid" },
  { text: "0", means: "invalid" },
];

function rangeValues(etag: string): readonly (Value | undefined)[] {
  const opaque = etag.replace(/^W\//, "");
  return [
    undefined,
    { text: opaque, means: "strong match" },
    { text: `W/${opaque}`, means: "weak match" },
    { text: '"other"', means: "no match" },
    { text: `${opaque}, ${opaque}`, means: "invalid" },
    { text: "*", means: "invalid" },
    { text: date(longAgo), means: "same" },
    { text: date(longAgo - 1), means: "earlier" },
    { text: date(longAgo + 1), means: "later" },
    { text: "yesterday", means: "invalid" },
  ];
}

function* cases(etag: string, exists: boolean): Generator<Request> {
  const tagIsWeak = etag.startsWith("W/");
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
    // For the application's own methods a sample is enough: it is asked whatever the headers say.
    const sample = method === "GET" || method === "HEAD" ? <T>(values: readonly T[]): readonly T[] => values : few;
    for (const ifMatch of sample(tagValues(etag)))
      for (const ifUnmodifiedSince of sample(dateValues))
        for (const ifNoneMatch of sample(tagValues(etag)))
          for (const ifModifiedSince of sample(dateValues))
            yield {
              method,
              exists,
              tagIsWeak,
              ifMatch,
              ifUnmodifiedSince,
              ifNoneMatch,
              ifModifiedSince,
              range: false,
              ifRange: undefined,
            };
    // With ranges each header by itself, since what comes before was tried in full.
    for (const ifRange of rangeValues(etag)) {
      const base = { method, exists, tagIsWeak, range: true, ifRange };
      const none = { ifMatch: undefined, ifUnmodifiedSince: undefined, ifNoneMatch: undefined, ifModifiedSince: undefined };
      for (const value of tagValues(etag)) {
        yield { ...base, ...none, ifMatch: value };
        yield { ...base, ...none, ifNoneMatch: value };
      }
      for (const value of dateValues) {
        yield { ...base, ...none, ifUnmodifiedSince: value };
        yield { ...base, ...none, ifModifiedSince: value };
      }
    }
  }
}

function few<T>(values: readonly T[]): readonly T[] {
  return values.slice(0, 2);
}

function headersOf(request: Request): [string, string][] {
  const pairs: readonly (readonly [string, Value | undefined])[] = [
    ["If-Match", request.ifMatch],
    ["If-Unmodified-Since", request.ifUnmodifiedSince],
    ["If-None-Match", request.ifNoneMatch],
    ["If-Modified-Since", request.ifModifiedSince],
    ["If-Range", request.ifRange],
  ];
  const headers = pairs.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value.text]]));
  if (request.range) headers.push(["Range", "bytes=2-5"]);
  return headers;
}

describe("conditional requests", () => {
  it.each([
    ["a strong tag, in memory", 1000, {}],
    ["a strong tag, read from the file", 1000, { maxCachedFileBytes: 0 }],
    ["a weak tag", 1, {}],
  ] as const)(
    "are answered as RFC 9110 says, for each method, header and value: %s",
    async (_name, age, options) => {
      using folder = testFolder();
      folder.put("a.txt", "0123456789");
      const { now } = testClock((longAgo + age) * 1000);
      const http = client(checked(staticFiles(folder.path, { now, ...options })));
      const etag = (await http.get("/a.txt")).headers.get("etag") ?? "";
      expect(etag.startsWith("W/")).toBe(age < 2);
      const wrong: unknown[] = [];
      let count = 0;
      for (const exists of [true, false]) {
        for (const request of cases(etag, exists)) {
          // Where there is no file the headers make no difference: a sample.
          if (!exists && count++ % 50 !== 0) continue;
          const response = await http.request(request.method, exists ? "/a.txt" : "/b.txt", { headers: headersOf(request) });
          const expected = oracle(request);
          const content = { 200: "0123456789", 206: "2345", 304: "", 412: "", 404: undefined }[expected];
          const isRight =
            response.status === expected &&
            (content === undefined || response.text() === (request.method === "HEAD" ? "" : content)) &&
            (expected !== 304 || (response.headers.get("etag") === etag && !response.headers.has("content-type"))) &&
            (expected !== 206 || response.headers.get("content-range") === "bytes 2-5/10");
          if (!isRight) wrong.push([request.method, headersOf(request), response.status, expected, response.text()]);
        }
      }
      expect(wrong.slice(0, 5)).toEqual([]);
    },
    180_000,
  );

  it("are the same for a compressed sibling, by its own tag", async () => {
    using folder = testFolder();
    folder.put("a.txt", "0123456789");
    folder.put("a.txt.gz", "abcdef");
    const http = client(checked(staticFiles(folder.path, { now: testClock().now })));
    const coded = { "Accept-Encoding": "gzip" };
    const plainTag = (await http.get("/a.txt")).headers.get("etag") ?? "";
    const codedTag = (await http.get("/a.txt", { headers: coded })).headers.get("etag") ?? "";
    const status = async (headers: Record<string, string>): Promise<number> => (await http.get("/a.txt", { headers })).status;
    expect(await status({ ...coded, "If-None-Match": codedTag })).toBe(304);
    expect(await status({ ...coded, "If-None-Match": plainTag })).toBe(200);
    expect(await status({ "If-None-Match": codedTag })).toBe(200);
    expect(await status({ ...coded, "If-Match": plainTag })).toBe(412);
    expect(await status({ ...coded, Range: "bytes=0-1", "If-Range": codedTag })).toBe(206);
    expect(await status({ ...coded, Range: "bytes=0-1", "If-Range": plainTag })).toBe(200);
  });
});
