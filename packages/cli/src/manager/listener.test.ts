import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "../testing/command.ts";
import { requestOnce } from "../testing/load.ts";

const app = `export default (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from([process.pid, environ.SERVER_PORT, process.env.LISTEN_FDS ?? "nothing"].join(" "))];
};`;

/** A socket such as systemd hands on. */
async function socket(): Promise<{ readonly server: Server; readonly fd: number; readonly port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return { server, fd, port: (server.address() as AddressInfo).port };
}

describe("gateway, started with sockets that listen", () => {
  it.each(["round-robin", "shared"])(
    "serves on all of them with its workers, which are not told of it, and after a reload: %s",
    async (spread) => {
      await using fixtures = await Fixtures.make({ "app.mjs": app });
      const sockets = [await socket(), await socket()];
      await using command = Command.start(["-w", "2", "--spread", spread, "--no-control-socket", "app.mjs"], fixtures.directory, {
        inherit: sockets.map(({ fd }) => fd),
        environment: { LISTEN_FDS: "2" },
      });
      for (const { port } of sockets) await command.said("stdout", new RegExp(`listening on http://127\\.0\\.0\\.1:${port} `));
      for (const { server } of sockets) server.close();

      const ask = async (port: number): Promise<string> => {
        const [pid = "", ...facts] = (await requestOnce({ host: "127.0.0.1", port }, "/")).split(" ");
        expect(facts).toEqual([String(port), "nothing"]);
        return pid;
      };
      const old = new Set<string>();
      for (const { port } of sockets) for (let count = 0; count < 4; count++) old.add(await ask(port));

      command.process.kill("SIGHUP");
      await command.said("stdout", /reloaded: 2 workers/);
      // Where workers accept by themselves the old ones do so to their end.
      for (const { port } of sockets) await vi.waitUntil(async () => !old.has(await ask(port)), 20_000);
      command.process.kill("SIGTERM");
      expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
    },
  );

  it.each(["0", "1"])("says which of them nobody serves, where something else is bound: -w %s", async (workers) => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const { server, fd } = await socket();
    const args = ["-b", "127.0.0.1:0", "-w", workers, "--no-control-socket", "app.mjs"];
    await using command = Command.start(args, fixtures.directory, { inherit: [fd], environment: { LISTEN_FDS: "1" } });
    await command.url();
    server.close();
    expect(command.stderr).toBe(
      "gateway: nobody serves the sockets that LISTEN_FDS hands on, and their clients wait for ever: bind names other places; add -b fd://3, or leave bind out\n",
    );
  });
});
