import { readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "../testing/command.ts";
import { hasReusePort } from "./native-handle.ts";
import { Load, loadedApplication, requestOnce } from "../testing/load.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

async function placeOf(command: Command): Promise<Place> {
  return { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
}

/** The processes of the workers, one answer each in turn. */
async function workerPids(place: Place, count: number): Promise<Set<number>> {
  const pids = new Set<number>();
  await vi.waitUntil(async () => {
    pids.add(Number(await requestOnce(place, "/")));
    return pids.size === count;
  }, 20_000);
  return pids;
}

async function start(args: readonly string[], fixtures: Fixtures): Promise<Command> {
  return Command.start(
    ["-b", "127.0.0.1:0", "--control-socket", `${fixtures.directory}/ctl`, ...args, "app.mjs"],
    fixtures.directory,
  );
}

/** `gateway ctl`, at this site. */
async function ctl(fixtures: Fixtures, ...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return Command.run(["ctl", "--control-socket", `${fixtures.directory}/ctl`, ...words], fixtures.directory);
}

/** Great counts: `GATEWAY_LONG=1` runs them in full, 20 reloads and 100,000 requests. */
const isLong = process.env["GATEWAY_LONG"] === "1";

describe("gateway with workers, under load", () => {
  it("reloads without losing a request", { timeout: isLong ? 900_000 : 60_000 }, async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2"], fixtures);
    const load = new Load(await placeOf(command), isLong ? 30 : 10);
    const reloads = isLong ? 20 : 5;
    for (let generation = 2; generation <= reloads + 1; generation++) {
      await load.answered(load.count + (isLong ? 5000 : 200));
      command.process.kill("SIGHUP");
      await command.said("stdout", new RegExp(`reloaded: 2 workers of generation ${generation}`));
    }
    await load.answered(load.count + 200);
    const { failures, byWorker, answered } = await load.stop();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(isLong ? 100_000 : 1200);
    // Two new ones each time; of those that lived short some may have had no request.
    expect(byWorker.size).toBeGreaterThan(reloads);
    expect(command.stderr).toBe("");
  });

  it("stops without losing a request", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2"], fixtures);
    const load = new Load(await placeOf(command), 10);
    await load.answered(500);
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
    const { failures } = await load.stop();
    expect(failures.filter((failure) => !failure.includes("ECONNREFUSED"))).toEqual([]);
  });

  it("replaces a worker that was killed: only what it was serving fails", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2"], fixtures);
    const place = await placeOf(command);
    const [victim = 0, other = 0] = await workerPids(place, 2);
    const load = new Load(place, 10);
    await load.answered(300);
    process.kill(victim, "SIGKILL");
    await command.said("stderr", /worker \d+ ended unexpectedly: signal SIGKILL/);
    await load.answered(load.count + 500);
    const { failures, byWorker } = await load.stop();
    for (const failure of failures) expect(failure).toMatch(new RegExp(`closed by (${victim}|nobody known) |ECONNRESET`));
    // Each client has one connection.
    expect(failures.length).toBeLessThanOrEqual(10);
    expect(byWorker.get(String(other))).toBeGreaterThan(100);
    const now = await workerPids(place, 2);
    expect(now).toContain(other);
    expect(now).not.toContain(victim);
  });

  it.each(["TCP", "a Unix socket"])(
    "hands over to a new parent on %s, which keeps the sockets when the old one stops",
    async (kind) => {
      await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
      const path = `${fixtures.directory}/app.sock`;
      const bind = kind === "TCP" ? "127.0.0.1:0" : `unix:${path}`;
      const pidFile = `${fixtures.directory}/gateway.pid`;
      await using command = Command.start(
        ["-w", "2", "-b", bind, "--pid-file", pidFile, "--no-control-socket", "app.mjs"],
        fixtures.directory,
      );
      await command.said("stdout", /listening on/);
      const load = new Load(kind === "TCP" ? await placeOf(command) : { path }, 10);
      await load.answered(200);

      command.process.kill("SIGUSR2");
      const [, next = ""] = await command.said("stdout", /process (\d+) serves on the same sockets now/);
      expect(await readFile(pidFile, "utf8")).toBe(`${command.process.pid}\n`);
      expect(await readFile(`${pidFile}.2`, "utf8")).toBe(`${next}\n`);
      await load.answered(load.count + 200);
      command.process.kill("SIGTERM");
      await vi.waitUntil(async () => (await readFile(pidFile, "utf8").catch(() => "")) === `${next}\n`, 10_000);
      expect(command.process.exitCode ?? 0).toBe(0);
      await load.answered(load.count + 500);
      const { failures } = await load.stop();
      process.kill(Number(next), "SIGTERM");
      // The pipes are the new parent's, too: they close when it has ended.
      expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
      expect(failures).toEqual([]);
      await expect(stat(path)).rejects.toThrow("ENOENT");
      await expect(stat(pidFile)).rejects.toThrow("ENOENT");
    },
  );
});

