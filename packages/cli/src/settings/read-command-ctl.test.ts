import { describe, expect, it } from "vitest";
import { command, failure, here, json, resolved } from "../testing/test-settings.ts";

describe("readCommand, for gateway ctl", () => {
  it("takes what follows, and where the socket is", async () => {
    expect(await command("ctl reload --wait")).toEqual({ kind: "ctl", args: ["reload", "--wait"], controlSocket: undefined });
    expect(await command("ctl --control-socket run.sock workers 4")).toEqual({
      kind: "ctl",
      args: ["workers", "4"],
      controlSocket: `${here}/run.sock`,
    });
    expect(await command("ctl stop --control-socket=/run.sock")).toMatchObject({ args: ["stop"], controlSocket: "/run.sock" });
  });

  it("finds the socket as the command does, even where other settings are wrong", async () => {
    const environment = { GATEWAY_CONTROL_SOCKET: "/run/env.sock", GATEWAY_WORKERS: "nonsense" };
    expect(await command("ctl status", { environment })).toMatchObject({ controlSocket: "/run/env.sock" });
    expect(await command("ctl status", json({ controlSocket: "file.sock", workers: "nonsense", typo: 1 }))).toMatchObject({
      controlSocket: `${here}/file.sock`,
    });
    const elsewhere = { files: { "/etc/a.json": '{"controlSocket":"b.sock"}' } };
    expect(await command("ctl -c /etc/a.json status", elsewhere)).toMatchObject({
      args: ["status"],
      controlSocket: "/etc/b.sock",
    });
  });

  it("can be sent to the socket of this folder, whatever the file says", async () => {
    expect(await command("ctl --control-socket auto status", json({ controlSocket: "file.sock" }))).toMatchObject({
      controlSocket: undefined,
    });
  });

  it("refuses a socket without a path, and a config file that is not there", async () => {
    expect(await failure("ctl stop --control-socket")).toBe(
      "--control-socket needs a value: --control-socket PATH (see gateway --help)",
    );
    expect(await failure("ctl stop -c gone.json")).toContain('-c is "gone.json", and there is no such file');
  });

  it("is an application only as ./ctl", async () => {
    expect((await resolved("./ctl")).settings.target).toBe("./ctl");
  });
});
