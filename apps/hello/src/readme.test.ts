import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const require = createRequire(import.meta.url);
const compiler = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
const gateway = join(dirname(require.resolve("@gateway/cli/package.json")), "bin/gateway.js");

/** The first block of TypeScript that is an application, and what the prose around the blocks says it prints. */
function readExample(markdown: string): { code: string; layers: string; promises: readonly { path: string; text: string }[] } {
  const blocks = [...markdown.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = ""]) => code);
  const code = blocks.find((block) => block.includes("startResponse"));
  if (code === undefined) throw new Error("README.md has no application in TypeScript");
  const layers = blocks.find((block) => block.includes("compose("));
  if (layers === undefined) throw new Error("README.md has no layer");
  const outside = markdown.replaceAll(/^```ts\n[^]*?^```$/gm, "");
  const promises = [...outside.matchAll(/^\s*Hello from (\/\S*)$/gm)].map(([text, path = ""]) => ({
    path,
    text: `${text.trim()}\n`,
  }));
  return { code, layers, promises };
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gateway-readme-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
});

afterAll(() => rm(folder, { recursive: true }));

/** What the real command, serving a module of the folder, answers. */
async function answerOf(module: string, path: string): Promise<Response> {
  const server = spawn(process.execPath, [gateway, "--bind", "127.0.0.1:0", module], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  try {
    const [line] = (await Promise.race([once(createInterface(server.stdout), "line"), exited])) as [unknown];
    const url = /listening on (http:\S+)/.exec(String(line))?.[1] ?? "";
    const response = await fetch(url + path);
    return new Response(await response.arrayBuffer(), response);
  } finally {
    server.kill("SIGTERM");
    await exited;
  }
}

describe("the application of the README", () => {
  it("compiles, runs, and prints what the README says", async () => {
    const { code, layers, promises } = readExample(await readFile(join(root, "README.md"), "utf8"));
    expect(promises).not.toEqual([]);
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "app.ts"), code);
    await writeFile(join(folder, "layers.ts"), layers);
    // A reader's own module has no declarations to emit.
    const compilerOptions = { isolatedDeclarations: false, declaration: false, declarationMap: false };
    const settings = { extends: join(root, "tsconfig.base.json"), compilerOptions, files: ["app.ts", "layers.ts"] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
    const { stdout: mistakes } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
    expect(mistakes).toBe("");

    for (const { path, text } of promises) {
      const plain = await answerOf("app.js", path);
      expect([await plain.text(), plain.headers.get("x-powered-by")]).toEqual([text, null]);
      const layered = await answerOf("layers.js", path);
      expect([await layered.text(), layered.headers.get("x-powered-by")]).toEqual([text, "Gateway"]);
    }
  });

  it("is the application of this package", async () => {
    const { code } = readExample(await readFile(join(root, "README.md"), "utf8"));
    const source = await readFile(new URL("./app.ts", import.meta.url), "utf8");

    expect(source.replaceAll(/^\/\*\*.*\n/gm, "")).toBe(code);
  });
});
