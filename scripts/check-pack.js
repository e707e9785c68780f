// The published form: packs every package, installs the tarballs in an empty folder, and serves hello from there.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workspaces } from "./workspaces.js";

const folder = mkdtempSync(join(tmpdir(), "gateway-pack-"));
const published = workspaces().filter(({ manifest }) => manifest.private !== true);
try {
  const tarballs = published.map(({ folder: from }) => {
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: from, encoding: "utf8" }),
    );
    const names = packed.files.map((file) => file.path);
    const strays = names.filter((name) => /\.test(-d)?\.|\/test-|^(tsconfig|vitest)/.test(name));
    if (strays.length > 0) throw new Error(`${packed.name} would publish ${strays.join(", ")}`);
    for (const needed of ["README.md", "LICENSE", "package.json"])
      if (!names.includes(needed)) throw new Error(`${packed.name} has no ${needed}`);
    console.log(`${packed.name}: ${names.length} files, ${packed.size} bytes`);
    return join(folder, packed.filename);
  });

  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...tarballs], { cwd: folder, stdio: "inherit" });
  writeFileSync(
    join(folder, "app.js"),
    `export default (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [Buffer.from(\`Hello from \${environ.PATH_INFO}\\n\`)];
};\n`,
  );
  for (const flags of [[], ["--validate"]]) await serves(flags);
  for (const { manifest } of published) await loads(manifest);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs the installed command, and asks it for a page. */
async function serves(flags) {
  const server = spawn(join(folder, "node_modules/.bin/gateway"), [...flags, "-b", "127.0.0.1:0", "app.js"], { cwd: folder });
  let printed = "";
  const address = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk;
      const match = /http:\/\/[0-9.]+:[0-9]+/.exec(printed);
      if (match !== null) resolve(match[0]);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.once("exit", (code) => reject(new Error(`gateway ended with ${code}: ${printed}`)));
  });
  const text = await (await fetch(`${address}/packed`)).text();
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  const [code] = await ended;
  if (text !== "Hello from /packed\n") throw new Error(`hello answered ${JSON.stringify(text)}`);
  if (code !== 0) throw new Error(`gateway ended with ${code}`);
  console.log(`gateway ${flags.join(" ")}: serves the packed hello`);
}

/** Every entry point of a package can be imported. */
async function loads(manifest) {
  for (const entry of Object.keys(manifest.exports ?? {})) {
    if (entry === "./package.json") continue;
    const name = manifest.name + entry.slice(1);
    execFileSync(process.execPath, ["--input-type=module", "-e", `await import(${JSON.stringify(name)})`], { cwd: folder });
    console.log(`${name}: loads`);
  }
}
