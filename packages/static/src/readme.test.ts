import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";

const packageFolder = new URL("..", import.meta.url);

/** The blocks of code of a language in the README. */
function blocks(language: string): string[] {
  const text = readFileSync(new URL("README.md", packageFolder), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code = ""]) => code);
}

describe("the README", () => {
  it("has examples that run", async () => {
    // Inside the package, so that its own name and its dependencies are found.
    const folder = new URL("node_modules/.cache/readme/", packageFolder);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(new URL("public/", folder), { recursive: true });
    mkdirSync(new URL("reports/", folder));
    writeFileSync(new URL("public/about.html", folder), "<p>about");
    writeFileSync(new URL("reports/7.pdf", folder), "report");
    try {
      const [first = "", second = ""] = blocks("ts");
      const source = `${first}\n${second}`.replaceAll(
        "@gateway/static",
        pathToFileURL(join(packageFolder.pathname, "src/index.ts")).href,
      );
      const file = new URL("example.ts", folder);
      writeFileSync(file, source);
      const example = (await import(/* @vite-ignore */ file.href)) as { default: Application; download: Application };
      const http = client(example.default);
      const about = await http.get("/about");
      expect([about.text(), about.headers.get("content-type")]).toEqual(["<p>about", "text/html; charset=utf-8"]);
      expect((await http.get("/nothing")).text()).toBe("There is no file at /nothing\n");
      const report = await client(example.download).get("/?7");
      expect([report.text(), report.headers.get("content-disposition")]).toEqual(["report", "attachment; filename=Report.pdf"]);
      expect((await client(example.download).get("/?..%2Fexample")).status).toBe(404);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("names every option, with its default", () => {
    const options = readFileSync(new URL("src/options.ts", packageFolder), "utf8");
    const text = readFileSync(new URL("README.md", packageFolder), "utf8");
    const listed = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
    const keys = [...options.matchAll(/^ {2}(\w+)\?: /gm)].map(([, name]) => name);
    expect(new Set(listed)).toEqual(new Set(keys));
    expect(listed).toHaveLength(keys.length);
  });

  it("shows the command as it is", () => {
    const [, commands = ""] = blocks("sh");
    expect(commands).toContain("npx gateway-static public\n");
    const bin = new URL("bin/gateway-static.js", packageFolder);
    // Built or not, it says what it is.
    try {
      expect(execFileSync(process.execPath, [bin.pathname, "--help"], { encoding: "utf8", stdio: "pipe" })).toContain(
        "gateway-static [options] ROOT",
      );
    } catch (error) {
      expect(String((error as { stderr?: unknown }).stderr)).toContain("not built yet");
    }
  });
});
