import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, vi } from "vitest";
import { Command, executable, Fixtures, hello } from "./testing/command.ts";

/**
 * Sends a first chunk, and the last when somebody writes to the standard input. The clock that decides what the echo of a SIGINT is
 * stands still, but for SIGUSR2.
 */
const slow = `
const start = performance.now();
let passed = 0;
performance.now = () => start + passed;
process.on("SIGUSR2", () => { passed += 251; console.log("time passed"); });
process.on("SIGINT", () => console.log("interrupted"));
process.on("exit", (code) => console.log("exit " + code));
export default async function* (environ, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield Buffer.from("first ");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  yield Buffer.from("last");
}`;

const failing = `export default (environ, startResponse) => {
  if (environ.PATH_INFO === "/later") setImmediate(() => { throw new Error("thrown later"); });
  if (environ.PATH_INFO === "/rejected") Promise.reject(new Error("rejected later"));
  if (environ.PATH_INFO === "/now") throw new Error("thrown at once");
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("fine")];
};`;

/** Begins a response and reads its first chunk. */
async function begin(url: string): Promise<{ rest: () => Promise<string> }> {
  const response = await fetch(url);
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("no body");
  const first = new TextDecoder().decode((await reader.read()).value);
  return {
    async rest() {
      let body = first;
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) body += new TextDecoder().decode(chunk.value);
      return body;
    },
  };
}

describe("gateway", () => {
  it("serves the application and says where", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);

    const response = await fetch(`${await command.url()}/world`);

    expect(response.status).toBe(200);
    expect(await response.text()).toBe("Hello from /world\n");
    expect(command.stdout).toMatch(/^gateway: listening on http:\/\/127\.0\.0\.1:\d+ \(press Ctrl\+C to stop\)\n$/);
    expect(command.stderr).toBe("");
  });

  it.each([
    ["common-site", `{ "name": "common-site", "main": "./main.mjs" }`],
    ["esm-site", `{ "name": "esm-site", "exports": { "import": "./main.mjs" } }`],
  ])("serves the package %s from where it is started", async (name, description) => {
    await using fixtures = await Fixtures.make({
      [`node_modules/${name}/package.json`]: description,
      [`node_modules/${name}/main.mjs`]: hello,
    });
    await using command = Command.start(["-b", "127.0.0.1:0", name], fixtures.directory);

    expect(await (await fetch(await command.url())).text()).toBe("Hello from /\n");
  });

  it("listens on all IPv4 interfaces where PORT is set, and names one to open", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["app.mjs"], fixtures.directory, { environment: { PORT: "0" } });

    const url = await command.url();

    expect(command.stdout).toMatch(/listening on http:\/\/127\.0\.0\.1:\d+ and all other addresses of this machine/);
    expect(await (await fetch(url)).text()).toBe("Hello from /\n");
  });

  it("listens on all interfaces for a port alone", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["-b", ":0", "app.mjs"], fixtures.directory);

    expect(await (await fetch(await command.url())).text()).toBe("Hello from /\n");
  });

  it("serves on a Unix socket, and takes it away when it stops", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["-b", "unix:app.sock", "app.mjs"], fixtures.directory);
    await command.said("stdout", /listening on unix:app\.sock \(/);
    const socketPath = `${fixtures.directory}/app.sock`;

    const sent = request({ socketPath, path: "/socket", agent: false }).end();
    const [response] = (await once(sent, "response")) as [NodeJS.ReadableStream];
    expect(await text(response)).toBe("Hello from /socket\n");

    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
    await using again = Command.start(["-b", "unix:app.sock", "app.mjs"], fixtures.directory);
    await again.said("stdout", /listening on unix:/);
  });

  it("serves on a listening socket that it inherited", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    await using command = Command.start(["-b", "fd://3", "app.mjs"], fixtures.directory, { inherit: [fd] });
    await command.said("stdout", /listening on http:\/\/127\.0\.0\.1:\d+ /);
    listener.close();

    expect(await command.url()).toBe(`http://127.0.0.1:${port}`);
    expect(await (await fetch(await command.url())).text()).toBe("Hello from /\n");
  });

  it("checks the application with --validate", async () => {
    const breach = `export default (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"], ["Connection", "close"]]);
      return [Buffer.from("hop by hop")];
    };`;
    await using fixtures = await Fixtures.make({ "app.mjs": hello, "breach.mjs": breach });
    await using good = Command.start(["--validate", "-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    await using bad = Command.start(["--validate", "-b", "127.0.0.1:0", "breach.mjs"], fixtures.directory);

    expect(await (await fetch(await good.url())).text()).toBe("Hello from /\n");
    expect((await fetch(await bad.url())).status).toBe(500);
    await bad.said("stderr", /Connection/);
  });

  it("reports refused requests in one line", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const socket = connect(Number(new URL(await command.url()).port), "127.0.0.1");

    socket.end("GET / HTTP/1.1\r\n\r\n");

    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    await command.said("stderr", /^gateway: refused 127\.0\.0\.1: 400, .*Host.*\n$/);
  });

  it("goes on serving after errors that nobody caught", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": failing });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const url = await command.url();

    await fetch(`${url}/later`);
    await command.said("stderr", /^gateway: an error that nobody caught: Error: thrown later\n {4}/m);
    await fetch(`${url}/rejected`);
    await command.said("stderr", /^gateway: a rejected promise that nobody handled: Error: rejected later\n {4}/m);
    expect((await fetch(`${url}/now?key=secret`)).status).toBe(500);
    await command.said("stderr", /^GET \/now: Error: thrown at once\n {4}/m);

    expect(await (await fetch(url)).text()).toBe("fine");
  });

  it("says in its error log which request an error comes from", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": failing });
    const path = `${fixtures.directory}/error.log`;
    await using command = Command.start(["-b", "unix:app.sock", "--error-log", path, "app.mjs"], fixtures.directory);
    const socketPath = `${fixtures.directory}/app.sock`;
    await vi.waitUntil(() => existsSync(socketPath), 20_000);
    request({ socketPath, method: "PUT", path: "/now?key=secret", agent: false }, (response) => response.resume()).end();
    const log = (): string => readFileSync(path, "utf8");
    await vi.waitUntil(() => log().includes("thrown at once"), 20_000);

    expect(log()).toMatch(/^\S+Z \[\d+ worker 1\] error: PUT \/now: Error: thrown at once\n {4}at /m);
    expect(log()).not.toContain("secret");
    command.process.kill("SIGTERM");
    expect(await command.ended).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("goes on serving when nobody reads its log any more", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": failing });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const url = await command.url();
    command.process.stderr?.destroy();
    command.process.stdout?.destroy();

    for (const path of ["/later", "/rejected", "/now", "/later"]) await fetch(url + path);

    expect(await (await fetch(url)).text()).toBe("fine");
    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0 });
  });
});

