import { chmod, copyFile, mkdir } from "node:fs/promises";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Command, Fixtures, hello } from "./testing/command.ts";

const files = {
  "app.mjs": hello,
  "needs-package.mjs": 'import "not-installed";',
  "needs-file.mjs": 'import "./gone.mjs";',
  "throws.mjs": 'throw new Error("no database");',
  "syntax.mjs": "export default = 1;",
  "other.mjs": "export const title = 1;",
  "string.mjs": 'export default "hello";',
  "notes.txt": "no code",
};

describe("gateway, when it cannot start", () => {
  it.each([
    ["no module", [], /no application is named: gateway MODULE\[:EXPORT\] \(see gateway --help\)/],
    ["a flag that does not exist", ["--helpers=4", "app.mjs"], /there is no flag --helpers \(see gateway --help\)/],
    ["an address that is none", ["-b", "nowhere", "app.mjs"], /-b: cannot bind "nowhere": a port is missing: nowhere:8000/],
    ["a port that is none", ["-b", "127.0.0.1:99999", "app.mjs"], /-b: cannot bind .*: "99999" is not a port \(0 to 65535\)/],
    ["a module that is missing", ["gone.mjs"], /there is no module gone\.mjs: no file \/.*, and no package of that name/],
    [
      "a package that the module misses",
      ["needs-package.mjs"],
      /cannot load needs-package\.mjs: Cannot find package 'not-installed' imported from \/.*/,
    ],
    [
      "a file that the module misses",
      ["needs-file.mjs"],
      /cannot load needs-file\.mjs: Cannot find module '\/.*\/gone\.mjs' imported from \/.*/,
    ],
    ["a file that is no module", ["notes.txt"], /cannot load notes\.txt: Unknown file extension .*/],
    ["an export that is missing", ["other.mjs:app"], /other\.mjs has no export "app": it exports title/],
    [
      "no application among the exports",
      ["other.mjs"],
      /other\.mjs has no application \(default, app or application\): it exports title/,
    ],
    [
      "something not callable",
      ["string.mjs"],
      /export "default" of string\.mjs cannot be served: an application is .*, not the string "hello"/,
    ],
    [
      "a folder that is missing",
      ["-b", "unix:/no/such/folder/app.sock", "app.mjs"],
      /cannot listen on unix:.*: its folder .*\(EACCES\)/,
    ],
    [
      "a descriptor that is not open",
      ["-b", "fd://99", "app.mjs"],
      /cannot listen on fd:\/\/99: no such descriptor is open \(EBADF\)/,
    ],
    [
      "an ordinary file in the place of a Unix socket",
      ["-b", "unix:notes.txt", "app.mjs"],
      /cannot listen on unix:notes\.txt: there is a file that is no socket: remove it, or choose another path with --bind/,
    ],
    [
      "a folder in the place of a Unix socket, served here",
      ["-w", "0", "-b", "unix:.", "app.mjs"],
      /cannot listen on unix:\.: there is a folder: remove it, or choose another path with --bind/,
    ],
  ])("says so in one line for %s", async (_what, args, message) => {
    await using fixtures = await Fixtures.make(files);

    const { code, stdout, stderr } = await Command.run(args, fixtures.directory, { environment: { PORT: "0" } });

    expect(stderr).toMatch(new RegExp(`^gateway: ${message.source}\n$`));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it.each(["round-robin", "shared", "no worker"])("takes nothing for a socket that Node.js uses itself: %s", async (way) => {
    await using fixtures = await Fixtures.make(files);
    const args = way === "no worker" ? ["-w", "0"] : ["--spread", way];
    const descriptors = [6, 7, 8, 9].map((fd) => Command.run([...args, "-b", `fd://${fd}`, "app.mjs"], fixtures.directory));
    for (const { code, stderr } of await Promise.all(descriptors)) {
      expect(stderr).toMatch(
        /^gateway: cannot listen on fd:\/\/\d: (that is not a socket that listens|no such descriptor is open) \(E\w+\)\n$/,
      );
      expect(code).toBe(1);
    }
  });

  it("says so in one line for a PORT that is none", async () => {
    await using fixtures = await Fixtures.make(files);

    expect(await Command.run(["app.mjs"], fixtures.directory, { environment: { PORT: "http" } })).toEqual({
      code: 1,
      stdout: "",
      stderr: 'gateway: PORT in the environment is "http", which is not a port (0 to 65535)\n',
    });
  });

  it("says so in one line for a port in use", async () => {
    await using fixtures = await Fixtures.make(files);
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;

    const { code, stderr } = await Command.run(["-b", address, "app.mjs"], fixtures.directory);
    other.close();

    expect(stderr).toMatch(/^gateway: cannot listen on 127\.0\.0\.1:\d+: it is in use already: .* \(EADDRINUSE\)\n$/);
    expect(code).toBe(1);
  });

  it("says so in one line for a port of the metrics that is in use", async () => {
    await using fixtures = await Fixtures.make(files);
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;

    const { code, stderr } = await Command.run(["-b", "127.0.0.1:0", "--metrics-bind", address, "app.mjs"], fixtures.directory);
    other.close();

    expect(stderr).toMatch(
      /^gateway: --metrics-bind: cannot listen on 127\.0\.0\.1:\d+: it is in use already: .* with --metrics-bind \(EADDRINUSE\)\n$/,
    );
    expect(code).toBe(1);
  });

  it.each([
    ["throws.mjs", /^Error: no database\n +at .*throws\.mjs:1:7/m],
    ["syntax.mjs", /syntax\.mjs:1\nexport default = 1;\n +\^\n[^]*SyntaxError/],
  ])("shows what %s threw, with where", async (module, stack) => {
    await using fixtures = await Fixtures.make(files);

    const { code, stderr } = await Command.run([module], fixtures.directory, { environment: { PORT: "0" } });

    expect(stderr.split("\n")[0]).toBe(`gateway: ${module} failed while it was loaded`);
    expect(stderr).toMatch(stack);
    expect(code).toBe(1);
  });

  it.each([
    ["app.js", "app.js", "npm pkg set type=module, or name it app.mjs"],
    ["imports.js", "imports.js", "npm pkg set type=module, or name it imports.mjs"],
    ["meta.js", "meta.js", "npm pkg set type=module, or name it meta.mjs"],
    ["app.cjs", "app.cjs", "name it app.mjs"],
    ["neighbour.mjs", ".*/app\\.js", "npm pkg set type=module, or name it app.mjs"],
  ])("says what makes an ES module of %s, where package.json says CommonJS", async (module, file, ways) => {
    await using fixtures = await Fixtures.make({
      "package.json": '{ "type": "commonjs" }',
      "app.js": hello,
      "app.cjs": hello,
      "imports.js": 'import "node:fs";',
      "meta.js": "module.exports = () => [import.meta.url];",
      "neighbour.mjs": 'export { default } from "./app.js";',
    });

    const { code, stderr } = await Command.run([module], fixtures.directory, { environment: { PORT: "0" } });

    // The runtime may warn before that, and Node.js 20 shows the error of a neighbour once more.
    expect(stderr).toMatch(
      new RegExp(`(?:^|\\n)gateway: cannot load ${file}: it has import or export, and is read as CommonJS: ${ways}\\n`),
    );
    expect(code).toBe(1);
  });

  it("leaves the syntax of packages to them", async () => {
    await using fixtures = await Fixtures.make({
      "app.mjs": 'import "broken";',
      "node_modules/broken/package.json": '{ "name": "broken", "type": "commonjs" }',
      "node_modules/broken/index.js": hello,
    });

    const { code, stderr } = await Command.run(["app.mjs"], fixtures.directory, { environment: { PORT: "0" } });

    expect(stderr).toMatch(/^gateway: app\.mjs failed while it was loaded\n/m);
    expect(code).toBe(1);
  });

  it.each([
    [
      "--access-log",
      "gone/a.log",
      /^cannot open the log \/.*\/gone\/a\.log: the folder \/.*\/gone does not exist: make it first \(ENOENT\)$/,
    ],
    [
      "--error-log",
      "gone/e.log",
      /^cannot open the log \/.*\/gone\/e\.log: the folder \/.*\/gone does not exist: make it first \(ENOENT\)$/,
    ],
  ])("says that the folder of %s %s is to be made", async (flag, path, message) => {
    await using fixtures = await Fixtures.make(files);

    const { code, stderr } = await Command.run([flag, path, "app.mjs"], fixtures.directory, { environment: { PORT: "0" } });

    expect(stderr.replace(/^gateway: |\n$/g, "")).toMatch(message);
    expect(code).toBe(1);
  });

  it.skipIf(process.getuid?.() !== 0)("says that the user cannot enter the folder of a log", async () => {
    await using fixtures = await Fixtures.make(files);
    await chmod(fixtures.directory, 0o755);
    await mkdir(`${fixtures.directory}/shut`, { mode: 0o700 });

    const args = ["--user", "nobody", "--access-log", "shut/a.log", "app.mjs"];
    const { code, stderr } = await Command.run(args, fixtures.directory, { environment: { PORT: "0" } });

    expect(stderr).toMatch(
      /^gateway: cannot open the log \/.*\/shut\/a\.log: the user \d+ who writes it may not write there, or may not enter \/.*\/shut or a folder above it \(EACCES\)\n$/,
    );
    expect(code).toBe(1);
  });

  it("asks for the build where there is none", async () => {
    await using fixtures = await Fixtures.make(files);
    await mkdir(`${fixtures.directory}/bin`);
    const executable = `${fixtures.directory}/bin/gateway.js`;
    await copyFile(fileURLToPath(new URL("../bin/gateway.js", import.meta.url)), executable);

    expect(await Command.run(["app.mjs"], fixtures.directory, { executable })).toEqual({
      code: 1,
      stdout: "",
      stderr: "gateway: the command is not built yet: run npm run build first\n",
    });
  });
});

describe("gateway, asked about itself", () => {
  it("shows its flags", async () => {
    await using fixtures = await Fixtures.make({});
    const { code, stdout, stderr } = await Command.run(["--help"], fixtures.directory);
    expect(stdout).toMatch(/^Usage: gateway \[options\] MODULE\[:EXPORT\]\n/);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("shows its version", async () => {
    await using fixtures = await Fixtures.make({});
    const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
    expect(await Command.run(["--version"], fixtures.directory)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});
