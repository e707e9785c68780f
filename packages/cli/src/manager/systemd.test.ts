import { chmod, readFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";

/** A `systemd-notify` that writes down what it was told, and by which socket. */
const notify = `#!/bin/sh
echo "$NOTIFY_SOCKET" "$@" >> "$(dirname "$0")/told"
`;

describe("gateway, started by systemd", () => {
  it("tells it when it is ready, reloads and stops, and tells its workers nothing of that", async () => {
    const app = hello.replace("Hello from ", 'Hello " + process.env.NOTIFY_SOCKET + " from ');
    await using fixtures = await Fixtures.make({ "bin/systemd-notify": notify, "app.mjs": app });
    await chmod(`${fixtures.directory}/bin/systemd-notify`, 0o755);
    const environment = { NOTIFY_SOCKET: "/run/systemd/notify", PATH: `${fixtures.directory}/bin:${process.env["PATH"]}` };
    await using command = Command.start(["-b", "127.0.0.1:0", "--no-control-socket", "app.mjs"], fixtures.directory, {
      environment,
    });
    const told = async (): Promise<string> => readFile(`${fixtures.directory}/bin/told`, "utf8").catch(() => "");
    const url = await command.url();
    await vi.waitUntil(async () => (await told()).includes(`/run/systemd/notify READY=1 MAINPID=${command.process.pid}`));
    expect(await (await fetch(url)).text()).toBe("Hello undefined from /\n");

    command.process.kill("SIGHUP");
    await command.said("stdout", /reloaded/);
    await vi.waitUntil(async () => /RELOADING=1 MONOTONIC_USEC=\d+\n[^]*READY=1/.test(await told()));
    command.process.kill("SIGTERM");
    await command.ended;
    await vi.waitUntil(async () => (await told()).includes("STOPPING=1"));
  });

  it("goes on where systemd-notify is missing, and says so", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const environment = { NOTIFY_SOCKET: "/run/systemd/notify", PATH: "/nowhere" };
    await using command = Command.start(["-b", "127.0.0.1:0", "--no-control-socket", "app.mjs"], fixtures.directory, {
      environment,
    });
    await command.said("stderr", /cannot tell systemd: systemd-notify: spawn systemd-notify ENOENT/);
    expect((await fetch(await command.url())).status).toBe(200);
  });
});
