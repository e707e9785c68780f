import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as logging from "./index.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

let folder: string;
const before = process.cwd();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gateway-log-"));
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true });
});

/** The example of the README, its imports being the sources of this package. */
async function example(): Promise<{ default: Application; log: logging.LogFile }> {
  const [, code = ""] = /^```ts\n([^]*?export default [^]*?)^```$/m.exec(readme) ?? [];
  const index = new URL("index.ts", import.meta.url).href;
  const linked = code.replaceAll(
    /from "([^"]+)"/g,
    (_, from: string) => `from "${from === "@gateway/logging" ? index : import.meta.resolve(from)}"`,
  );
  const file = join(folder, "example.ts");
  await writeFile(file, linked);
  return (await import(pathToFileURL(file).href)) as { default: Application; log: logging.LogFile };
}

describe("the README", () => {
  it("has an example that runs, and writes the line that it shows", async () => {
    const { default: app, log } = await example();
    const headers = { "User-Agent": "curl/8.5.0" };
    const response = await client(app).get("/a?b=c&token=secret", { headers, environ: { REMOTE_ADDR: "192.0.2.7" } });
    expect(response.text()).toBe("Hello from /a\n");
    await log.close();
    const shown = /^192\.0\.2\.7 - - \[.*$/m.exec(readme)?.[0] ?? "";
    const written = await readFile("access.log", "latin1");
    const shape = (line: string): string =>
      line
        .trim()
        .replaceAll(/\[.*?\]/g, "[time]")
        .replaceAll(/\d+\.\d+ \d+\.\d+ f/g, "times f")
        .replace(/\S+$/, "id");
    expect(shape(written)).toBe(shape(shown));
  });

  it("names everything that is exported, and every atom", () => {
    for (const name of Object.keys(logging)) if (name !== "isRequestId") expect(readme).toContain(name);
    const atomsOf = (format: string): string[] => {
      try {
        logging.accessLog({ format });
      } catch (error) {
        return /known are (.*)$/.exec((error as Error).message)?.[1]?.split(" ") ?? [];
      }
      return [];
    };
    for (const atom of [...atomsOf("%Z"), ...atomsOf("%(Z)s")]) {
      const shown = atom.replace("...", "");
      const named = /\{\}(\)?)(\w)/.exec(shown);
      if (named === null) expect(readme).toContain(shown);
      else expect(readme).toMatch(new RegExp(`\\{[^}]+\\}${named[2]}`));
    }
    for (const name of atomsOf("%{nothing}x").map((atom) => atom.replace(",", ""))) expect(readme).toContain(name);
  });
});
