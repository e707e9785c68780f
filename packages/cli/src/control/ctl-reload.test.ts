import { rm, writeFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

const cause = "    at .*\n";
const cannotRead = String.raw`app\.mjs failed while it was loaded; generation 1 serves on\nfile:///.*/`;

describe("gateway ctl reload, into code that does not boot", () => {
  it.each([
    [
      "a syntax error",
      "\nexport default = 1;\n",
      `${cannotRead}app\\.mjs:2\nexport default = 1;\n {15}\\^\nSyntaxError: Unexpected token '='\n`,
    ],
    [
      "a syntax error in what it imports",
      'import "./part.mjs";\n',
      `${cannotRead}part\\.mjs:1\nconst two = \\(3;\n {14}\\^\nSyntaxError: Unexpected token ';'\n`,
    ],
    [
      "an import of what is not exported",
      'import { nothing } from "./whole.mjs";\n',
      `app\\.mjs failed while it was loaded; generation 1 serves on\nfile:///.*/app\\.mjs:1\n +import { nothing } from "\\./whole\\.mjs";\n {13}\\^+\n +SyntaxError: .*'nothing'\n`,
    ],
    [
      "an import that is missing",
      'import "./gone.mjs";\n',
      "cannot load app\\.mjs: Cannot find module '/.*/gone\\.mjs' imported from .*; generation 1 serves on\n$",
    ],
    [
      "a module that throws",
      'throw new Error("no\\x1b[31m database");\n',
      `app\\.mjs failed while it was loaded; generation 1 serves on\nError: no\\\\x1b\\[31m database\n +at file:///.*/app\\.mjs:1:7\n`,
    ],
    [
      "a startup that throws",
      `export const startup = () => { throw new Error("no table", { cause: new TypeError("no host") }); };\n${hello}`,
      `startup\\(\\) of app\\.mjs failed; generation 1 serves on\nError: no table\n +${cause}[^]* +caused by: TypeError: no host\n +${cause}`,
    ],
    [
      "a startup that reads what is no JSON",
      `export const startup = () => JSON.parse("{");\n${hello}`,
      `startup\\(\\) of app\\.mjs failed; generation 1 serves on\nSyntaxError: .*JSON.*\n +at JSON\\.parse .*\n +at startup .*/app\\.mjs:1:`,
    ],
    [
      "a startup that hangs",
      `export const startup = () => new Promise(() => {});\n${hello}`,
      "startup\\(\\) of the application did not finish within --boot-timeout \\(5s\\); generation 1 serves on\n$",
    ],
    [
      "a missing file",
      undefined,
      "there is no module app\\.mjs: no file /.*/app\\.mjs, and no package of that name; generation 1 serves on\n$",
    ],
    [
      "a module without an application",
      "export const title = 1;",
      "app\\.mjs has no application .*: it exports title; generation 1 serves on\n$",
    ],
  ])("exits with 1 and says why for %s", async (_what, code, why) => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello, "part.mjs": "const two = (3;\n", "whole.mjs": "export {};\n" });
    const { directory } = fixtures;
    const control = ["--control-socket", `${directory}/ctl`];
    await using command = Command.start(["-b", "127.0.0.1:0", "--boot-timeout", "5s", ...control, "app.mjs"], directory);
    const { port } = new URL(await command.url());
    if (code === undefined) await rm(`${directory}/app.mjs`);
    else await writeFile(`${directory}/app.mjs`, code);

    const { code: status, stdout, stderr } = await Command.run(["ctl", ...control, "reload"], directory);

    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^gateway: reload failed: the reload was given up: ${why}`));
    // The log has it, too.
    await vi.waitUntil(
      () =>
        stderr
          .split("\n")
          .slice(1)
          .every((line) => command.stderr.includes(line)),
      10_000,
    );
    expect(await requestOnce({ host: "127.0.0.1", port: Number(port) }, "/")).toBe("Hello from /\n");
  });

  it("exits with 1 and says why for a config file that throws", async () => {
    await using fixtures = await Fixtures.make({
      "app.mjs": hello,
      "gateway.config.mjs": 'export default { target: "./app.mjs" };',
    });
    const { directory } = fixtures;
    const control = ["--control-socket", `${directory}/ctl`];
    await using command = Command.start(["-b", "127.0.0.1:0", ...control], directory);
    await command.url();
    await writeFile(`${directory}/gateway.config.mjs`, '\nthrow new Error("no vault");');

    const { code, stderr } = await Command.run(["ctl", ...control, "reload"], directory);

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^gateway: reload failed: .*gateway\.config\.mjs failed while it was loaded; generation 1 serves on\nError: no vault\n +at .*config\.mjs.*:2:7\n/,
    );
    await command.said("stderr", /failed while it was loaded\nError: no vault\n/);
  });
});
