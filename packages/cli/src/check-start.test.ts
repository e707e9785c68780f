import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Command, Fixtures, hello } from "./testing/command.ts";
import { permits } from "./file-obstacles.ts";

const isRoot = process.getuid?.() === 0;

const refused: readonly (readonly [what: string, args: string, message: RegExp])[] = [
  ["a log in a folder that is missing", "--access-log gone/a.log", /^--access-log is .*: make it first$/],
  ["a log that is a folder", "--error-log folder", /^--error-log is .*folder, which is a folder$/],
  ["a format that is none", "--access-log a.log --access-log-format %Q", /^--access-log-format is "%Q": .*"%Q" is not known/],
  [
    "a key in place of a certificate",
    "--tls-cert key.pem --tls-key key.pem",
    /^--tls-cert .*key.pem does not begin with a certificate/,
  ],
  ["a pid file in a folder that is missing", "-p gone/pid", /^-p is .*pid, and the folder .*gone does not exist: make it first$/],
  ["a pid file that is a folder", "-p folder", /^-p is .*folder, which is a folder$/],
  ["a control socket in a folder that is missing", "--control-socket gone/ctl", /^--control-socket is .*: make it first$/],
  ["a control socket in the place of a file", "--control-socket app.mjs", /^--control-socket is .*something that is no socket/],
  ["a socket in a folder that is missing", "-b unix:gone/app.sock", /^-b is unix:gone\/app\.sock, .*: make it first$/],
  ["a socket in the place of a file", "-b unix:app.mjs", /^-b is unix:app\.mjs, and something that is no socket is there$/],
  [
    "a socket whose path has a file for a folder",
    "-b unix:app.mjs/sock",
    /^-b is unix:app\.mjs\/sock, and app\.mjs is not a folder$/,
  ],
  ["a path too long to make a socket beside it", `-b unix:${"x/".repeat(51)}a`, /^-b is unix:|its path is too long/],
  [
    "an owner of sockets that does not exist",
    "-b unix:s --unix-owner no-such-user",
    /^--unix-owner is .*: there is no user "no-such-user"$/,
  ],
  [
    "a group of sockets that does not exist",
    "-b unix:s --unix-owner :no-such",
    /^--unix-owner is :no-such: there is no group "no-such"$/,
  ],
  ["settings that take a parent", "-w 0 --reload", /^reload is for a manager and its workers/],
];

const ofRoot: typeof refused = [
  ["a user that does not exist", "--user no-such-user", /^cannot find "no-such-user": there is no such user$/],
  ["a group that does not exist", "--group no-such-group", /^--group is no-such-group: there is no group "no-such-group"$/],
  [
    "logs where the user cannot enter",
    "--user nobody --access-log shut/a.log",
    /^--access-log is .*, and the user nobody may not enter .*shut \(chmod/,
  ],
  [
    "a module where the user cannot enter",
    "--user nobody shut/app.mjs",
    /^the application is shut\/app\.mjs, and the user nobody may not enter .*shut /,
  ],
];

/** A folder that has everything, but for what is to be missed. */
async function site(): Promise<Fixtures> {
  const fixtures = await Fixtures.make({
    "app.mjs": hello,
    "shut/app.mjs": hello,
    "needs.mjs": 'if (!process.env.KEY) throw new Error("no key");\nexport { default } from "./app.mjs";',
  });
  const { directory } = fixtures;
  await chmod(directory, 0o755);
  await chmod(`${directory}/shut`, 0o700);
  await mkdir(`${directory}/folder`);
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=x"],
    {
      cwd: directory,
      stdio: "ignore",
    },
  );
  return fixtures;
}

/** The application is the last word, unless another is. */
const words = (args: string): string[] => [...args.split(" "), ...(args.endsWith("/app.mjs") ? [] : ["app.mjs"])];

describe("gateway --check-config", () => {
  it.each([...refused, ...(isRoot ? ofRoot : [])])("refuses %s, as the start does", async (_what, args, message) => {
    await using fixtures = await site();
    const before = await readdir(fixtures.directory, { recursive: true });

    const checked = await Command.run(["--check-config", ...words(args)], fixtures.directory);
    expect({ ...checked, stderr: "" }).toEqual({ code: 1, stdout: "", stderr: "" });
    expect(checked.stderr).toMatch(/^gateway: .*\n$/);
    expect(checked.stderr.slice("gateway: ".length, -1)).toMatch(message);
    expect(await readdir(fixtures.directory, { recursive: true })).toEqual(before);

    const started = await Command.run(words(args), fixtures.directory, { environment: { PORT: "0" } });
    expect(started).toMatchObject({ code: 1, stdout: "" });
  });

  it("takes what the start takes, makes nothing, and minds no site that is running", async () => {
    await using fixtures = await site();
    const { directory } = fixtures;
    const before = await readdir(directory, { recursive: true });
    const user = isRoot ? " --user nobody --group nogroup --unix-owner nobody" : "";
    const args = `--access-log a.log --error-log e.log --tls-cert cert.pem --tls-key key.pem -p pid --control-socket ctl -b unix:app.sock -e KEY=1${user} needs.mjs`;

    const checked = await Command.run(["--check-config", ...args.split(" ")], directory);
    expect(checked).toEqual({ code: 0, stdout: "gateway: the settings are right, and needs.mjs loads\n", stderr: "" });
    expect(await readdir(directory, { recursive: true })).toEqual(before);

    await using command = Command.start(
      args.split(" ").map((word) => (word === "e.log" ? "-" : word)),
      directory,
    );
    await command.said("stdout", /listening on/);
    expect(await Command.run(["--check-config", ...args.split(" ")], directory)).toEqual(checked);
  });
});

describe("permits", () => {
  const account = { name: "x", uid: 7, gids: new Set([8, 9]) };
  it.each([
    ["by the bits of the owner alone", { uid: 7, gid: 9, mode: 0o40_077 }, false],
    ["by those of the group alone", { uid: 1, gid: 9, mode: 0o40_707 }, false],
    ["by a group", { uid: 1, gid: 8, mode: 0o40_710 }, true],
    ["as anybody", { uid: 1, gid: 1, mode: 0o40_701 }, true],
    ["not as anybody", { uid: 1, gid: 1, mode: 0o40_770 }, false],
  ])("decides %s", (_what, facts, isPermitted) => {
    expect(permits(facts, account, 1)).toBe(isPermitted);
    expect(permits(facts, { ...account, uid: 0 }, 1)).toBe(true);
  });
});
