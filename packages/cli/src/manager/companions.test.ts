import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";

/** Starts up when whoever it is connected to hangs up. */
const app = `import { connect } from "node:net";
export const startup = () => new Promise((resolve) => connect(process.env.GATE).resume().on("close", resolve));
export default (environ, startResponse) => { startResponse("200 OK", []); return []; };`;

async function ask(socketPath: string, path: string): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get({ socketPath, path, agent: false }, resolve).on("error", reject),
  );
  return `${response.statusCode} ${await text(response)}`;
}

describe("gateway --metrics-bind", () => {
  it("answers while the first worker starts up that it is live but not ready, and is not ready again when it drains", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const { directory } = fixtures;
    const gate = createServer().listen(`${directory}/gate`);
    await once(gate, "listening");
    const metrics = `${directory}/metrics.sock`;
    const args = ["-b", "127.0.0.1:0", "--metrics-bind", `unix:${metrics}`, "--no-control-socket", "--drain-delay", "1h"];
    await using command = Command.start([...args, "--env", `GATE=${directory}/gate`, "app.mjs"], directory);

    const [starting] = (await once(gate, "connection")) as [Socket];
    expect(await ask(metrics, "/readyz")).toBe("503 starting\n");
    expect(await ask(metrics, "/livez")).toBe("200 live\n");
    expect(command.stdout).toBe("");
    starting.end();
    gate.close();
    await command.said("stdout", /listening on/);
    expect(await ask(metrics, "/readyz")).toBe("200 ready\n");

    command.process.kill("SIGTERM");
    await command.said("stdout", /stopping/);
    expect(await ask(metrics, "/readyz")).toBe("503 draining\n");
    expect(await ask(metrics, "/livez")).toBe("200 live\n");
    command.process.kill("SIGQUIT");
    expect(await command.ended).toMatchObject({ code: 131, stderr: "" });
  });

  it("ends the start where it cannot listen, and leaves no Unix socket and no pid file behind", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const args = ["-b", "unix:app.sock", "--pid-file", "pid", "--metrics-bind", "unix:no/such/folder", "--no-control-socket"];
    const { code, stderr } = await Command.run([...args, "app.mjs"], directory);
    expect({ code, lines: stderr.split("\n").length - 1 }).toEqual({ code: 1, lines: 1 });
    expect(await readdir(directory)).toEqual(["app.mjs"]);
  });

  it("is taken over by the new parent of an upgrade when the old one ends, which says until then that requests are welcome", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const { directory } = fixtures;
    const metrics = `${directory}/metrics.sock`;
    const args = ["-b", "127.0.0.1:0", "--metrics-bind", `unix:${metrics}`, "--no-control-socket", "--drain-delay", "1h"];
    await using command = Command.start([...args, "app.mjs"], directory);
    await command.said("stdout", /listening on/);
    command.process.kill("SIGUSR2");
    const [, next = ""] = await command.said("stdout", /process (\d+) serves on the same sockets now/);
    try {
      command.process.kill("SIGTERM");
      await command.said("stdout", /stopping/);
      expect(await ask(metrics, "/readyz")).toBe("200 ready\n");
      expect(await ask(metrics, "/metrics")).toContain('gateway_workers{state="ready"} 1');
      command.process.kill("SIGQUIT");
      await once(command.process, "exit");
      await vi.waitUntil(async () => (await ask(metrics, "/readyz").catch(String)) === "200 ready\n", 20_000);
    } finally {
      process.kill(Number(next), "SIGQUIT");
    }
    expect((await command.ended).stderr).toBe("");
  });
});
