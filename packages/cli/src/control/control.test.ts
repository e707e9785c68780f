import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Companion } from "../manager/manager.ts";
import { StartError } from "../start-error.ts";
import { FakeManager } from "../testing/fake-manager.ts";
import { ask } from "./ask.ts";
import { defaultControlPath } from "./control-path.ts";
import { controlSocket, type ControlSocketOptions } from "./control-socket.ts";
import { ctl, parseCtl } from "./ctl.ts";
import type { StatusReport } from "./protocol.ts";

let folder: string;
let path: string;
let manager: FakeManager;
const started: Companion[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "gateway-ctl-")));
  path = join(folder, "app.ctl");
  manager = new FakeManager();
});
afterEach(async () => {
  for (const companion of started.splice(0)) await companion.stop();
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<ControlSocketOptions> = {}): Promise<Companion> {
  const companion = controlSocket({ path, ...options });
  started.push(companion);
  await companion.start(manager);
  return companion;
}

interface Outcome {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

async function run(...args: string[]): Promise<Outcome> {
  let output = "";
  let errors = "";
  const environment = { GATEWAY_CONTROL_SOCKET: path };
  const world = {
    directory: folder,
    environment,
    print: (text: string) => (output += text),
    complain: (text: string) => (errors += text),
  };
  return { status: await ctl(args, world), output, errors };
}

/** What a client of its own gets for what it sends, until the other side ends. */
async function talk(text: string): Promise<unknown[]> {
  const socket = connect(path);
  socket.end(text);
  let held = "";
  for await (const chunk of socket) held += String(chunk);
  return held
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

describe("ctl", () => {
  it("shows how everything is", async () => {
    manager.change({
      startedAt: Date.now() - 93_784_000,
      lastReload: { ok: false, generation: 1, message: "cannot\x1b load", detail: "stack" },
    });
    await start();
    const { status, output } = await run("status");
    expect(status).toBe(0);
    expect(output.replaceAll(/up \w+ \w+/g, "up")).toMatch(
      /^gateway {6}0\.1\.0, process 4700, up\nstate {8}serving, ready\napplication {2}app\.js, generation 1\n/,
    );
    expect(output).toContain("up 1d 2h");
    expect(output).toContain("workers      2 of 2 ready, 0 connections waiting\nreplaced     2 crash, 1 reload\n");
    expect(output).toContain("reloads      3, of which 1 failed; the last: cannot\\x1b load\n");
    const lines = output.split("\n");
    const head = lines.findIndex((line) => line.startsWith("worker "));
    expect(lines[head]).toBe(
      "worker   pid  state  gen         up  requests  in flight  connections  memory  busy  delay".replace(
        "        up",
        lines[head]?.match(/ +up(?= )/)?.[0].slice(1) ?? "",
      ),
    );
    expect(lines[head + 1]).toMatch(/^ {5}0 {2}4711 {2}ready {4}1 .* 12 {10}1 {12}3 {2}48 MiB {2}25 % {3}1 ms$/);
  });

  it("gives the same as JSON, and nothing of the settings", async () => {
    await start();
    const { output } = await run("status", "--json");
    const report = JSON.parse(output) as StatusReport;
    expect(report).toMatchObject({
      pid: 4700,
      target: "app.js",
      state: "serving",
      ready: true,
      restarts: { crash: 2 },
      lastReload: null,
    });
    expect(report.workers).toMatchObject([{ index: 0, pid: 4711, memoryBytes: 50_000_000 }, { index: 1 }]);
    expect(output).not.toContain("settings");
  });

  it("reloads", async () => {
    await start();
    expect(await run("reload")).toEqual({ status: 0, output: "2 workers run generation 2\n", errors: "" });
    expect(manager.calls).toEqual(["reload"]);
  });

  it("says why a reload failed, with exit status 1", async () => {
    manager.reloaded = {
      ok: false,
      generation: 1,
      message: "app.js failed while it was loaded",
      detail: "SyntaxError: x\n    at app.js:3\n",
    };
    await start();
    expect(await run("reload")).toEqual({
      status: 1,
      output: "",
      errors: "gateway: reload failed: app.js failed while it was loaded\nSyntaxError: x\n    at app.js:3\n",
    });
    const { status, output } = await run("reload", "--json");
    expect([status, JSON.parse(output)]).toMatchObject([1, { ok: false, message: "app.js failed while it was loaded" }]);
  });

  it.each([
    [["workers", "4"], "workers 4", "4 workers now, 2 before\n"],
    [["workers", "1"], "workers 1", "1 worker now, 2 before\n"],
    [["workers", "2"], "workers 2", "2 workers already\n"],
    [["reopen"], "reopen", "the log files are opened again\n"],
    [["upgrade"], "upgrade and replace", "4800 serves now\n"],
    [["upgrade", "--keep"], "upgrade", "4800 serves now\n"],
    [["stop"], "stop", "stops: requests under way may finish\n"],
    [["stop", "--quick"], "quit", "stops at once\n"],
  ])("does %j", async (args, call, output) => {
    await start();
    expect(await run(...args)).toEqual({ status: 0, output, errors: "" });
    expect(manager.calls).toEqual([call]);
  });

  it("fails with what the manager refuses", async () => {
    await start();
    manager.setWorkers = () => {
      throw new RangeError("at most 64 workers");
    };
    manager.upgraded = { ok: false, pid: undefined, message: "the new parent did not get ready" };
    expect(await run("workers", "99")).toEqual({ status: 1, output: "", errors: "gateway: workers failed: at most 64 workers\n" });
    expect(await run("upgrade")).toMatchObject({
      status: 1,
      errors: "gateway: upgrade failed: the new parent did not get ready\n",
    });
  });

  it("has one clear line when nobody answers", async () => {
    const nobody = `no gateway answers here: is it running, and was it started in this folder? If not, name its socket with --control-socket (${path})`;
    await expect(run("status")).rejects.toThrow(new StartError(nobody));
    await leaveStale();
    await expect(run("status")).rejects.toThrow(new StartError(nobody));
    writeFileSync(`${path}.txt`, "");
    await expect(run("status", "--control-socket", `${path}.txt`)).rejects.toThrow(StartError);
  });

  it("notices a gateway that ends before it answers, and one that is none", async () => {
    const server = createServer((socket) => socket.once("data", () => socket.destroy())).listen(path);
    await once(server, "listening");
    await expect(run("reload")).rejects.toThrow(`the gateway ended before it answered (${path})`);
    server.removeAllListeners("connection").on("connection", (socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await expect(run("reload")).rejects.toThrow("that is no gateway that answers there");
    await new Promise((resolve) => server.close(resolve));
  });

  it.each(["", "auto", undefined])("finds the socket of its folder by itself (%j)", async (given) => {
    const environment = { XDG_RUNTIME_DIR: folder, ...(given !== undefined && { GATEWAY_CONTROL_SOCKET: given }) };
    chmodSync(folder, 0o700);
    await start({ path: defaultControlPath({ directory: folder, environment, make: true }) });
    let output = "";
    const world = { directory: folder, environment, print: (text: string) => (output += text), complain: () => {} };
    expect(await ctl(["reopen"], world)).toBe(0);
    expect(output).toBe("the log files are opened again\n");
    expect(await ctl(["reopen", "--control-socket", "auto"], world)).toBe(0);
  });

  it("shows its help without asking anybody", async () => {
    expect(await run("--help")).toMatchObject({
      status: 0,
      output: expect.stringContaining("gateway ctl [options] COMMAND") as string,
    });
  });
});

describe("parseCtl", () => {
  it.each([
    [[], "no command is named: gateway ctl status (see gateway ctl --help)"],
    [["restart"], 'there is no command "restart" (see gateway ctl --help)'],
    [["workers"], "workers takes a whole number from 1 to 1024: gateway ctl workers 4"],
    [["workers", "0"], 'workers is "0", which is not a whole number from 1 to 1024: gateway ctl workers 4'],
    [["workers", "1e3"], 'workers is "1e3", which is not a whole number from 1 to 1024'],
    [["workers", "9999"], 'workers is "9999", which is not a whole number from 1 to 1024'],
    [["workers", "2", "3"], '"3" is too much'],
    [["status", "now"], '"now" is too much'],
    [["reload", "--quick"], "--quick is for stop"],
    [["stop", "--keep"], "--keep is for upgrade"],
    [["status", "--nonsense"], "Unknown option '--nonsense'"],
    [["status", "--control-socket"], "(see gateway ctl --help)"],
    [["status", "--control-socket="], "--control-socket needs a path"],
  ])("refuses %j in one line", (args, message) => {
    expect(() => parseCtl(args)).toThrow(StartError);
    expect(() => parseCtl(args)).toThrow(message);
  });
});

/** What a gateway leaves that was killed. */
async function leaveStale(): Promise<void> {
  const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", code], { stdio: "ignore" }), "close");
  expect(lstatSync(path).isSocket()).toBe(true);
}

describe("controlSocket", () => {
  it("is for its user alone, or for whom the mode says", async () => {
    const companion = await start();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await companion.stop();
    expect(readdirSync(folder)).toEqual([]);
    const umask = process.umask();
    await start({ mode: 0o660 });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(process.umask()).toBe(umask);
    expect(readdirSync(folder)).toEqual(["app.ctl"]);
  });

  it.runIf(process.getuid?.() === 0)("refuses other users", async () => {
    await start();
    chmodSync(folder, 0o755);
    const code = `require("node:net").connect(${JSON.stringify(path)}).on("error", (error) => console.log(error.code)).on("connect", () => console.log("connected"))`;
    const other = spawn(process.execPath, ["-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
      uid: 65_534,
      gid: 65_534,
      cwd: "/",
    });
    let said = "";
    for await (const chunk of other.stdout) said += String(chunk);
    expect(said).toBe("EACCES\n");
  });

  it("replaces a socket that nobody answers on", async () => {
    await leaveStale();
    await start();
    expect((await run("status")).status).toBe(0);
  });

  it("leaves one alone where somebody answers, and what is no socket", async () => {
    await start();
    const other = controlSocket({ path });
    await expect(other.start(manager)).rejects.toThrow(
      `the control socket ${path} is in use: another gateway answers there; name another with --control-socket`,
    );
    await other.stop();
    expect((await run("status")).status).toBe(0);
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    await expect(controlSocket({ path: file }).start(manager)).rejects.toThrow("is there already, and no socket");
    const link = join(folder, "link");
    symlinkSync(file, link);
    await expect(controlSocket({ path: link }).start(manager)).rejects.toThrow("is there already, and no socket");
    expect(existsSync(file)).toBe(true);
  });

  it("lets one of two have the path that start at the same time", async () => {
    const both = [controlSocket({ path }), controlSocket({ path })];
    started.push(...both);
    // The same process has one temporary name, so the second waits for its turn.
    const outcomes = [];
    for (const companion of both) outcomes.push(...(await Promise.allSettled([companion.start(manager)])));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((await run("status")).status).toBe(0);
  });

  it("hands the path over to the parent of an upgrade, which keeps it when the old one ends", async () => {
    const old = await start();
    manager = new FakeManager();
    manager.change({ pid: 4801 });
    await start({ takeOver: true });
    await old.stop();
    expect((JSON.parse((await run("status", "--json")).output) as StatusReport).pid).toBe(4801);
  });

  it("leaves what has taken its place", async () => {
    const companion = await start();
    renameSync(path, `${path}.old`);
    writeFileSync(path, "other");
    await companion.stop();
    expect(existsSync(path)).toBe(true);
  });

  it("says in one line what keeps it from listening", async () => {
    await expect(controlSocket({ path: join(folder, "missing", "x.ctl") }).start(manager)).rejects.toThrow(
      /^cannot make the control socket .*: E[A-Z]+$/,
    );
    await expect(controlSocket({ path: join(folder, "x".repeat(120)) }).start(manager)).rejects.toThrow(
      "the path of the control socket is too long",
    );
  });

  it("is not asked on a path that the system would cut", async () => {
    await expect(ask(`/${"x".repeat(200)}`, { command: "status" })).rejects.toThrow(
      "the path of the control socket is too long: /xxx",
    );
  });

  it("answers several lines in order, of clients that have said all they want to", async () => {
    await start();
    const requests = [{ command: "workers", count: 3 }, { command: "reopen" }, { command: "status" }];
    const answers = await talk(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
    expect(answers).toMatchObject([
      { ok: true, message: "3 workers now, 2 before" },
      { ok: true },
      { ok: true, status: { wanted: 3 } },
    ]);
    expect(manager.calls).toEqual(["workers 3", "reopen"]);
  });

  it.each([
    ["no json\n", "that is no JSON"],
    ["null\n", "there is no such command"],
    ['{"command":"eval"}\n', "there is no such command"],
    ['{"command":"__proto__"}\n', "there is no such command"],
    ['{"command":"workers","count":"4"}\n', "workers takes a whole number from 1 to 1024"],
    ['{"command":"workers","count":-1}\n', "workers is -1, which is not a whole number from 1 to 1024"],
    ['{"command":"workers","count":9999}\n', "workers is 9999, which is not a whole number from 1 to 1024"],
    ["x".repeat(5000), "a request has at most 4096 characters"],
  ])("refuses %j", async (text, message) => {
    await start();
    expect(await talk(text)).toEqual([{ ok: false, message }]);
    expect(manager.calls).toEqual([]);
  });

  it("lets silent clients go, and takes no more than it can serve", async () => {
    await start({ silentMilliseconds: 20 });
    const sockets = Array.from({ length: 40 }, () => connect(path));
    await Promise.all(
      sockets.map((socket) =>
        once(
          socket.resume().on("error", () => {}),
          "close",
        ),
      ),
    );
    expect((await run("status")).status).toBe(0);
  });

  it("can be spoken to without this program", async () => {
    await start();
    const program = spawnSync("python3", ["--version"]).status === 0;
    expect(program).toBe(true);
    const code = `import socket,sys
s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);s.sendall(b'{"command":"reopen"}\\n');print(s.makefile().readline(),end="")`;
    const python = spawn("python3", ["-c", code, path], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    for await (const chunk of python.stdout) said += String(chunk);
    expect(said).toBe('{"ok":true,"message":"the log files are opened again"}\n');
  });
});
