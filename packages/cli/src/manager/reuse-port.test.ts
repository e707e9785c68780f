import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "../testing/command.ts";
import { Load, loadedApplication, requestOnce, type Where } from "../testing/load.ts";
import { reusePortRuntime } from "../testing/reuse-port-runtime.ts";

const isLong = process.env["GATEWAY_LONG"] === "1";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** What the config file says; the address stays. */
async function configure(fixtures: Fixtures, settings: { readonly workers: number; readonly spread?: string }): Promise<void> {
  const config = { target: "./app.mjs", spread: "reuse-port", bind: "127.0.0.1:0", controlSocket: "off", ...settings };
  await writeFile(`${fixtures.directory}/gateway.config.json`, JSON.stringify(config));
}

async function start(fixtures: Fixtures, workers: number): Promise<{ readonly command: Command; readonly place: Place }> {
  await configure(fixtures, { workers });
  const command = Command.start([], fixtures.directory, reusePortRuntime === undefined ? {} : { runtime: reusePortRuntime });
  const place = { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
  await workersOf(place, workers);
  return { command, place };
}

/** The sockets that listen on the port, as the kernel names them. */
async function listening({ port }: Place): Promise<Set<string>> {
  const lines = (await readFile("/proc/net/tcp", "utf8")).trim().split("\n").slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const address = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return new Set(fields.filter(([, local = "", , state]) => local.endsWith(address) && state === "0A").map((all) => all[9] ?? ""));
}

/** Who answers, until there are so many; the system chooses one for each connection. */
async function workersOf(place: Where, count: number): Promise<Set<string>> {
  const pids = new Set<string>();
  await vi.waitUntil(async () => pids.add(await requestOnce(place, "/")).size === count, { timeout: 20_000, interval: 1 });
  return pids;
}

/** The same, only of those who are not among the old ones. */
async function successors(place: Where, count: number, old: ReadonlySet<string>): Promise<Set<string>> {
  const pids = new Set<string>();
  await vi.waitUntil(
    async () => {
      const pid = await requestOnce(place, "/");
      return old.has(pid) ? false : pids.add(pid).size === count;
    },
    { timeout: 20_000, interval: 1 },
  );
  return pids;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(reusePortRuntime === undefined)("gateway --spread reuse-port", () => {
  it("loses no connection in upgrades under load, to as many workers, fewer, and more", { timeout: 600_000 }, async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    const { command, place } = await start(fixtures, 3);
    await using _ended = command;
    const sockets = await listening(place);
    expect(sockets.size).toBe(3);
    const loads = [new Load(place, 10, "one for each request"), new Load(place, 5)];
    const all = async (count: number): Promise<void> => {
      await Promise.all(loads.map((load) => load.answered(load.count + count)));
    };
    await all(200);

    let parent = command.process.pid ?? 0;
    const rounds = isLong ? [3, 1, 4, 4, 2, 3, 1, 1, 5, 3] : [3, 1, 4];
    for (const [done, workers] of rounds.entries()) {
      await configure(fixtures, { workers });
      process.kill(parent, "SIGUSR2");
      const [, next = ""] = await command.said("stdout", new RegExp(`(?:process (\\d+) serves on the same[^]*){${done + 1}}`));
      await all(100);
      process.kill(parent, "SIGTERM");
      const old = parent;
      parent = Number(next);
      // Of the first one this process is the parent, and must bury it.
      await vi.waitUntil(() => (old === command.process.pid ? command.process.exitCode !== null : !isAlive(old)), 20_000);
      await all(300);
      const now = await listening(place);
      for (const socket of sockets) expect(now).toContain(socket);
      // None is reset, and none is added but for those who need one.
      expect(now.size).toBe(Math.max(sockets.size, workers));
      for (const socket of now) sockets.add(socket);
    }
    const results = await Promise.all(loads.map((load) => load.stop()));
    process.kill(parent, "SIGTERM");
    expect((await command.ended).stderr).toBe("");
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
  });

  it.each(["round-robin", "shared"])("hands all of its sockets to a parent that spreads by %s", async (spread) => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    const { command, place } = await start(fixtures, 3);
    await using _ended = command;
    const old = await workersOf(place, 3);
    const load = new Load(place, 5, "one for each request");
    await load.answered(100);
    await configure(fixtures, { workers: 2, spread });
    command.process.kill("SIGUSR2");
    const [, next = ""] = await command.said("stdout", /process (\d+) serves on the same sockets now/);
    command.process.kill("SIGTERM");
    await vi.waitUntil(() => command.process.exitCode !== null, 20_000);
    await load.answered(load.count + 300);
    await successors(place, 2, old);
    expect((await listening(place)).size).toBe(3);
    expect((await load.stop()).failures).toEqual([]);
    process.kill(Number(next), "SIGTERM");
    expect((await command.ended).stderr).toBe("");
  });

  it("serves whoever the system sends to the socket of a worker that is gone for good", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": loadedApplication });
    const { command, place } = await start(fixtures, 3);
    await using _ended = command;
    const load = new Load(place, 10, "one for each request");
    await load.answered(100);
    command.process.kill("SIGTTOU");
    await command.said("stdout", /2 workers from now on/);
    await load.answered(load.count + 300);
    // The same by a reload, and back again.
    await configure(fixtures, { workers: 1 });
    command.process.kill("SIGHUP");
    await command.said("stdout", /reloaded: 1 worker of generation 2/);
    await load.answered(load.count + 300);
    await configure(fixtures, { workers: 3 });
    command.process.kill("SIGHUP");
    await command.said("stdout", /reloaded: 3 workers of generation 3/);
    await load.answered(load.count + 300);
    expect((await load.stop()).failures).toEqual([]);
    expect((await listening(place)).size).toBe(3);
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });
});