describe("gateway, told to stop", () => {
  it("lets a request under way finish after SIGTERM, and exits with 0", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": slow });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const url = await command.url();
    const response = await begin(url);

    command.process.kill("SIGTERM");
    await command.said("stdout", /gateway: stopping: requests under way may finish \(press Ctrl\+C again to stop at once\)\n/);
    // Those who wait in the backlog are served still; then nobody is let in.
    await vi.waitUntil(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
    command.process.stdin?.write("go on");

    expect(await response.rest()).toBe("first last");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("stops when npm, which runs it, was stopped and left it behind", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    // As npm runs it: through a shell, which keeps signals to itself.
    const script = `"${process.execPath}" "${executable}" -b 127.0.0.1:0 app.mjs; true`;
    const environment = { ...process.env, npm_command: "run-script" };
    const shell = new Command(spawn("sh", ["-c", script], { cwd: fixtures.directory, env: environment, stdio: "pipe" }));
    await shell.url();

    shell.process.kill("SIGTERM");
    await shell.said("stdout", /gateway: stopping/);
    // The pipes are the command's, too: they close when it has ended.
    await shell.ended;
  });

  it("takes the echo of a SIGINT for the same one", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": slow });
    await using command = Command.start(["-w", "0", "-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const response = await begin(await command.url());

    command.process.kill("SIGINT");
    await command.said("stdout", /interrupted/);
    command.process.kill("SIGINT");
    await command.said("stdout", /interrupted[^]*interrupted/);
    command.process.stdin?.write("go on");

    expect(await response.rest()).toBe("first last");
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout.match(/gateway: stopping/g)).toHaveLength(1);
  });

  it("stops at once at the second SIGINT, with 130", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": slow });
    await using command = Command.start(["-w", "0", "-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const response = await begin(await command.url());

    command.process.kill("SIGINT");
    await command.said("stdout", /interrupted/);
    command.process.kill("SIGUSR2");
    await command.said("stdout", /time passed/);
    command.process.kill("SIGINT");

    await expect(response.rest()).rejects.toThrow("terminated");
    expect(await command.ended).toMatchObject({ code: 130 });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends on %s although the application holds timers", async (signal) => {
    await using fixtures = await Fixtures.make({ "app.mjs": `setInterval(() => {}, 1000);\n${hello}` });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    await command.url();

    command.process.kill(signal);

    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends on SIGTERM while the application still loads", async () => {
    await using fixtures = await Fixtures.make({
      "app.mjs": 'console.log("loading");\nawait new Promise(() => process.stdin.resume());',
    });
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    await command.said("stdout", /loading/);

    command.process.kill("SIGTERM");

    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });
});
