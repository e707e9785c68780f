import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";
import { removeDeadSockets } from "./dead-sockets.ts";

const name = (digit: string): string => `${digit.repeat(16)}.ctl`;

/** A socket whose process was killed. */
async function dead(path: string): Promise<void> {
  const code = `require("node:net").createServer().listen(process.argv[1], () => console.log("listening"))`;
  const server = spawn(process.execPath, ["-e", code, path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(server.stdout, "data");
  server.kill("SIGKILL");
  await once(server, "close");
}

async function alive(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, "listening");
  return server;
}

async function age(path: string): Promise<void> {
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(path, longAgo, longAgo);
}

describe("removeDeadSockets", () => {
  it("removes those that nobody answers on, and touches nothing else", async () => {
    await using fixtures = await Fixtures.make({ [name("a")]: "no socket" });
    const { directory } = fixtures;
    for (const left of [name("b"), `${name("c")}.4711`, name("d"), "another.sock"]) await dead(`${directory}/${left}`);
    const server = await alive(`${directory}/${name("e")}`);
    // What is young may be about to be listened on.
    for (const each of await readdir(directory)) if (each !== name("d")) await age(`${directory}/${each}`);

    await removeDeadSockets(directory);
    const left = await readdir(directory);
    server.close();
    expect(left.toSorted()).toEqual([name("a"), name("d"), name("e"), "another.sock"].toSorted());
  });

  it("leaves a folder alone that it cannot read", async () => {
    await expect(removeDeadSockets("/no/such/folder")).resolves.toBeUndefined();
  });
});

describe("gateway with a control socket of its own", () => {
  it("removes those beside it that other commands left, which were killed", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const runtime = `${directory}/run`;
    await mkdir(`${runtime}/gateway`, { recursive: true, mode: 0o700 });
    const left = `${runtime}/gateway/${name("b")}`;
    await dead(left);
    await age(left);
    await writeFile(`${runtime}/gateway/note`, "");
    const environment = { XDG_RUNTIME_DIR: runtime };
    await using command = Command.start(["-b", "127.0.0.1:0", "app.mjs"], directory, { environment });
    await command.url();
    await vi.waitUntil(async () => (await stat(left).catch(() => undefined)) === undefined, 20_000);
    expect((await Command.run(["ctl", "status"], directory, { environment })).code).toBe(0);
    expect(await readdir(`${runtime}/gateway`)).toEqual([expect.stringMatching(/^[0-9a-f]{16}\.ctl$/), "note"]);
  });
});
