import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { makeClient } from "./client.ts";
import type { GatewayServer } from "./index.ts";
import { settingsOf } from "./options.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

/** The server of the example, made of the sources of this package and on any free port; it does not serve yet. */
async function example(): Promise<GatewayServer> {
  const [, code = ""] = /^```ts\n([^]*?)^```$/m.exec(readme) ?? [];
  const replaced = code
    .replace('"@gateway/fastcgi"', JSON.stringify(new URL("./index.ts", import.meta.url).href))
    .replace(", 9000,", ", 0,")
    .replace("await server.serveForever();", "export default server;");
  const folder = await mkdtemp(fileURLToPath(new URL("../.example-", import.meta.url)));
  try {
    await writeFile(join(folder, "example.ts"), replaced);
    return ((await import(pathToFileURL(join(folder, "example.ts")).href)) as { default: GatewayServer }).default;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the README", () => {
  it("has an example that serves", async () => {
    await using server = await example();
    const address = await server.listen();
    void server.serveForever();
    const client = makeClient({ connect: address });
    const response = await client.request({ variables: { REQUEST_METHOD: "GET", PATH_INFO: "/world" } });
    expect([response.status, await text(response.body)]).toEqual(["200 OK", "Hello from /world\n"]);
    client.close();
  });

  it("tells every option, and the defaults that are numbers or switches", () => {
    const rows = [...readme.matchAll(/^\| `(\w+)` +\| `?([^ `|]+)/gm)].map(([, name = "", value = ""]) => [name, value] as const);
    const { peers, makers, ...defaults } = settingsOf({}, {});
    expect([peers, makers]).not.toContain(undefined);
    expect(rows.map(([name]) => name).toSorted()).toEqual(Object.keys(defaults).toSorted());
    const shown = new Map(rows);
    for (const [name, value] of Object.entries(defaults))
      if (typeof value === "number" || typeof value === "boolean") expect([name, shown.get(name)]).toEqual([name, String(value)]);
  });
});
