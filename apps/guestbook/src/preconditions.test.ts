import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { compose } from "@gateway/core";
import { gzip } from "@gateway/gzip";
import { staticFiles } from "@gateway/static";
import { buildStatic } from "@gateway/static/build";
import { client, type Client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pick } from "./test-campaign.ts";

const modified = new Date("2026-01-02T03:04:05Z");
const dates = {
  equal: modified.toUTCString(),
  earlier: "Thu, 01 Jan 2026 00:00:00 GMT",
  later: "Sat, 03 Jan 2026 00:00:00 GMT",
  malformed: "yesterday",
};

const files = ["/built.css", "/plain.txt", "/photo.jpg"] as const;
const acceptEncodings = [undefined, "gzip", "br", "gzip;q=0.5, br", "identity, *;q=0"] as const;
const tags = ["own", "plain", "weak", "list", "star", "other"] as const;
const tagConditions = [
  undefined,
  ...(["If-None-Match", "If-Match"] as const).flatMap((name) => tags.map((tag) => [name, tag] as const)),
];
const dateConditions = [
  undefined,
  ...(["If-Modified-Since", "If-Unmodified-Since"] as const).flatMap((name) =>
    (["equal", "earlier", "later", "malformed"] as const).map((date) => [name, date] as const),
  ),
];
const ranges = [undefined, "bytes=3-9", "bytes=-5", "bytes=9999999-", "bytes=x"] as const;
const ifRanges = [undefined, "own", "plain", "weak", "other", "date"] as const;

/** What a file is to a client that takes certain codings, as an answer without conditions says. */
interface Selected {
  readonly tag: string;
  /** The tag without a coding that was put on while it was sent. */
  readonly plain: string;
  readonly coding: string;
  /** The bytes that ranges are of: the file, or the sibling that was made of it. */
  readonly stored: Uint8Array;
  readonly isCodedOnTheWay: boolean;
  /** The client takes a coding, though this file may have none. */
  readonly takesCoding: boolean;
}