describe("gateway, when the new code is broken", () => {
  it.each([
    ["a syntax error", "export default = 1;", /app\.mjs failed while it was loaded/],
    [
      "a startup that throws",
      `export const startup = () => { throw new Error("no database"); };\n${loadedApplication}`,
      /startup\(\) of app\.mjs failed[^]*Error: no database/,
    ],
    [
      "a startup that hangs",
      `export const startup = () => new Promise(() => {});\n${loadedApplication}`,
      /startup\(\) of the application did not finish within --boot-timeout \(5s\)/,
    ],
    [
      "a startup that blocks",
      `export const startup = () => { for (;;); };\n${loadedApplication}`,
      /startup\(\) of the application did not finish within --boot-timeout \(5s\)/,
    ],
    [
      "a process that ends",
      "process.exit(3);",
      /the worker ended before it was ready: exit status 3: the application called process\.exit\(3\)/,
    ],
    ["no file", undefined, /there is no module app\.mjs/],
  ])("keeps the old code for %s, and says why", async (_what, code, why) => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2", "--boot-timeout", "5s"], fixtures);
    const place = await placeOf(command);
    const pids = await workerPids(place, 2);
    const file = `${fixtures.directory}/app.mjs`;
    if (code === undefined) await rm(file);
    else await writeFile(file, code);

    const answer = await ctl(fixtures, "reload");
    expect(answer.code).toBe(1);
    expect(answer.stderr).toMatch(why);
    expect(command.stderr).toMatch(why);
    expect(await workerPids(place, 2)).toEqual(pids);

    await writeFile(file, loadedApplication);
    expect(await ctl(fixtures, "reload")).toMatchObject({ code: 0 });
    expect([...(await workerPids(place, 2))].some((pid) => pids.has(pid))).toBe(false);
  });
});

describe("gateway with a blocked worker", () => {
  it("says what blocks it and what it was asked, and replaces it while the others serve", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2", "--timeout", "1s"], fixtures);
    const place = await placeOf(command);
    const pids = await workerPids(place, 2);
    const blocked = requestOnce(place, "/block?token=secret").catch(String);
    const served = requestOnce(place, "/");
    await command.said(
      "stderr",
      /the loop of worker \d+ has been blocked for 1 seconds:\n[^]*at .*app\.mjs:\d+:\d+[^]*GET \/block for \d/,
    );
    expect(pids).toContain(Number(await served));
    expect(await blocked).toMatch(/Error/);
    await command.said("stderr", /worker \d+ gave no sign of life for 1 seconds: it is replaced/);
    await vi.waitUntil(async () => !pids.has(Number(await requestOnce(place, "/"))), 20_000);
    expect(command.stderr).not.toContain("secret");
  });
});

describe("gateway ctl workers", () => {
  it("refuses more than there may be, and starts those that are wanted", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start([], fixtures);
    const place = await placeOf(command);
    expect(await ctl(fixtures, "workers", "9999")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'gateway: workers is "9999", which is not a whole number from 1 to 1024: gateway ctl workers 4\n',
    });
    // More than boot at the same time.
    expect(await ctl(fixtures, "workers", "5")).toMatchObject({ code: 0, stdout: "5 workers now, 1 before\n" });
    await workerPids(place, 5);
    expect(await ctl(fixtures, "workers", "1")).toMatchObject({ code: 0, stdout: "1 worker now, 5 before\n" });
    await workerPids(place, 1);
  });
});

