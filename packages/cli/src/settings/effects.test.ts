import { spawnSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

// What settings do to the real command that no other test sees.

/** Says what its process is. */
const facts = `import { writeFileSync } from "node:fs";
export default (environ, startResponse) => {
  const { execArgv, env } = process;
  writeFileSync("made", "");
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  return [Buffer.from(JSON.stringify({ cwd: process.cwd(), execArgv, greeting: env.GREETING, gid: process.getgid(), groups: process.getgroups() }))];
};`;

const isRoot = process.getuid?.() === 0;
const hasSs = spawnSync("ss", ["-V"]).status === 0;

async function started(args: readonly string[], fixtures: Fixtures, target = "app.mjs"): Promise<Command> {
  const command = Command.start([...args, target], fixtures.directory);
  await command.said("stdout", /listening on/);
  return command;
}

/** Sends it, and gives all that comes back. */
function talk(port: number, request: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.end(request);
  return text(socket);
}

const portOf = async (command: Command): Promise<number> => Number(new URL(await command.url()).port);

describe("settings of the process", () => {
  it("reach the workers: chdir, env, nodeOptions, umask", async () => {
    await using fixtures = await Fixtures.make({ "site/app.mjs": facts });
    const args = ["--chdir", "site", "-e", "GREETING=hello there", "--node-option=--stack-size=900", "--umask", "027"];
    await using command = await started(["-b", "127.0.0.1:0", ...args], fixtures);
    const body = await requestOnce({ host: "127.0.0.1", port: await portOf(command) }, "/");
    const cwd = `${fixtures.directory}/site`;
    expect(JSON.parse(body)).toMatchObject({ cwd, greeting: "hello there" });
    expect((JSON.parse(body) as { execArgv: string[] }).execArgv).toContain("--stack-size=900");
    expect((await stat(`${cwd}/made`)).mode & 0o777).toBe(0o640);
  });

  it.skipIf(!isRoot)("give the workers a group, and the sockets an owner", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": facts });
    const args = ["-b", "unix:app.sock", "--unix-owner", "65534:65533", "--unix-mode", "606", "--group", "65532"];
    const control = ["--control-socket", "ctl", "--control-socket-mode", "640"];
    await using command = await started([...args, ...control, "--umask", "0"], fixtures);
    const path = `${fixtures.directory}/app.sock`;
    const { uid, gid, mode } = await stat(path);
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 65_534, gid: 65_533, mode: 0o606 });
    expect((await stat(`${fixtures.directory}/ctl`)).mode & 0o777).toBe(0o640);
    expect(JSON.parse(await requestOnce({ path }, "/"))).toMatchObject({ gid: 65_532, groups: [65_532] });
    expect(command.stderr).toBe("");
  });

  it("replaces workers at times of their own with maxRequestsJitter", async () => {
    // Chance is the greatest there is: the last of 1 and 3 more.
    const app = hello.replace('"Hello from " + environ.PATH_INFO + "\\n"', "String(process.pid)");
    await using fixtures = await Fixtures.make({ "first.mjs": "Math.random = () => 0.999;", "app.mjs": app });
    const args = ["--max-requests", "1", "--max-requests-jitter", "3", `--node-option=--import=${fixtures.directory}/first.mjs`];
    await using command = await started(["-b", "127.0.0.1:0", ...args], fixtures);
    const place = { host: "127.0.0.1", port: await portOf(command) };
    const pids = [];
    for (let i = 0; i < 4; i++) pids.push(await requestOnce(place, "/"));
    expect(new Set(pids).size).toBe(1);
    await command.said("stdout", /worker 1 is to be replaced: max-requests/);
  });
});

