import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

/** Says what is done to it. A stream goes on until it is to be drained. */
const app = `import { writeSync } from "node:fs";
const say = (what) => writeSync(1, what + " " + process.pid + "\\n");
let resolve;
const drained = new Promise((done) => (resolve = done));
export const drain = () => { say("drain"); resolve(); };
export const shutdown = () => say("shutdown");
async function* events() {
  yield Buffer.from("first, ");
  await drained;
  yield Buffer.from("last");
}
export default (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return environ.PATH_INFO === "/events" ? events() : [Buffer.from(String(process.pid))];
};`;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** The site, with both of its workers ready. */
async function start(fixtures: Fixtures, ...args: readonly string[]): Promise<{ command: Command; place: Place; pids: string[] }> {
  const control = ["--control-socket", `${fixtures.directory}/ctl`];
  const command = Command.start(["-w", "2", "-b", "127.0.0.1:0", ...control, ...args, "app.mjs"], fixtures.directory);
  const place = { host: "127.0.0.1", port: Number(new URL(await command.url()).port) };
  const pids = new Set<string>();
  await vi.waitUntil(async () => pids.add(await requestOnce(place, "/")).size === 2, 20_000);
  return { command, place, pids: [...pids].toSorted() };
}

/** The processes that said it, in their order. */
function whoSaid({ stdout }: { readonly stdout: string }, what: string): string[] {
  return [...stdout.matchAll(new RegExp(`^${what} (\\d+)$`, "gm"))].map(([, pid = ""]) => pid).toSorted();
}

/** Begins to read an endless answer; resolves with its first piece, and a promise of the rest. */
async function stream(place: Place): Promise<{ readonly rest: Promise<string> }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get({ ...place, path: "/events", agent: false }, resolve).on("error", reject),
  );
  await new Promise((resolve) => response.once("readable", resolve));
  return { rest: text(response) };
}

describe("drain", () => {
  it("is called when the drain delay begins, in which connections are still accepted", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const { command: started, place, pids } = await start(fixtures, "--drain-delay", "1h");
    await using command = started;
    const { rest } = await stream(place);
    command.process.kill("SIGTERM");
    await command.said("stdout", /(?:drain \d+[^]*){2}/);
    expect(pids).toContain(await requestOnce(place, "/"));
    expect(await rest).toBe("first, last");
    command.process.kill("SIGQUIT");
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 131, stderr: "" });
    expect(whoSaid(ended, "drain")).toEqual(pids);
  });

  it.each(["0", "100ms"])("is called once in each worker before shutdown, with a drain delay of %s", async (delay) => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const { command: started, pids } = await start(fixtures, "--drain-delay", delay);
    await using command = started;
    command.process.kill("SIGTERM");
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(whoSaid(ended, "drain")).toEqual(pids);
    expect(whoSaid(ended, "shutdown")).toEqual(pids);
    for (const pid of pids) expect(ended.stdout).toMatch(new RegExp(`drain ${pid}\n[^]*shutdown ${pid}\n`));
  });

  it("is called once in each worker that a reload replaces, so that streams end", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const { command: started, place, pids } = await start(fixtures);
    await using command = started;
    const { rest } = await stream(place);
    command.process.kill("SIGHUP");
    await command.said("stdout", /reloaded: 2 workers/);
    await command.said("stdout", /(?:shutdown \d+[^]*){2}/);
    expect(await rest).toBe("first, last");
    expect(whoSaid(command, "drain")).toEqual(pids);
    command.process.kill("SIGTERM");
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const drained = whoSaid(ended, "drain");
    expect(drained).toHaveLength(4);
    expect(new Set(drained).size).toBe(4);
  });

  it("stops nothing when it fails", async () => {
    await using fixtures = await Fixtures.make({
      "app.mjs": app.replace('say("drain"); resolve();', 'say("drain"); throw new Error("no mood");'),
    });
    const { command: started, pids } = await start(fixtures);
    await using command = started;
    command.process.kill("SIGTERM");
    const ended = await command.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(/gateway: drain\(\) of app\.mjs failed\nError: no mood/g)).toHaveLength(2);
    expect(whoSaid(ended, "shutdown")).toEqual(pids);
  });
});
