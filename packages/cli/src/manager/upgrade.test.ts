import { stat, writeFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";
import { Load, loadedApplication, requestOnce } from "../testing/load.ts";

const served = /process (\d+) serves on the same sockets now/;

/** Takes its time to start up, and fails. */
const failing = `export const startup = async () => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  throw new Error("no database");
};
${loadedApplication}`;

function start(fixtures: Fixtures, ...args: readonly string[]): Command {
  return Command.start(["-b", "127.0.0.1:0", "--no-control-socket", ...args, "app.mjs"], fixtures.directory);
}

async function placeOf(command: Command): Promise<{ readonly host: string; readonly port: number }> {
  return { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
}

describe("gateway ctl upgrade", () => {
  it.each(["and says that the old one stops", "--keep, and says how the old one is ended"])(
    "starts a new parent: %s",
    async (how) => {
      await using fixtures = await Fixtures.make({ "app.mjs": hello });
      const args = ["-b", "127.0.0.1:0", "--control-socket", "ctl", "--no-config", "app.mjs"];
      await using command = Command.start(args, fixtures.directory);
      await command.url();
      const { pid = 0 } = command.process;
      const keep = how.startsWith("--keep");
      const asked = ["ctl", "--control-socket", "ctl", "upgrade", ...(keep ? ["--keep"] : [])];
      const { code, stdout } = await Command.run(asked, fixtures.directory);
      const [line = "", next = ""] = served.exec(stdout) ?? [];
      try {
        expect(stdout).toBe(`${line}: ${keep ? `end the old one with SIGTERM to ${pid}` : `the old one, process ${pid}, stops`}\n`);
        expect(code).toBe(0);
        // With --keep it serves on until somebody ends it.
        const isRunning = (): boolean => command.process.exitCode === null;
        if (keep) expect((await Command.run(["ctl", "--control-socket", "ctl", "status"], fixtures.directory)).code).toBe(0);
        if (keep) expect(isRunning()).toBe(true);
        else await vi.waitUntil(() => !isRunning(), 20_000);
      } finally {
        process.kill(Number(next), "SIGTERM");
        if (keep) command.process.kill("SIGTERM");
      }
      expect((await command.ended).code).toBe(0);
    },
  );
});

describe("gateway, told SIGUSR2", () => {
  it("starts no second parent beside the one that it has started", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = start(fixtures);
    await command.url();
    command.process.kill("SIGUSR2");
    const [, next = ""] = await command.said("stdout", served);
    try {
      command.process.kill("SIGUSR2");
      await command.said("stderr", new RegExp(`^gateway: an upgrade is under way already: process ${next}\n$`));
      // Nor does the new one, as long as the old one may have to go on.
      process.kill(Number(next), "SIGUSR2");
      const { pid } = command.process;
      await command.said("stderr", new RegExp(`gateway: no upgrade: the old parent, process ${pid}, still runs: end it first\n$`));
    } finally {
      process.kill(Number(next), "SIGTERM");
      command.process.kill("SIGTERM");
    }
    expect((await command.ended).code).toBe(0);
  });

  it("starts none while it stops, and lets the requests under way finish", async () => {
    const app = `export default async (environ, startResponse) => {
      if (environ.PATH_INFO === "/wait") {
        const goesOn = new Promise((resolve) => process.on("SIGCONT", resolve));
        console.log("it waits");
        await goesOn;
      }
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(String(process.pid))];
    };`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await using command = start(fixtures);
    const place = await placeOf(command);
    const pid = Number(await requestOnce(place, "/"));
    const waiting = requestOnce(place, "/wait");
    await command.said("stdout", /it waits/);
    command.process.kill("SIGTERM");
    await command.said("stdout", /stopping/);
    // Its sockets are closed, so that there is nothing to hand on.
    await vi.waitUntil(
      () =>
        requestOnce(place, "/").then(
          () => false,
          () => true,
        ),
      20_000,
    );
    command.process.kill("SIGUSR2");
    await command.said("stderr", /^gateway: no upgrade: the server is stopping\n$/);
    process.kill(pid, "SIGCONT");
    expect(await waiting).toBe(String(pid));
    expect((await command.ended).code).toBe(0);
  });

  it("accepts nothing in the new parent until that can serve: one that fails to start up costs no request", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = start(fixtures, "-w", "2");
    const load = new Load(await placeOf(command), 10, "one for each request");
    await load.answered(100);
    await writeFile(`${fixtures.directory}/app.mjs`, failing);
    command.process.kill("SIGUSR2");
    await command.said("stderr", /the upgrade was given up: the new process ended: exit status 1\n/);
    await load.answered(load.count + 100);
    expect((await load.stop()).failures).toEqual([]);
    command.process.kill("SIGTERM");
    expect((await command.ended).code).toBe(0);
  });

  it("lets go of the addresses that the settings do not have any more", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const configure = (...bind: readonly string[]): Promise<void> =>
      writeFile(`${directory}/gateway.config.json`, JSON.stringify({ target: "./app.mjs", bind, controlSocket: "off" }));
    await configure("127.0.0.1:0", "unix:one.sock", "unix:two.sock");
    await using command = Command.start([], directory);
    await command.said("stdout", /listening on unix:two\.sock/);
    const place = await placeOf(command);
    await configure("unix:one.sock");
    command.process.kill("SIGUSR2");
    const [, next = ""] = await command.said("stdout", served);
    command.process.kill("SIGTERM");
    await vi.waitUntil(() => command.process.exitCode !== null, 20_000);
    await vi.waitUntil(
      () =>
        stat(`${directory}/two.sock`).then(
          () => false,
          () => true,
        ),
      20_000,
    );
    await expect(requestOnce(place, "/")).rejects.toThrow("ECONNREFUSED");
    expect(await requestOnce({ path: `${directory}/one.sock` }, "/")).toBe("Hello from /\n");
    process.kill(Number(next), "SIGTERM");
    expect((await command.ended).stderr).toBe("");
  });
});
