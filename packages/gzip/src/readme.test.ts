import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { decode } from "./test-bodies.ts";

/** The example of the README, its imports being the sources of this package. */
async function example(): Promise<Application> {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, code = ""] = /^```ts\n([^]*?export default [^]*?)^```$/m.exec(readme) ?? [];
  const index = new URL("index.ts", import.meta.url).href;
  const linked = code.replaceAll(
    /from "([^"]+)"/g,
    (_, from: string) => `from "${from === "@gateway/gzip" ? index : import.meta.resolve(from)}"`,
  );
  const folder = await mkdtemp(join(tmpdir(), "gateway-gzip-"));
  try {
    const file = join(folder, "example.ts");
    await writeFile(file, linked);
    const module = (await import(pathToFileURL(file).href)) as { default: Application };
    return module.default;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the README", () => {
  it("has an example that runs", async () => {
    const response = await client(await example()).post("/", {
      body: gzipSync("one two three"),
      headers: { "Content-Encoding": "gzip", "Accept-Encoding": "br" },
    });
    expect(decode("br", response.bytes).toString()).toBe("data: one\n\ndata: two\n\ndata: three\n\n");
    expect(response.headers.get("etag")).toBe('"v1-br"');
    // Each event by itself.
    expect(response.chunks.length).toBeGreaterThanOrEqual(3);
  });
});
