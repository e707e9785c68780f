import { rm, stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

/** Whoever starts up second fails. */
const halfway = `import { mkdirSync } from "node:fs";
export const startup = () => mkdirSync("taken");
${hello}`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("gateway, when a reload fails halfway", () => {
  it("says that workers of two generations serve, until the next one succeeds", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const control = ["--control-socket", `${directory}/ctl`];
    await using command = Command.start(["-w", "2", "-b", "127.0.0.1:0", ...control, "app.mjs"], directory);
    await command.url();
    const ctl = (...words: string[]): ReturnType<typeof Command.run> => Command.run(["ctl", ...control, ...words], directory);
    await vi.waitUntil(async () => (await ctl("status")).stdout.includes("2 of 2 ready"), 20_000);

    await writeFile(`${directory}/app.mjs`, halfway);
    const why =
      "startup() of app.mjs failed (1 of 2 workers have the new code already: mend it and reload again); generations 1 and 2 serve on\n";
    const { code, stderr } = await ctl("reload");
    expect(code).toBe(1);
    expect(stderr).toContain(`gateway: reload failed: the reload was given up: ${why}`);
    expect(command.stderr).toContain(`gateway: the reload was given up: ${why}`);

    await writeFile(`${directory}/app.mjs`, "export default = 1;");
    expect((await ctl("reload")).stderr).toContain("failed while it was loaded; generations 1 and 2 serve on");
    await writeFile(`${directory}/app.mjs`, hello);
    expect(await ctl("reload")).toMatchObject({ code: 0, stdout: "reloaded: 2 workers of generation 4\n" });
  });
});

describe("gateway, when an upgrade on a Unix socket comes to nothing", () => {
  const start = async (fixtures: Fixtures): Promise<Command> => {
    const command = Command.start(["-b", "unix:app.sock", "--no-control-socket", "app.mjs"], fixtures.directory);
    await command.said("stdout", /listening on/);
    return command;
  };

  it("goes on being there when the new code does not boot", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const place = { path: `${fixtures.directory}/app.sock` };
    await using command = await start(fixtures);
    await rm(`${fixtures.directory}/app.mjs`);
    command.process.kill("SIGUSR2");
    await command.said("stderr", /the upgrade was given up: the new process ended: exit status 1\n/);
    expect(await requestOnce(place, "/")).toBe("Hello from /\n");
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0 });
    await expect(stat(place.path)).rejects.toThrow("ENOENT");
  });

  it("goes on being there when the new parent ends first", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const place = { path: `${fixtures.directory}/app.sock` };
    await using command = await start(fixtures);
    for (let count = 1; count <= 2; count++) {
      command.process.kill("SIGUSR2");
      const [, next = ""] = await command.said("stdout", new RegExp(`(?:process (\\d+) serves on[^]*){${count}}`));
      process.kill(Number(next), "SIGTERM");
      await command.said("stdout", new RegExp(`(?:stopping[^]*){${count}}`));
      await vi.waitUntil(() => !isAlive(Number(next)), 20_000);
      expect(await requestOnce(place, "/")).toBe("Hello from /\n");
    }
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
    await expect(stat(place.path)).rejects.toThrow("ENOENT");
  });
});

describe("gateway, when its parent is killed", () => {
  it.each(["round-robin", "shared"])("lets the requests under way finish, and ends: %s", async (spread) => {
    const app = `let drained;
      const draining = new Promise((resolve) => (drained = resolve));
      export const drain = () => void setImmediate(drained);
      export default async (environ, startResponse) => {
        if (environ.PATH_INFO === "/wait") await draining;
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return [Buffer.from("whole")];
      };`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const control = ["--control-socket", "ctl"];
    await using command = Command.start(["-b", "127.0.0.1:0", "--spread", spread, ...control, "app.mjs"], fixtures.directory);
    const place = { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
    const waiting = requestOnce(place, "/wait");
    const status = ["ctl", ...control, "status", "--json"];
    await vi.waitUntil(async () => (await Command.run(status, fixtures.directory)).stdout.includes('"inFlight":1'), 20_000);
    command.process.kill("SIGKILL");
    expect(await waiting).toBe("whole");
    // The pipes are the worker's, too: they close when it has ended.
    expect((await command.ended).stderr).toBe("");
  });

  it("does not let a shutdown that hangs keep a worker for ever", async () => {
    const app = `export const shutdown = () => new Promise((resolve) => setTimeout(resolve, 3_600_000));\n${hello}`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const args = ["-b", "127.0.0.1:0", "--no-control-socket", "--graceful-timeout", "1s", "app.mjs"];
    await using command = Command.start(args, fixtures.directory);
    await command.url();
    command.process.kill("SIGKILL");
    expect((await command.ended).stderr).toBe("");
  });
});

describe("gateway, when workers die again and again", () => {
  it("says when it tries the next time, and ends on SIGTERM meanwhile", async () => {
    const app = `export default () => process.exit(7);`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await using command = Command.start(["-b", "127.0.0.1:0", "--no-control-socket", "app.mjs"], fixtures.directory);
    const place = { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
    await requestOnce(place, "/").catch(String);
    await command.said("stderr", /^gateway: worker 1 ended unexpectedly: exit status 7\n/);
    await requestOnce(place, "/").catch(String);
    await command.said("stderr", /gateway: worker 2 ended unexpectedly: exit status 7 \(the next try in 0\.5 seconds\)\n/);
    await requestOnce(place, "/").catch(String);
    await command.said("stderr", /gateway: worker 3 ended unexpectedly: exit status 7 \(the next try in 1 seconds\)\n/);
    command.process.kill("SIGTERM");
    expect((await command.ended).code).toBe(0);
  });

  it("does not keep whoever waits for a worker until the end of the graceful time", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": `export default () => process.exit(7);` });
    await using command = Command.start(
      ["-b", "127.0.0.1:0", "--no-control-socket", "--graceful-timeout", "1h", "app.mjs"],
      fixtures.directory,
    );
    const place = { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
    for (let round = 1; round <= 3; round++) {
      await requestOnce(place, "/").catch(String);
      await command.said("stderr", new RegExp(`worker ${round} ended unexpectedly`));
    }
    // The third is to be tried again in a second: nobody takes this one.
    const waiting = requestOnce(place, "/").catch(String);
    const socket = connect(place);
    await once(socket, "connect");
    command.process.kill("SIGTERM");
    expect((await command.ended).code).toBe(0);
    expect(await waiting).toMatch(/Error/);
    socket.destroy();
  });
});
