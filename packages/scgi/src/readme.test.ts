import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { listenerDefaults } from "@gateway/sockets";
import { describe, expect, it } from "vitest";
import { makeClient } from "./client.ts";
import type { GatewayServer } from "./index.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

/** The server of the example, made of the sources of this package and on any free port; it does not serve yet. */
async function example(): Promise<GatewayServer> {
  const [, code = ""] = /^```ts\n([^]*?)^```$/m.exec(readme) ?? [];
  const replaced = code
    .replace('"@gateway/scgi"', JSON.stringify(new URL("./index.ts", import.meta.url).href))
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

  it("tells every option, and the defaults that are numbers or switches", async () => {
    const rows = [...readme.matchAll(/^\| `(\w+)` +\| `?([^ `|]+)/gm)].map(([, name = "", value = ""]) => [name, value] as const);
    const source = await readFile(new URL("../../sockets/src/single-request.ts", import.meta.url), "utf8");
    const [, block = ""] = /^const defaults: Settings = \{([^]*?)^\};/m.exec(source) ?? [];
    const own = [...block.matchAll(/^ {2}(\w+): ([^,]+),$/gm)].map(([, name = "", value = ""]) => [name, plain(value)] as const);
    const all = new Map<string, unknown>([...Object.entries(listenerDefaults), ...own]);
    expect(rows.map(([name]) => name).toSorted()).toEqual([...all.keys()].toSorted());
    for (const [name, value] of rows) {
      const known = all.get(name);
      if (typeof known === "number" || typeof known === "boolean") expect([name, value]).toEqual([name, String(known)]);
    }
  });
});

/** What an expression among the defaults is, where it is a product of numbers, or true or false. */
function plain(expression: string): number | boolean | undefined {
  if (expression === "true" || expression === "false") return expression === "true";
  const product = expression.split("*").reduce((before, factor) => before * Number(factor), 1);
  return Number.isNaN(product) ? undefined : product;
}
