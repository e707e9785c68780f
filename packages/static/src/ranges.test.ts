import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { maxRanges } from "./byte-ranges.ts";
import { staticFiles } from "./index.ts";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";
import { checked, testClock, testFolder } from "./test-site.ts";

interface Part {
  readonly first: number;
  readonly last: number;
  readonly total: number;
  readonly content: Buffer;
}

/** Reads a multipart/byteranges body, strictly (RFC 9110, section 14.6; RFC 2046, section 5.1.1). */
function readMultipart(body: Buffer, contentType: string): Part[] {
  const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(contentType)?.[1] ?? "?";
  const parts: Part[] = [];
  let at = 0;
  const take = (text: string): void => {
    expect(body.subarray(at, at + text.length).toString("latin1")).toBe(text);
    at += text.length;
  };
  for (;;) {
    if (parts.length > 0) take("\r\n");
    take(`--${boundary}`);
    if (body.subarray(at, at + 2).toString() === "--") {
      take("--\r\n");
      expect(at).toBe(body.length);
      return parts;
    }
    take("\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ");
    const end = body.indexOf("\r\n\r\n", at);
    const match = /^(\d+)-(\d+)\/(\d+)$/.exec(body.subarray(at, end).toString("latin1"));
    const [first = -1, last = -1, total = -1] = (match ?? []).slice(1).map(Number);
    at = end + 4;
    const content = body.subarray(at, at + last - first + 1);
    at += content.length;
    parts.push({ first, last, total, content });
  }
}

/** One member of a range set, as the client writes it and as RFC 9110, section 14.1.2 understands it; `"invalid"` spoils the set. */
interface Spec {
  readonly text: string;
  readonly octets: readonly [first: number, last: number] | "none" | "invalid";
}

function randomSpec(random: () => number, length: number): Spec {
  const upTo = (max: number): number => Math.floor(random() * max);
  const kind = upTo(20);
  const first = upTo(length);
  if (kind < 8) {
    const last = first + upTo(length);
    return { text: `${first}-${last}`, octets: [first, Math.min(last, length - 1)] };
  }
  if (kind < 11) return { text: `${first}-`, octets: [first, length - 1] };
  if (kind < 14) {
    const suffix = 1 + upTo(length * 2);
    return { text: `-${suffix}`, octets: [Math.max(0, length - suffix), length - 1] };
  }
  if (kind < 16) return { text: `${length + upTo(100)}-`, octets: "none" };
  if (kind < 17) return { text: "-0", octets: "none" };
  if (kind < 18) return { text: `${first}-${"9".repeat(30)}`, octets: [first, length - 1] };
  if (kind < 19) return { text: "", octets: "none" };
  const invalid = ["5-2", "a-b", "-", "1", "0x1-2", "1-2-3", "--1", "1 -2", "1.0-2", "+1-2"];
  return { text: invalid[upTo(invalid.length)] ?? "", octets: "invalid" };
}

describe("ranges", () => {
  it.each([
    ["in memory", 1000, {}],
    ["read from the file", 1000, { maxCachedFileBytes: 0 }],
    ["of a large file", 700_000, {}],
  ] as const)(
    "are answered as RFC 9110 says, %s",
    async (_name, length, options) => {
      using folder = testFolder();
      const content = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) % 256));
      folder.put("a.bin", content);
      const http = client(checked(staticFiles(folder.path, { now: testClock().now, ...options })));
      const random = seededRandom(length);
      const rounds = scaled(length > 10_000 ? 400 : 20_000);
      for (let round = 0; round < rounds; round++) {
        const specs = Array.from({ length: 1 + Math.floor(random() * (maxRanges + 2)) }, () => randomSpec(random, length));
        const header = `bytes=${specs.map(({ text }) => text).join(random() < 0.5 ? "," : " ,\t")}`;
        const response = await http.get("/a.bin", { headers: { Range: header } });
        const body = Buffer.from(response.bytes);
        const why = `${header} gave ${response.status}`;
        const given = specs.filter(({ text }) => text !== "");
        const wanted = given.flatMap(({ octets }) => (typeof octets === "string" ? [] : [octets]));
        expect(response.headers.get("content-length"), why).toBe(`${body.length}`);
        if (given.length === 0 || given.length > maxRanges || given.some(({ octets }) => octets === "invalid")) {
          expect(response.status, why).toBe(200);
          expect(body.equals(content), why).toBe(true);
          continue;
        }
        if (wanted.length === 0) {
          expect([response.status, response.headers.get("content-range"), body.length], why).toEqual([416, `bytes */${length}`, 0]);
          continue;
        }
        expect(response.status, why).toBe(206);
        const contentType = response.headers.get("content-type") ?? "";
        const contentRange = /^bytes (\d+)-(\d+)\/(\d+)$/
          .exec(response.headers.get("content-range") ?? "")
          ?.slice(1)
          .map(Number);
        const [first = -1, last = -1, total = -1] = contentRange ?? [];
        const parts = contentRange === undefined ? readMultipart(body, contentType) : [{ first, last, total, content: body }];
        expect(parts.length === 1, why).toBe(contentRange !== undefined);
        // Each part is what it says it is.
        for (const part of parts) {
          expect(part.total, why).toBe(length);
          expect(part.content.equals(content.subarray(part.first, part.last + 1)), why).toBe(true);
        }
        // Together they are what was asked for, and no octet twice.
        const asked = new Uint8Array(length);
        for (const [from, to] of wanted) asked.fill(1, from, to + 1);
        for (const part of parts) for (let i = part.first; i <= part.last; i++) asked[i] = (asked[i] ?? 0) + 1;
        expect(
          asked.every((times) => times === 0 || times === 2),
          why,
        ).toBe(true);
        // Never more than the file and the heads of its parts.
        expect(body.length, why).toBeLessThanOrEqual(length + parts.length * 160);
      }
    },
    campaignTimeout,
  );

  it("keep the order of the client", async () => {
    using folder = testFolder();
    folder.put("a.bin", "0123456789");
    const http = client(checked(staticFiles(folder.path)));
    const response = await http.get("/a.bin", { headers: { Range: "bytes=8-9, 0-0, -3, 4-5" } });
    const parts = readMultipart(Buffer.from(response.bytes), response.headers.get("content-type") ?? "");
    expect(parts.map(({ content }) => content.toString())).toEqual(["789", "0", "45"]);
  });

  it("of an empty file are the file, or none", async () => {
    using folder = testFolder();
    folder.put("a.bin", "");
    const http = client(checked(staticFiles(folder.path)));
    for (const [range, status] of [
      ["bytes=0-", 416],
      ["bytes=0-0", 416],
      ["bytes=-1", 200],
      ["bytes=-0", 416],
    ] as const)
      expect((await http.get("/a.bin", { headers: { Range: range } })).status).toBe(status);
  });
});
