import { cp, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Command, Fixtures, hello } from "./testing/command.ts";

const typed = hello.replace("(environ, startResponse)", "(environ: { PATH_INFO: string }, startResponse: Function)");

/** Stands in for tsx: takes every .ts file for JavaScript, so that the test does not need a compiler. */
const standIn = {
  "node_modules/tsx/package.json": '{ "name": "tsx", "exports": "./loader.mjs" }',
  "node_modules/tsx/loader.mjs": 'import { register } from "node:module";\nregister("./hooks.mjs", import.meta.url);',
  "node_modules/tsx/hooks.mjs": `import { readFile } from "node:fs/promises";
export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  return { format: "module", source: await readFile(new URL(url)), shortCircuit: true };
}`,
};

const answer: unknown = Reflect.get(process.features, "typescript");
const isNative = answer === "strip" || answer === "transform";

/** The command installed elsewhere, where no tsx can be found from it. @returns its executable. */
async function installedAlone(directory: string): Promise<string> {
  const folder = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));
  const alone = join(directory, "alone");
  for (const part of ["bin", "dist", "package.json"]) await cp(folder(part), join(alone, part), { recursive: true });
  await mkdir(join(alone, "node_modules"), { recursive: true });
  await symlink(folder("../../node_modules/@gateway"), join(alone, "node_modules/@gateway"));
  return join(alone, "bin/gateway.js");
}

describe("gateway, given TypeScript", () => {
  it("serves it", async () => {
    await using fixtures = await Fixtures.make({ "app.ts": typed, "package.json": '{ "type": "module" }' });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.ts"], fixtures.directory);

    expect(await (await fetch(await command.url())).text()).toBe("Hello from /\n");
  });

  it.skipIf(isNative)("uses the tsx that is installed beside the application", async () => {
    await using fixtures = await Fixtures.make({ "app.ts": hello, ...standIn });
    await using command = Command.start(["-b", "127.0.0.1:0", "app"], fixtures.directory);

    expect(await (await fetch(await command.url())).text()).toBe("Hello from /\n");
  });

  it.skipIf(isNative)("says what to install where nothing can read it", async () => {
    await using fixtures = await Fixtures.make({ "app.mts": typed });

    const executable = await installedAlone(fixtures.directory);
    const { code, stderr } = await Command.run(["./app.mts"], fixtures.directory, { executable });

    expect(stderr).toMatch(
      /^gateway: \.\/app\.mts is TypeScript, which Node\.js [\d.]+ cannot run: npm install --save-dev tsx, or .*\n$/,
    );
    expect(code).toBe(1);
  });
});
