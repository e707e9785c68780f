import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixtures } from "../testing/command.ts";
import { testModule } from "../testing/test-module.ts";

let fixtures: Fixtures;
let imports: string;
let typescript: string;

beforeAll(async () => {
  fixtures = await Fixtures.make({
    "app.mjs":
      'import "./lib/a.mjs"; import "dependency"; import data from "./lib/common.cjs"; import "./app.mjs"; export default data;',
    "lib/a.mjs": 'export const later = () => import("./later.mjs"); import "node:fs";',
    "lib/later.mjs": "",
    "lib/common.cjs": 'require("./inner.cjs"); require("dependency"); exports.lazy = () => require("./lazy.cjs");',
    "lib/inner.cjs": "",
    "lib/lazy.cjs": "",
    "lib/ä b#c?.mjs": "",
    "broken.mjs": 'import "./lib/a.mjs"; import "./bad.mjs";',
    "bad.mjs": "const = 3;",
    "missing.mjs": 'import "./lib/a.mjs"; import "./gone.mjs";',
    "needs.mjs": 'import "not-installed";',
    "site.ts": 'import { n } from "./part.ts"; export default n satisfies number;',
    "part.ts": "enum Never {} export const n: number = 1;".replace("enum Never {} ", ""),
    "node_modules/dependency/package.json": '{ "name": "dependency", "main": "main.js" }',
    "node_modules/dependency/main.js": 'require("./more.js")',
    "node_modules/dependency/more.js": "",
  });
  imports = testModule("reload/imports.ts", fixtures.directory);
  typescript = testModule("typescript.ts", fixtures.directory);
});
afterAll(() => fixtures[Symbol.asyncDispose]());

/** Runs code in a process that has `reporter`, and `root`, the folder. @returns the reports, by path in the folder, each sorted. */
async function reports(code: string): Promise<string[][]> {
  const source = `import { reportImports } from ${JSON.stringify(imports)};
    const root = ${JSON.stringify(fixtures.directory)};
    const all = [];
    const reporter = reportImports((files) => all.push(files));
    ${code}
    console.log(JSON.stringify(all));
    reporter.close();`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.env["GATEWAY_TEST_NODE"] ?? process.execPath, ["--input-type=module", "-e", source], {
    cwd: fixtures.directory,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) output += String(chunk);
  const all = JSON.parse(output) as string[][];
  return all.map((files) => files.map((file) => file.replace(`${fixtures.directory}/`, "")).toSorted());
}

describe("reportImports", () => {
  it("reports ES modules and CommonJS, each file once, and no dependencies", async () => {
    expect(await reports('await import(root + "/app.mjs"); reporter.flush();').then((all) => all.flat().toSorted())).toEqual([
      "app.mjs",
      "lib/a.mjs",
      "lib/common.cjs",
      "lib/inner.cjs",
    ]);
  });

  it("reports what is imported later", async () => {
    const all = await reports(`const { default: common } = await import(root + "/app.mjs");
      reporter.flush();
      all.push(["until here"]);
      const { later } = await import(root + "/lib/a.mjs");
      common.lazy();
      await later();
      reporter.flush();`);
    const flat = all.flat();
    expect(flat.slice(flat.indexOf("until here") + 1).toSorted()).toEqual(["lib/later.mjs", "lib/lazy.cjs"]);
  });

  it("reports by itself, soon", async () => {
    const all = await reports(
      `await import(root + "/app.mjs"); while (!all.flat().includes(root + "/lib/a.mjs")) await new Promise((resolve) => setImmediate(resolve));`,
    );
    expect(all.flat()).toContain("lib/a.mjs");
  });

  it("reports a module that cannot be read, and those that want one that is missing", async () => {
    expect((await reports('await import(root + "/broken.mjs").catch(() => {}); reporter.flush();')).flat()).toEqual(
      expect.arrayContaining(["broken.mjs", "bad.mjs"]),
    );
    expect((await reports('await import(root + "/missing.mjs").catch(() => {}); reporter.flush();')).flat()).toContain(
      "missing.mjs",
    );
  });

  it("reports where a module that is missing would be, but no package", async () => {
    const files = (await reports('await import(root + "/missing.mjs").catch(() => {}); reporter.flush();')).flat();
    // What is imported beside it may not have been loaded yet.
    expect(files.filter((file) => file !== "lib/a.mjs").toSorted()).toEqual(["gone.mjs", "missing.mjs"]);
    const named = (await reports('await import(root + "/needs.mjs").catch(() => {}); reporter.flush();')).flat();
    expect(named).toEqual(["needs.mjs"]);
    const odd = await reports('all.push([(await import("file://[/%").catch((error) => error)).code]);');
    expect(odd).toEqual([["ERR_INVALID_URL"]]);
  });

  it("gives paths, whatever stands in them", async () => {
    const code = `const { pathToFileURL } = await import("node:url");
      await import(pathToFileURL(root + "/lib/ä b#c?.mjs").href + "?version=2#x");
      reporter.flush();`;
    expect((await reports(code)).flat()).toEqual(["lib/ä b#c?.mjs"]);
  });

  it.each(["before", "after"])("reports TypeScript, with tsx where it is needed, that is registered %s", async (order) => {
    const enable = `const { enableTypeScript } = await import(${JSON.stringify(typescript)}); await enableTypeScript("site.ts", ${JSON.stringify(join(import.meta.dirname, "x.ts"))});`;
    const code =
      order === "after"
        ? `${enable} await import(root + "/site.ts"); reporter.flush();`
        : `reporter.close(); ${enable} const second = reportImports((files) => all.push(files)); await import(root + "/site.ts"); second.flush(); second.close();`;
    expect(
      (await reports(code))
        .flat()
        .filter((file) => file.endsWith(".ts"))
        .toSorted(),
    ).toEqual(["part.ts", "site.ts"]);
  });
});