describe("gateway, told what to do by signals", () => {
  it("starts one worker more for TTIN, and ends one for TTOU, but not the last", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start([], fixtures);
    const place = await placeOf(command);
    command.process.kill("SIGTTIN");
    await workerPids(place, 2);
    command.process.kill("SIGTTOU");
    await command.said("stdout", /1 worker from now on/);
    const [first] = await workerPids(place, 1);
    command.process.kill("SIGTTOU");
    expect(await requestOnce(place, "/")).toBe(String(first));
  });

  it("ends the workers only for WINCH, keeps connections waiting, and serves them after a reload", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start([], fixtures);
    const place = await placeOf(command);
    command.process.kill("SIGWINCH");
    await command.said("stdout", /the workers stop/);
    await vi.waitUntil(async () => (await ctl(fixtures, "status", "--json")).stdout.includes('"workers":[]'), 20_000);
    const waiting = requestOnce(place, "/");
    command.process.kill("SIGHUP");
    expect(Number(await waiting)).toBeGreaterThan(0);
  });

  it("quits at the second SIGINT, with 130, and at SIGQUIT", async () => {
    await using fixtures = await Fixtures.make({
      "app.mjs": loadedApplication.replace("/block", "/wait").replace("for (;;);", "await new Promise(() => {});"),
    });
    for (const [signal, status] of [
      ["SIGINT", 130],
      ["SIGQUIT", 131],
    ] as const) {
      await using command = await start([], fixtures);
      const place = await placeOf(command);
      const hanging = requestOnce(place, "/wait").catch(String);
      await vi.waitUntil(async () => (await ctl(fixtures, "status", "--json")).stdout.includes('"inFlight":1'), 20_000);
      // The echo of the first one does not count: it is sent until it does.
      const again = setInterval(() => command.process.kill(signal), 100);
      expect(await command.ended).toMatchObject({ code: status });
      clearInterval(again);
      expect(await hanging).toMatch(/Error/);
    }
  });

  it("goes on accepting for the drain delay, and says that it is not ready", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["--drain-delay", "1s"], fixtures);
    const place = await placeOf(command);
    command.process.kill("SIGTERM");
    await command.said("stdout", /stopping/);
    expect(Number(await requestOnce(place, "/"))).toBeGreaterThan(0);
    expect((await ctl(fixtures, "status", "--json")).stdout).toMatch(/"ready":false/);
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("reopens its logs for USR1", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    const log = `${fixtures.directory}/access.log`;
    await using command = await start(["--access-log", log], fixtures);
    const place = await placeOf(command);
    await requestOnce(place, "/one");
    await vi.waitUntil(async () => (await readFile(log, "utf8").catch(() => "")).includes("/one"), 10_000);
    await rm(log);
    command.process.kill("SIGUSR1");
    await vi.waitUntil(async () => {
      await requestOnce(place, "/two");
      return (await readFile(log, "utf8").catch(() => "")).includes("/two");
    }, 10_000);
  });
});

