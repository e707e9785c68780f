import type { HeaderList } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { answers, every, http, json } from "./test-bodies.ts";

describe("gzip, in the head of an answer,", () => {
  it.each([
    [[["Vary", "Cookie"]], "Cookie, Accept-Encoding"],
    [[["vary", "accept-encoding"]], "accept-encoding"],
    [[["Vary", "Cookie, ACCEPT-ENCODING"]], "Cookie, ACCEPT-ENCODING"],
    [[["Vary", "*"]], "*"],
    [[["Vary", ""]], "Accept-Encoding"],
  ] as const)("says it once: of %j it makes %s", async (headers, expected) => {
    const response = await http(answers(() => [json], [...headers])).get("/", { headers: every });
    expect(response.headers.get("vary")).toBe(expected);
  });

  it("takes away what is true of the plain bytes only", async () => {
    const untrue: HeaderList = [
      ["Content-MD5", "x"],
      ["Digest", "x"],
      ["Content-Digest", "sha-256=:x:"],
      ["Repr-Digest", "sha-256=:x:"],
      ["Accept-Ranges", "bytes"],
      ["Content-Encoding", "identity"],
    ];
    const kept: HeaderList = [
      ["Unencoded-Digest", "sha-256=:x:"],
      ["Last-Modified", "Sat, 29 Oct 2022 19:43:31 GMT"],
    ];
    const app = http(answers(() => [json], [...untrue, ...kept]));
    const coded = await app.get("/", { headers: every });
    for (const [name] of untrue.slice(0, -1)) expect(coded.headers.get(name)).toBeUndefined();
    expect(coded.headers.get("content-encoding")).toBe("br");
    for (const [name, value] of kept) expect(coded.headers.get(name)).toBe(value);
    const plain = await app.get("/");
    for (const [name, value] of [...untrue, ...kept]) expect(plain.headers.get(name)).toBe(value);
  });

  it("gives a strong entity tag the name of the coding, keeps a weak one, and drops what is none", async () => {
    for (const [tag, coded] of [
      ['"v1"', '"v1-br"'],
      ['W/"v1"', 'W/"v1"'],
      ["v1", undefined],
    ] as const) {
      const app = http(answers(() => [json], [["ETag", tag]]));
      expect((await app.get("/", { headers: every })).headers.get("etag")).toBe(coded);
      expect((await app.get("/")).headers.get("etag")).toBe(tag);
    }
  });
});
