import { chmod, mkdir, readFile, rename, stat } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

const app = `export default (environ, startResponse) => {
  environ["wsgi.errors"].write("asked for " + environ.PATH_INFO + "\\n");
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(process.getuid() + " " + process.pid)];
};`;

describe("gateway --user", () => {
  it.skipIf(process.getuid?.() !== 0)(
    "gives the logs to the user in a folder of the administrator, and makes new ones when they are opened again",
    async () => {
      await using fixtures = await Fixtures.make({ "app.mjs": app });
      const { directory } = fixtures;
      // Others may look, but only the administrator makes files here.
      await chmod(directory, 0o755);
      await mkdir(`${directory}/logs`, { mode: 0o755 });
      const [access, error] = [`${directory}/logs/access.log`, `${directory}/logs/error.log`];
      const control = ["--control-socket", `${directory}/ctl`];
      await using command = Command.start(
        ["-w", "2", "-b", "127.0.0.1:0", "--user", "nobody", "--access-log", access, "--error-log", error, ...control, "app.mjs"],
        directory,
      );
      const contains = async (file: string, text: string): Promise<void> => {
        await vi.waitUntil(async () => (await readFile(file, "utf8").catch(() => "")).includes(text), 20_000);
      };
      await contains(error, "listening on");
      const [, port = ""] = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(await readFile(error, "utf8")) ?? [];
      const place = { host: "127.0.0.1", port: Number(port) };

      const [user] = (await requestOnce(place, "/before")).split(" ").map(Number);
      expect(user).not.toBe(0);
      const pids = new Set<string>();
      await vi.waitUntil(async () => pids.add(await requestOnce(place, "/")).size === 2, 20_000);
      for (const file of [access, error]) {
        await contains(file, "/before");
        expect((await stat(file)).uid).toBe(user);
        await rename(file, `${file}.1`);
      }
      expect(await Command.run(["ctl", ...control, "reopen"], directory)).toMatchObject({ code: 0 });
      const before = await Promise.all([access, error].map((file) => readFile(`${file}.1`, "utf8")));
      // Each worker in turn: both have the new ones.
      await requestOnce(place, "/after");
      await requestOnce(place, "/afterwards");
      for (const file of [access, error]) {
        await contains(file, "/after");
        await contains(file, "/afterwards");
        expect((await stat(file)).uid).toBe(user);
      }
      command.process.kill("SIGTERM");
      expect(await command.ended).toMatchObject({ code: 0, stdout: "", stderr: "" });
      expect(await Promise.all([access, error].map((file) => readFile(`${file}.1`, "utf8")))).toEqual(before);
    },
  );
});