describe("settings of where it listens", () => {
  it.skipIf(!hasSs)("let so many connections wait as backlog says", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = await started(["-b", "127.0.0.1:0", "--backlog", "7"], fixtures);
    const { stdout } = spawnSync("ss", ["-Hltn", `sport = :${await portOf(command)}`], { encoding: "utf8" });
    expect(stdout.trim().split(/\s+/)[2]).toBe("7");
  });

  it("ask clients for a certificate of the authorities in tlsCa", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const made = [
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-noenc",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
    ];
    for (const name of ["own", "stranger"]) {
      const files = ["-keyout", `${directory}/${name}.key`, "-out", `${directory}/${name}.pem`];
      spawnSync("openssl", ["req", ...made, "-addext", "subjectAltName=DNS:localhost", ...files], { stdio: "pipe" });
    }
    const args = ["--tls-key", "own.key", "--tls-cert", "own.pem", "--tls-ca", "own.pem"];
    await using command = await started(["-b", "127.0.0.1:0", ...args], fixtures);
    const [, port] = await command.said("stdout", /https:\/\/127\.0\.0\.1:(\d+)/);
    const read = (name: string): Promise<Buffer> => readFile(`${directory}/${name}`);
    const ask = async (name: string | undefined): Promise<string> => {
      const own = name === undefined ? {} : { key: await read(`${name}.key`), cert: await read(`${name}.pem`) };
      const ca = await read("own.pem");
      const socket = connectTls({ host: "127.0.0.1", port: Number(port), servername: "localhost", ca, ...own });
      socket.on("error", () => {});
      socket.end("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      return text(socket).catch(String);
    };
    expect(await ask("own")).toContain("Hello from /");
    for (const name of [undefined, "stranger"]) expect(await ask(name)).not.toContain("Hello");
  });

  it("turn away more connections than workerConnections", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = await started(["-b", "127.0.0.1:0", "-w", "0", "--worker-connections", "1"], fixtures);
    const port = await portOf(command);
    const first = connect(port, "127.0.0.1");
    first.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await new Promise((resolve) => first.once("data", resolve));
    expect(await talk(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).not.toContain("Hello");
    first.destroy();
  });
});

describe("settings of limits", () => {
  it.each([
    ["--request-line-bytes", "64", `GET /${"x".repeat(100)} HTTP/1.1\r\nHost: a\r\n\r\n`, "414"],
    ["--header-bytes", "64", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100)}\r\n\r\n`, "431"],
    ["--header-count", "2", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 1\r\n\r\n", "431"],
    ["--max-body-bytes", "4", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345", "413"],
    ["--header-seconds", "1ms", "GET / HTTP/1.1\r\nHost:", "408"],
    ["--server-header", "it is me", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "Server: it is me\r\n"],
    ["--keep-alive-seconds", "1ms", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "Hello"],
  ])("reach the server: %s %s", async (flag, value, request, expected) => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = await started(["-b", "127.0.0.1:0", flag, value], fixtures);
    const socket = connect(await portOf(command), "127.0.0.1");
    socket.write(request);
    // It is the server that closes.
    expect(await text(socket)).toContain(expected);
  });
});

describe("settings of logs and metrics", () => {
  it("have their effects: accessLogFormat, logLevel, livePath, readyPath", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const args = [
      "--access-log",
      "access.log",
      "--access-log-format",
      "tiny",
      "--log-level",
      "debug",
      "--metrics-bind",
      "unix:metrics.sock",
    ];
    await using command = await started(["-b", "127.0.0.1:0", ...args, "--live-path", "/alive", "--ready-path", "/up"], fixtures);
    await requestOnce({ host: "127.0.0.1", port: await portOf(command) }, "/one");
    await vi.waitUntil(async () => (await readFile(`${directory}/access.log`, "utf8").catch(() => "")) !== "", 10_000);
    expect(await readFile(`${directory}/access.log`, "utf8")).toMatch(/^GET \/one 200 \S+ - [\d.]+ ms\n$/);
    expect(command.stdout).toMatch(/worker 1 is process \d+/);
    const metrics = { path: `${directory}/metrics.sock` };
    expect([await requestOnce(metrics, "/alive"), await requestOnce(metrics, "/up")]).toEqual(["live\n", "ready\n"]);
    await expect(requestOnce(metrics, "/livez")).rejects.toThrow("404");
  });

  it.each([
    ["warning", ""],
    ["info", "listening"],
  ])("says what matters as much as logLevel %s", async (level, said) => {
    await using fixtures = await Fixtures.make({ "app.mjs": `console.log("loaded");\n${hello}` });
    await using command = Command.start(["-b", "unix:app.sock", "--log-level", level, "app.mjs"], fixtures.directory);
    await vi.waitUntil(async () => requestOnce({ path: `${fixtures.directory}/app.sock` }, "/").catch(() => false), 20_000);
    command.process.kill("SIGTERM");
    const { stdout } = await command.ended;
    expect(stdout).toContain(said);
    expect(stdout.includes("listening")).toBe(said !== "");
  });
});

describe("settings of development", () => {
  it("reloads when what reloadExtra names changes", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello, "views/a.html": "1", "data.json": "1" });
    const args = ["--reload", "--reload-extra", "views/**/*.html", "--reload-extra", "data.json"];
    await using command = await started(["-b", "127.0.0.1:0", ...args], fixtures);
    for (const [file, said] of [
      ["views/a.html", /reload: views\/a\.html changed/],
      ["data.json", /reload: data\.json changed/],
    ] as const) {
      await writeFile(`${fixtures.directory}/${file}`, "2");
      await command.said("stdout", said);
    }
  });
});
