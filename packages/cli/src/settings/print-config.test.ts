import { assert, asyncProperty, constantFrom, nat, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { printConfig } from "./print-config.ts";
import { protocolNames } from "./setting.ts";
import { here, resolved } from "../testing/test-settings.ts";

describe("printConfig", () => {
  it("shows every setting that the protocol has, with its value", async () => {
    const shown = JSON.parse(printConfig(await resolved("app.js"))) as Record<string, unknown>;

    expect(shown).toMatchObject({
      target: "app.js",
      bind: ["127.0.0.1:8000"],
      workers: 1,
      timeout: 30,
      unixMode: null,
      controlSocketMode: "600",
    });
    expect(shown).toMatchObject({ headerBytes: 16_384, maxBodyBytes: "unlimited", frontIdleSeconds: 60, accessLog: null });
    expect(shown).not.toHaveProperty("multiplex");
    expect(JSON.parse(printConfig(await resolved("--protocol fastcgi app.js")))).toMatchObject({
      maxRequestsPerConnection: 100,
      multiplex: false,
    });
  });

  it("hides the values of variables", async () => {
    const shown = printConfig(await resolved(["-e", "DATABASE_URL=postgres://me:hunter2@db/x", "app"]));
    expect(JSON.parse(shown)).toMatchObject({ env: { DATABASE_URL: "(hidden)" } });
    expect(shown).not.toContain("hunter2");
  });

  it("shows something that the config file would take, with the same result", async () => {
    const flags = record(
      {
        "-w": nat(1024).map(String),
        "--timeout": nat(100_000).map((milliseconds) => `${milliseconds}ms`),
        "--max-memory": nat(1e9).map((bytes) => `${bytes}KiB`),
        "--unix-mode": constantFrom("none", "660", "007"),
        "--access-log": constantFrom("none", "-", "logs/a.log"),
        "--bind": constantFrom(":80", "unix:a.sock", "fd://3"),
        "--worker-connections": constantFrom("unlimited", "1"),
        "--max-body-bytes": constantFrom("unlimited", "0", "1.5GiB"),
        "--user": constantFrom("none", "www-data"),
        "--memory-state": constantFrom("sessions", "limits"),
        "--protocol": constantFrom(...protocolNames),
        "--umask": constantFrom("0", "077"),
      },
      { requiredKeys: [] },
    );
    await assert(
      asyncProperty(flags, async (flags) => {
        const first = await resolved([...Object.entries(flags).flat(), "app"]);
        const files = { [`${here}/gateway.config.json`]: printConfig(first) };
        expect((await resolved("", { files })).settings).toEqual(first.settings);
      }),
      { numRuns: 300 },
    );
  });
});