describe("gzip around static files", () => {
  let folder: string;
  let stack: Client;
  let bare: Client;
  const contents = new Map<string, Buffer>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gateway-preconditions-"));
    const text = Buffer.from("a { color: red } /* and so on */\n".repeat(200));
    contents.set("/built.css", text).set("/plain.txt", text).set("/photo.jpg", Buffer.alloc(4000, "not very compressible"));
    await writeFile(join(folder, "built.css"), text);
    await utimes(join(folder, "built.css"), modified, modified);
    // Only what is there now gets siblings; and what is not in the manifest has a tag by its time.
    await buildStatic(folder, { codings: ["br", "gzip"] });
    for (const file of ["plain.txt", "photo.jpg"]) {
      await writeFile(join(folder, file), contents.get(`/${file}`) ?? "");
      await utimes(join(folder, file), modified, modified);
    }
    const nothing = validator(() => {
      throw new Error("all of these are files");
    });
    bare = client(staticFiles(folder)(nothing));
    stack = client(compose(gzip(), validator, staticFiles(folder))(nothing));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function select(file: string, acceptEncoding: string | undefined): Promise<Selected> {
    const headers = acceptEncoding === undefined ? {} : { "Accept-Encoding": acceptEncoding };
    const whole = await stack.get(file, { headers });
    const inner = await bare.get(file, { headers });
    const coding = whole.headers.get("Content-Encoding") ?? "identity";
    const decoded = coding === "br" ? brotliDecompressSync(whole.bytes) : coding === "gzip" ? gunzipSync(whole.bytes) : whole.bytes;
    expect(Buffer.from(decoded).equals(contents.get(file) ?? Buffer.alloc(0))).toBe(true);
    const tag = whole.headers.get("ETag") ?? "";
    const plain = inner.headers.get("ETag") ?? "";
    return {
      tag,
      plain,
      coding,
      stored: inner.bytes,
      isCodedOnTheWay: tag !== plain,
      takesCoding: /gzip|br/.test(acceptEncoding ?? ""),
    };
  }

  const tagList = (kind: (typeof tags)[number], { tag, plain }: Selected): string =>
    ({ own: tag, plain, weak: `W/${tag}`, list: `"x", ${tag}, "y"`, star: "*", other: '"other"' })[kind];

  /** RFC 9110, section 13.2.2, by hand. */
  function expected(
    selected: Selected,
    isGet: boolean,
    tagCondition: (typeof tagConditions)[number],
    dateCondition: (typeof dateConditions)[number],
    range: (typeof ranges)[number],
    ifRange: (typeof ifRanges)[number],
  ): number {
    const [tagName, tagKind] = tagCondition ?? [];
    const [dateName, dateKind] = dateCondition ?? [];
    if (tagName === "If-Match") {
      // Compared strongly.
      if (tagKind === "weak" || tagKind === "other") return 412;
      // A part is never of the coded bytes, so for who asks for one their tag is another's.
      if (range !== undefined && selected.isCodedOnTheWay && (tagKind === "own" || tagKind === "list")) return 412;
    } else if (dateName === "If-Unmodified-Since" && dateKind === "earlier") return 412;
    if (tagName === "If-None-Match") {
      if (tagKind !== "other") return 304;
    } else if (dateName === "If-Modified-Since" && (dateKind === "equal" || dateKind === "later")) return 304;
    if (!isGet || range === undefined || range === "bytes=x") return 200;
    const isTiedToDate =
      ifRange === "date" || (ifRange === undefined && dateName === "If-Unmodified-Since" && tagName !== "If-Match");
    // All codings share the date, so it says nothing to who takes one.
    if (isTiedToDate && selected.takesCoding) return 200;
    const isSame =
      ifRange === undefined || ifRange === "date" || (ifRange === "own" && !selected.isCodedOnTheWay) || ifRange === "plain";
    if (!isSame) return 200;
    return range === "bytes=9999999-" ? 416 : 206;
  }

  it.each(files.flatMap((file) => acceptEncodings.map((acceptEncoding) => [file, acceptEncoding] as const)))(
    "answers whatever is asked of %s by who accepts %s",
    async (file, acceptEncoding) => {
      const selected = await select(file, acceptEncoding);
      const cases = ["GET", "HEAD"].flatMap((method) =>
        tagConditions.flatMap((tagCondition) =>
          dateConditions.flatMap((dateCondition) =>
            ranges.flatMap((range) => ifRanges.map((ifRange) => ({ method, tagCondition, dateCondition, range, ifRange }))),
          ),
        ),
      );
      for (const { method, tagCondition, dateCondition, range, ifRange } of pick(cases)) {
        const headers: Record<string, string> = {};
        if (acceptEncoding !== undefined) headers["Accept-Encoding"] = acceptEncoding;
        if (tagCondition !== undefined) headers[tagCondition[0]] = tagList(tagCondition[1], selected);
        if (dateCondition !== undefined) headers[dateCondition[0]] = dates[dateCondition[1]];
        if (range !== undefined) headers["Range"] = range;
        if (ifRange !== undefined) headers["If-Range"] = ifRange === "date" ? dates.equal : tagList(ifRange, selected);

        const response = await stack.request(method, file, { headers });
        const asked = JSON.stringify({ method, file, headers });
        expect([asked, response.status]).toEqual([
          asked,
          expected(selected, method === "GET", tagCondition, dateCondition, range, ifRange),
        ]);
        if (response.status === 200 || response.status === 206) {
          expect([asked, response.headers.get("Vary")]).toEqual([asked, file === "/photo.jpg" ? undefined : "Accept-Encoding"]);
        }
        const tag = response.headers.get("ETag");
        if (response.status === 200) expect([asked, tag]).toEqual([asked, selected.tag]);
        if (response.status === 304) expect([asked, [selected.tag, selected.plain].includes(tag ?? "")]).toEqual([asked, true]);
        if (method === "HEAD" || response.status === 304) expect(response.bytes).toHaveLength(0);
        if (response.status === 206) {
          // A part has the tag and the coding of the bytes that it is a part of.
          const part = range === "bytes=-5" ? selected.stored.slice(-5) : selected.stored.slice(3, 10);
          expect(Buffer.from(response.bytes).equals(part)).toBe(true);
          expect([asked, tag]).toEqual([asked, selected.plain]);
        }
      }
    },
    120_000,
  );
});