describe("gateway with workers", () => {
  it("awaits startup before the first request and shutdown after the last, in each worker", async () => {
    const app = `let started = "no";
      export const startup = async () => { await new Promise((resolve) => setTimeout(resolve, 20)); started = "yes"; };
      export const shutdown = async () => { await new Promise((resolve) => setTimeout(resolve, 20)); console.log("shut down"); };
      export default (environ, startResponse) => { startResponse("200 OK", []); return [Buffer.from(started)]; };`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await using command = await start(["-w", "2"], fixtures);
    const place = await placeOf(command);
    expect(await Promise.all([1, 2, 3, 4].map(() => requestOnce(place, "/")))).toEqual(["yes", "yes", "yes", "yes"]);
    await vi.waitUntil(async () => (await ctl(fixtures, "status")).stdout.includes("2 of 2 ready"), 20_000);
    command.process.kill("SIGTERM");
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout.match(/shut down/g)).toHaveLength(2);
  });

  it("replaces a worker after so many requests, and one that uses too much memory", async () => {
    const app = `let held;
      export default (environ, startResponse) => {
        if (environ.PATH_INFO === "/hold") held = Buffer.alloc(300_000_000, 1);
        startResponse("200 OK", []); return [Buffer.from(String(process.pid))]; };`;
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await using command = await start(["--max-requests", "5", "--max-memory", "250MB"], fixtures);
    const place = await placeOf(command);
    const first = await requestOnce(place, "/");
    await vi.waitUntil(async () => (await requestOnce(place, "/")) !== first, 20_000);
    const second = await requestOnce(place, "/hold");
    await command.said("stderr", /worker \d+ uses \d+ MB: it is replaced/);
    await vi.waitUntil(async () => (await requestOnce(place, "/")) !== second, 20_000);
    expect((await ctl(fixtures, "status")).stdout).toMatch(/replaced .*1 max-requests, 1 max-memory|replaced .*max-memory/);
  });

  it("follows the link that led to the application, to where it leads when it reloads", async () => {
    const says = (what: string): string =>
      `export default (environ, startResponse) => { startResponse("200 OK", []); return [Buffer.from("${what}")]; };`;
    await using fixtures = await Fixtures.make({ "1/app.mjs": says("one"), "2/app.mjs": says("two") });
    const current = `${fixtures.directory}/current`;
    await symlink("1", current);
    await using command = Command.start(["-b", "127.0.0.1:0", "--no-control-socket", "app.mjs"], current, {
      environment: { PWD: current },
    });
    const place = await placeOf(command);
    expect(await requestOnce(place, "/")).toBe("one");
    await rm(current);
    await symlink("2", current);
    command.process.kill("SIGHUP");
    await command.said("stdout", /reloaded/);
    expect(await requestOnce(place, "/")).toBe("two");
  });

  it("ends the workers when the parent is killed", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2"], fixtures);
    await workerPids(await placeOf(command), 2);
    command.process.kill("SIGKILL");
    // The pipes are the workers', too: they close when they have ended.
    await command.ended;
  });

  it("spreads connections in turn, and gives a blocked worker no more than one", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2", "--timeout", "3s"], fixtures);
    const place = await placeOf(command);
    const [one, two] = await workerPids(place, 2);
    const answers: string[] = [];
    for (let i = 0; i < 20; i++) answers.push(await requestOnce(place, "/"));
    expect(answers.filter((pid) => pid === String(one))).toHaveLength(10);
    expect(answers.filter((pid) => pid === String(two))).toHaveLength(10);

    let isOver = false;
    const blocked = requestOnce(place, "/block")
      .catch(String)
      .finally(() => (isOver = true));
    await command.said("stderr", /it blocks/);
    // One may wait in its channel, and is handed to another when it has been killed; all others are served meanwhile.
    const meanwhile = await Promise.all(Array.from({ length: 8 }, () => requestOnce(place, "/").then(() => !isOver)));
    expect(meanwhile.filter(Boolean).length).toBeGreaterThanOrEqual(7);
    await blocked;
  });

  it("serves with --spread shared, and reloads", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    await using command = await start(["-w", "2", "--spread", "shared"], fixtures);
    const load = new Load(await placeOf(command), 10);
    await load.answered(200);
    command.process.kill("SIGHUP");
    await command.said("stdout", /reloaded: 2 workers/);
    await load.answered(load.count + 200);
    expect((await load.stop()).failures).toEqual([]);
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("serves with --spread reuse-port, or refuses it in one line where the runtime has no such sockets", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    if (hasReusePort()) {
      await using command = await start(["-w", "2", "--spread", "reuse-port"], fixtures);
      const load = new Load(await placeOf(command), 10);
      await load.answered(200);
      command.process.kill("SIGHUP");
      await command.said("stdout", /reloaded: 2 workers/);
      await load.answered(load.count + 200);
      expect((await load.stop()).failures).toEqual([]);
      return;
    }
    const { code, stderr } = await Command.run(["-b", "127.0.0.1:0", "--spread", "reuse-port", "app.mjs"], fixtures.directory);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^gateway: --spread reuse-port needs Linux and Node\.js 22\.12 or newer, this is \S+ on \S+: use round-robin\n$/,
    );
  });

  it("leaves a Unix socket that answers, replaces one that nobody answers on, and gives it its mode", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    const path = `${fixtures.directory}/app.sock`;
    const args = ["-b", "unix:app.sock", "--unix-mode", "660", "--no-control-socket", "app.mjs"];
    await using first = Command.start(args, fixtures.directory);
    await first.said("stdout", /listening on unix:/);
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe("660");
    expect(await Command.run(args, fixtures.directory)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("EADDRINUSE") as unknown,
    });
    first.process.kill("SIGKILL");
    await first.ended;
    await using second = Command.start(args, fixtures.directory);
    await second.said("stdout", /listening on unix:/);
    const socket = connect(path);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
  });
});
