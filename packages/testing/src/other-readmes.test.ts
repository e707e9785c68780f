import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { toApplication, type Application, type Middleware } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { client } from "./index.ts";

// Core and validate cannot test these themselves: what that takes depends on them.

/** Imports an example, with a line at its end that exports what it declares. */
async function imported(packageName: string, which: number, more: string): Promise<Record<string, unknown>> {
  const readme = await readFile(new URL(`../../${packageName}/README.md`, import.meta.url), "utf8");
  const [, code = ""] = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)][which] ?? [];
  const folder = await mkdtemp(fileURLToPath(new URL("../.example-", import.meta.url)));
  try {
    await writeFile(join(folder, "example.ts"), `${code}${more}`);
    return (await import(pathToFileURL(join(folder, "example.ts")).href)) as Record<string, unknown>;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the README of core", () => {
  it("has an application and a layer that run", async () => {
    const { default: app } = await imported("core", 0, "");
    expect((await client(toApplication(app as Application)).get("/x")).text()).toMatch(/^Request [0-9a-f-]{36} for \/x\n$/);
  });

  it("has layers that run", async () => {
    const { notFound, upperCase } = (await imported("core", 1, "\nexport { notFound, upperCase };\n")) as Record<
      "notFound" | "upperCase",
      Middleware
    >;
    const app: Application = (environ, startResponse) => {
      startResponse(environ.PATH_INFO === "/" ? "200 OK" : "404 Not Found", [
        ["Content-Type", "text/plain"],
        ["Content-Length", "5"],
      ]);
      return [Buffer.from("hello")];
    };
    const http = client(notFound(upperCase(app)));
    expect((await http.get("/")).text()).toBe("HELLO");
    const missing = await http.get("/missing");
    expect([missing.status, missing.text()]).toEqual([404, "Nothing here.\n"]);
  });
});

describe("the README of validate", () => {
  it("has an example that throws what it says", async () => {
    const readme = await readFile(new URL("../../validate/README.md", import.meta.url), "utf8");
    const [, message = ""] = /^\/\/ ValidationError: (.*)$/m.exec(readme) ?? [];
    expect(message).toMatch(/^A23: /);
    await expect(imported("validate", 0, "")).rejects.toThrow(message);
  });
});
