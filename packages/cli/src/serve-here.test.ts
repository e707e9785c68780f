import { chmod, chown, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "./testing/command.ts";
import { requestOnce } from "./testing/load.ts";

const speaking = `export default (environ, startResponse) => {
  environ["wsgi.errors"].write("asked for " + environ.PATH_INFO + "\\n");
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(String(process.getuid()))];
};`;

describe("gateway --workers 0", () => {
  it("gives a Unix socket its mode, replaces one that nobody answers on, and takes it away when it stops", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const path = `${fixtures.directory}/app.sock`;
    const args = ["-w", "0", "-b", "unix:app.sock", "--unix-mode", "660", "app.mjs"];
    await using first = Command.start(args, fixtures.directory);
    await first.said("stdout", /listening on unix:app\.sock \(/);
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe("660");
    expect(await Command.run(args, fixtures.directory)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^gateway: cannot listen on unix:app\.sock: .*EADDRINUSE/) as unknown,
    });
    first.process.kill("SIGKILL");
    await first.ended;
    await using second = Command.start(args, fixtures.directory);
    await second.said("stdout", /listening on unix:/);
    expect(await requestOnce({ path }, "/socket")).toBe("Hello from /socket\n");
    second.process.kill("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0, stderr: "" });
    await expect(stat(path)).rejects.toThrow("ENOENT");
  });

  it("opens its logs again for SIGUSR1 while the application still loads", async () => {
    const app = `console.log("loading");
      await new Promise((resolve) => process.stdin.once("data", resolve));
      ${hello}`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const log = `${fixtures.directory}/error.log`;
    await using command = Command.start(["-w", "0", "-b", "127.0.0.1:0", "--error-log", log, "app.mjs"], fixtures.directory);
    await command.said("stdout", /loading/);
    await rename(log, `${log}.1`);
    command.process.kill("SIGUSR1");
    await vi.waitUntil(
      () =>
        stat(log).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    command.process.stdin?.write("go on");
    await vi.waitUntil(async () => (await readFile(log, "utf8")).includes("listening on"), 20_000);
    command.process.kill("SIGTERM");
    // The inspector would have said so.
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "gives the logs to the user, who opens them again when they were rotated, and says that the pid file stays",
    async () => {
      await using fixtures = await Fixtures.make({ "app.mjs": speaking });
      const { directory } = fixtures;
      // Others may look, but only the administrator makes files here.
      await chmod(directory, 0o755);
      await mkdir(`${directory}/logs`, { mode: 0o755 });
      const logs = [`${directory}/logs/access.log`, `${directory}/logs/error.log`] as const;
      await using command = Command.start(
        [
          "-w",
          "0",
          "-b",
          "127.0.0.1:0",
          "--user",
          "nobody",
          "--access-log",
          logs[0],
          "--error-log",
          logs[1],
          "--pid-file",
          "pid",
          "app.mjs",
        ],
        directory,
      );
      const contains = async (file: string, text: string): Promise<void> => {
        await vi.waitUntil(async () => (await readFile(file, "utf8").catch(() => "")).includes(text), 20_000);
      };
      await contains(logs[1], "listening on");
      const [, port = ""] = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(await readFile(logs[1], "utf8")) ?? [];
      const place = { host: "127.0.0.1", port: Number(port) };
      const user = Number(await requestOnce(place, "/before"));
      expect(user).not.toBe(0);
      for (const file of logs) {
        await contains(file, "/before");
        const { uid, gid } = await stat(file);
        expect(uid).toBe(user);
        // As logrotate does it: the new file is like the old one.
        await rename(file, `${file}.1`);
        await writeFile(file, "");
        await chown(file, uid, gid);
      }
      command.process.kill("SIGUSR1");
      await vi.waitUntil(async () => {
        await requestOnce(place, "/after");
        const texts = await Promise.all(logs.map((file) => readFile(file, "utf8")));
        return texts.every((text) => text.includes("/after"));
      }, 20_000);
      command.process.kill("SIGTERM");
      const { code, stderr } = await command.ended;
      expect(code).toBe(0);
      expect(stderr).toMatch(/^gateway: cannot remove the pid file: EACCES.*\n$/);
    },
  );
});
