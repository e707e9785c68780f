import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

/** An example of the README, its imports being the sources of this package. */
async function example(which: number): Promise<{ default?: Application; layer?: unknown }> {
  const code = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)][which]?.[1] ?? "";
  const linked = code.replaceAll(/from "([^"]+)"/g, (_, from: string) => {
    const own = /^@gateway\/sessions(?:\/(.+))?$/.exec(from);
    return `from "${own === null ? import.meta.resolve(from) : new URL(`${own[1] ?? "index"}.ts`, import.meta.url).href}"`;
  });
  const folder = await mkdtemp(join(tmpdir(), "gateway-sessions-"));
  try {
    const file = join(folder, "example.ts");
    await writeFile(
      file,
      linked.replace('"var/sessions"', JSON.stringify(join(folder, "sessions"))).replace('?? ""', '?? "x".repeat(32)'),
    );
    return (await import(pathToFileURL(file).href)) as { default?: Application; layer?: unknown };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the README", () => {
  it("has an example that runs", async () => {
    const { default: app } = await example(0);
    if (app === undefined) throw new Error("the example exports no application");
    const http = client(app, { follow: true });
    expect((await http.get("/")).text()).toBe("Hello, stranger: visit 1\n");
    expect((await http.post("/login")).text()).toBe("Welcome back, Ada: visit 2\n");
    expect((await http.get("/")).text()).toBe("Hello, Ada: visit 3\n");
    expect((await http.post("/logout")).text()).toBe("Hello, stranger: visit 1\n");
  });

  it("has an example with a store that is a layer", async () => {
    expect(typeof (await example(1)).layer).toBe("function");
  });

  it("tells every option and its default", async () => {
    const options = await readFile(new URL("sessions-options.ts", import.meta.url), "utf8");
    const [, declared = ""] = /export interface SessionsOptions \{([^]*?)^\}/m.exec(options) ?? [];
    const names = [...declared.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(readme).toContain(`| \`${name}\``);
    const attributes = await readFile(new URL("cookie-options.ts", import.meta.url), "utf8");
    const [, written = ""] = /export interface CookieOptions \{([^]*?)^\}/m.exec(attributes) ?? [];
    for (const [, name] of written.matchAll(/^ {2}(\w+)\??:/gm)) expect(readme).toContain(`| \`${name}\``);
  });
});
