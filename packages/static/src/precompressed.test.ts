import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { longAgo, site, testFolder } from "./test-site.ts";

describe("staticFiles with compressed siblings", () => {
  it("sends the one the client likes best, with Vary and a tag of its own", async () => {
    using folder = testFolder();
    folder.put("app.js", "plain");
    folder.put("app.js.br", "brotli");
    folder.put("app.js.zst", "zstandard");
    folder.put("app.js.gz", "gzip");
    folder.put("other.js", "other");
    const http = site(folder);
    const tags = new Set<string | null>();
    for (const [accept, coding, content] of [
      ["gzip, deflate, br, zstd", "br", "brotli"],
      ["gzip, zstd", "zstd", "zstandard"],
      ["gzip", "gzip", "gzip"],
      ["deflate", undefined, "plain"],
      ["br;q=0.1, gzip;q=0.2", "gzip", "gzip"],
      ["identity;q=0", undefined, "plain"],
      [undefined, undefined, "plain"],
    ] as const) {
      const response = await http.get("/app.js", { headers: accept === undefined ? {} : { "Accept-Encoding": accept } });
      expect([response.headers.get("content-encoding") ?? undefined, response.text()]).toEqual([coding, content]);
      expect(response.headers.get("vary")).toBe("Accept-Encoding");
      expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
      expect(response.headers.get("content-length")).toBe(`${content.length}`);
      const etag = response.headers.get("etag") ?? "";
      tags.add(etag);
      const again = await http.get("/app.js", {
        headers: { "If-None-Match": etag, ...(accept !== undefined && { "Accept-Encoding": accept }) },
      });
      expect([again.status, again.headers.get("vary"), again.headers.get("etag")]).toEqual([304, "Accept-Encoding", etag]);
    }
    expect(tags.size).toBe(4);
    expect((await http.get("/other.js")).headers.has("vary")).toBe(false);
    expect((await site(folder, { precompressed: [] }).get("/app.js", { headers: { "Accept-Encoding": "br" } })).text()).toBe(
      "plain",
    );
    const first = site(folder, { precompressed: ["gzip", "br"] });
    expect((await first.get("/app.js", { headers: { "Accept-Encoding": "br, gzip" } })).text()).toBe("gzip");
  });

  it("gives ranges of the sibling, one at a time", async () => {
    using folder = testFolder();
    folder.put("app.js", "plain content");
    folder.put("app.js.br", "0123456789");
    const http = site(folder);
    const one = await http.get("/app.js", { headers: { "Accept-Encoding": "br", Range: "bytes=2-4" } });
    expect([one.status, one.text(), one.headers.get("content-range"), one.headers.get("content-encoding")]).toEqual([
      206,
      "234",
      "bytes 2-4/10",
      "br",
    ]);
    const two = await http.get("/app.js", { headers: { "Accept-Encoding": "br", Range: "bytes=0-0,4-4" } });
    expect([two.status, two.text()]).toEqual([200, "0123456789"]);
    const beyond = await http.get("/app.js", { headers: { "Accept-Encoding": "br", Range: "bytes=11-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10"]);
  });

  it("does not send one that is older than its file, or leads outside", async () => {
    using folder = testFolder();
    using outside = testFolder();
    folder.put("app.js", "new", longAgo + 1);
    folder.put("app.js.br", "old", longAgo);
    symlinkSync(outside.put("x", "secret", longAgo + 5), join(folder.path, "app.js.gz"));
    const response = await site(folder).get("/app.js", { headers: { "Accept-Encoding": "br, gzip" } });
    expect([response.text(), response.headers.has("vary")]).toEqual(["new", false]);
  });
});
