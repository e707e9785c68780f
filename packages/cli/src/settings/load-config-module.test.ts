import { execFile } from "node:child_process";
import { utimes, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartError } from "../start-error.ts";
import { Fixtures } from "../testing/command.ts";
import { thisHost } from "./host.ts";
import { readCommand } from "./read-command.ts";

let fixtures: Fixtures;

beforeAll(async () => {
  fixtures = await Fixtures.make({
    "esm/gateway.config.mjs": 'export default { target: "app", workers: 2 };',
    "common/gateway.config.js": 'module.exports = { target: "app", workers: 3 };',
    "function/gateway.config.js": "export default ({ environment }) => ({ target: environment.APP });",
    "function/package.json": '{ "type": "module" }',
    "json/gateway.config.json": '{ "target": "app", "workers": 5 }',
    "changed/gateway.config.mjs": 'export default { target: "app", workers: 1 };',
    "changed-common/gateway.config.js": 'module.exports = { target: "app", workers: 1 };',
    "throws/gateway.config.mjs": 'throw new RangeError("no vault");',
    "needs/gateway.config.mjs": 'import "not-installed";',
    "nothing/readme": "",
    "tls/key.pem": "",
    "tls/cert.pem": "",
  });
});

afterAll(() => fixtures[Symbol.asyncDispose]());

const read = (
  folder: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): ReturnType<typeof readCommand> => readCommand(args, environment, `${fixtures.directory}/${folder}`);

describe("loadConfigModule", () => {
  it.each([
    ["esm", 2],
    ["common", 3],
    ["json", 5],
  ])("reads the config file of %s", async (folder, workers) => {
    expect(await read(folder)).toMatchObject({ settings: { target: "app", workers } });
  });

  it("reads a function", async () => {
    expect(await read("function", [], { APP: "site.js" })).toMatchObject({ settings: { target: "site.js" } });
  });

  it.each(["changed/gateway.config.mjs", "changed-common/gateway.config.js"])("reads %s anew when it has changed", async (name) => {
    const [folder = ""] = name.split("/");
    expect(await read(folder)).toMatchObject({ settings: { workers: 1 } });

    const path = `${fixtures.directory}/${name}`;
    await writeFile(path, `${name.endsWith(".mjs") ? "export default" : "module.exports ="} { target: "app", workers: 8 };`);
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    expect(await read(folder)).toMatchObject({ settings: { workers: 8 } });
  });

  it("says why it cannot be loaded", async () => {
    const failure = (folder: string): Promise<unknown> => read(folder).catch((error: unknown) => error);

    const thrown = await failure("throws");
    expect(thrown).toBeInstanceOf(StartError);
    expect(thrown).toMatchObject({
      message: expect.stringMatching(/gateway\.config\.mjs failed while it was loaded$/),
      cause: new RangeError("no vault"),
    });
    const missing = await failure("needs");
    expect(missing).toBeInstanceOf(StartError);
    expect(missing).toHaveProperty("message", expect.stringMatching(/^cannot load .*gateway\.config\.mjs: .*not-installed/));
    expect(missing).not.toHaveProperty("cause");
  });

  // vitest has a loader of its own, which does not know that such a file is TypeScript.
  it("reads TypeScript, anew when it has changed", async () => {
    await using typed = await Fixtures.make({
      "package.json": '{ "type": "module" }',
      "gateway.config.ts": 'const workers: number = 4;\nexport default { target: "app", workers } satisfies object;',
      "read.mjs": `import { utimesSync, writeFileSync } from "node:fs";
import { readCommand } from ${JSON.stringify(new URL("../../dist/settings/read-command.js", import.meta.url).href)};
const read = async () => (await readCommand([], {}, import.meta.dirname)).settings.workers;
const before = await read();
writeFileSync("gateway.config.ts", 'const workers: number = 8;\\nexport default { target: "app", workers };');
utimesSync("gateway.config.ts", 1, 2);
process.stdout.write(before + " " + (await read()));`,
    });
    const { stdout } = await promisify(execFile)(process.execPath, ["read.mjs"], { cwd: typed.directory });
    expect(stdout).toBe("4 8");
  });

  it("is not needed", async () => {
    expect(await read("nothing", ["app"])).toMatchObject({ file: undefined });
  });
});

describe("thisHost", () => {
  it("knows files and folders", async () => {
    expect(await read("tls", ["--tls-key", "key.pem", "--tls-cert", "cert.pem", "app"])).toMatchObject({
      settings: { tlsKey: `${fixtures.directory}/tls/key.pem` },
    });
    await expect(read("tls", ["--tls-key", "key.pem", "--tls-cert", "gone.pem", "app"])).rejects.toThrow("--tls-cert is ");
    await expect(read("tls", ["--chdir", "key.pem", "app"])).rejects.toThrow("which is not a folder");
    await expect(read("tls", ["--chdir", "key.pem/x", "app"])).rejects.toThrow("which is not a folder");
  });

  it("has CPUs and memory", () => {
    expect(thisHost.cpus).toBeGreaterThan(0);
    expect(Number.isInteger(thisHost.cpus)).toBe(true);
    expect(thisHost.memoryBytes).toBeGreaterThan(1024 ** 2);
    expect(Number.isSafeInteger(thisHost.memoryBytes)).toBe(true);
  });
});
