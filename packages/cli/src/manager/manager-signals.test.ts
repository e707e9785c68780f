import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { Command, executable, Fixtures, hello } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

/** Starts up only where there is a file "go"; answers `/wait` only when its process is told to end. */
const patient = `import { existsSync } from "node:fs";
let drained;
const draining = new Promise((resolve) => (drained = resolve));
export const startup = () => {
  if (existsSync("go")) return;
  console.log("it hangs");
  return new Promise(() => {});
};
export const drain = () => drained();
export default async (environ, startResponse) => {
  if (environ.PATH_INFO === "/wait") await draining;
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(String(process.pid))];
};`;

/** Starts up when whoever it is connected to hangs up. */
const gated = `import { connect } from "node:net";
export const startup = () => new Promise((resolve) => connect(process.env.GATE).resume().on("close", resolve));
${hello}`;

function start(fixtures: Fixtures, ...args: readonly string[]): Command {
  return Command.start(["-b", "127.0.0.1:0", "--control-socket", "ctl", ...args, "app.mjs"], fixtures.directory);
}

async function placeOf(command: Command): Promise<{ readonly host: string; readonly port: number }> {
  return { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
}

/** `gateway ctl`, at this site. */
function ctl(fixtures: Fixtures, ...words: readonly string[]): ReturnType<typeof Command.run> {
  return Command.run(["ctl", "--control-socket", "ctl", ...words], fixtures.directory);
}

describe("gateway, told SIGINT", () => {
  it("lets a request under way finish, and exits with 0", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": patient, go: "" });
    await using command = start(fixtures);
    const place = await placeOf(command);
    const waiting = requestOnce(place, "/wait");
    await vi.waitUntil(async () => (await ctl(fixtures, "status", "--json")).stdout.includes('"inFlight":1'), 20_000);
    command.process.kill("SIGINT");
    expect(Number(await waiting)).toBeGreaterThan(0);
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("gateway, told SIGTTOU and SIGQUIT", () => {
  it("says that it keeps the last worker, and that it stops at once", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = start(fixtures);
    await command.url();
    command.process.kill("SIGTTOU");
    await command.said("stderr", /^gateway: 1 worker as before: workers is 0, which is not a whole number from 1 to 1024\n$/);
    command.process.kill("SIGQUIT");
    const { code, stdout } = await command.ended;
    expect(code).toBe(131);
    expect(stdout).toMatch(/stopping at once: requests under way are cut off\n$/);
  });
});

describe("gateway, told SIGWINCH", () => {
  it("takes no notice of it in a terminal, whose window may change", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const line = `"${process.execPath}" "${executable}" -b 127.0.0.1:0 --pid-file pid --no-control-socket app.mjs`;
    const terminal = ["-qefc", line, "/dev/null"];
    await using command = new Command(spawn("script", terminal, { cwd: fixtures.directory, stdio: "pipe" }));
    await command.url();
    const pid = Number(await readFile(`${fixtures.directory}/pid`, "utf8"));
    process.kill(pid, "SIGWINCH");
    process.kill(pid, "SIGTTIN");
    await command.said("stdout", /2 workers from now on/);
    expect(await requestOnce(await placeOf(command), "/")).toBe("Hello from /\n");
    process.kill(pid, "SIGTERM");
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain("the workers stop");
  });
});

describe("gateway, told SIGHUP", () => {
  it("boots the first worker again while that starts up", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": patient });
    await using command = start(fixtures);
    await command.said("stdout", /it hangs/);
    await writeFile(`${fixtures.directory}/go`, "");
    command.process.kill("SIGHUP");
    expect(Number(await requestOnce(await placeOf(command), "/"))).toBeGreaterThan(0);
    await command.said("stdout", /reloaded: 1 worker of generation 2/);
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("reloads once more when a reload is under way, however often it is told meanwhile", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const gate = createServer().listen(`${directory}/gate`);
    await once(gate, "listening");
    await using command = start(fixtures, "--env", `GATE=${directory}/gate`);
    await command.url();
    await writeFile(`${directory}/app.mjs`, gated);
    command.process.kill("SIGHUP");
    const [first] = (await once(gate, "connection")) as [Socket];
    for (let count = 0; count < 3; count++) {
      command.process.kill("SIGHUP");
      // It has heard of that when it has answered.
      expect((await ctl(fixtures, "status")).stdout).toContain("reloading");
    }
    gate.on("connection", (socket) => void socket.end());
    first.end();
    await command.said("stdout", /reloaded: 1 worker of generation 3/);
    command.process.kill("SIGTERM");
    const { code, stdout, stderr } = await command.ended;
    gate.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/reloaded/g)).toHaveLength(2);
  });
});

describe("gateway, told SIGTERM", () => {
  it("does not wait for a reload whose new worker hangs while it starts up", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = start(fixtures, "--boot-timeout", "1h");
    await command.url();
    await writeFile(`${fixtures.directory}/app.mjs`, patient);
    command.process.kill("SIGHUP");
    await command.said("stdout", /it hangs/);
    command.process.kill("SIGTERM");
    const { code, stderr } = await command.ended;
    expect(code).toBe(0);
    expect(stderr).toBe("gateway: the reload was given up: the server is stopping; generation 1 serves on\n");
  });
});
