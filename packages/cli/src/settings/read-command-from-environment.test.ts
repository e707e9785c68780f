import { describe, expect, it } from "vitest";
import { failure, resolved } from "../testing/test-settings.ts";

describe("readCommand, from the environment", () => {
  it("reads every setting but the variables of the application", async () => {
    const environment = {
      GATEWAY_TARGET: "app.js",
      GATEWAY_WORKERS: "auto",
      GATEWAY_RELOAD: "yes",
      GATEWAY_VALIDATE: "0",
      GATEWAY_BIND: ":80, unix:a.sock",
      GATEWAY_KEEP_ALIVE_SECONDS: "2m",
      GATEWAY_ENV: "production",
    };
    const { settings, sources } = await resolved("", { environment });

    expect(settings).toMatchObject({
      target: "app.js",
      workers: 4,
      reload: true,
      validate: false,
      limits: { keepAliveSeconds: 120 },
      env: {},
    });
    expect(settings.bind.map(({ text }) => text)).toEqual([":80", "unix:a.sock"]);
    expect(sources["workers"]).toEqual({ kind: "variable", name: "GATEWAY_WORKERS" });
  });

  it("counts an empty variable as none", async () => {
    const environment = { PORT: "", GATEWAY_WORKERS: "", WEB_CONCURRENCY: "", GATEWAY_BIND: "", GATEWAY_CONFIG: "" };
    expect((await resolved("app", { environment })).settings).toMatchObject({ workers: 1, bind: [{ text: "127.0.0.1:8000" }] });
  });

  it("listens on all IPv4 interfaces where PORT is set", async () => {
    const { settings, sources } = await resolved("app", { environment: { PORT: "3000" } });
    expect(settings.bind).toEqual([{ host: "0.0.0.0", port: 3000, text: "0.0.0.0:3000" }]);
    expect(sources["bind"]).toEqual({ kind: "variable", name: "PORT" });
  });

  it("prefers --bind and GATEWAY_BIND to PORT", async () => {
    const environment = { PORT: "nonsense", GATEWAY_BIND: "[::1]:80" };
    expect((await resolved("app", { environment })).settings.bind).toMatchObject([{ text: "[::1]:80" }]);
    expect((await resolved("-b :1 app", { environment })).settings.bind).toMatchObject([{ text: ":1" }]);
  });

  it("takes WEB_CONCURRENCY for the workers", async () => {
    expect((await resolved("app", { environment: { WEB_CONCURRENCY: "3" } })).settings.workers).toBe(3);
    expect((await resolved("app", { environment: { WEB_CONCURRENCY: "3", GATEWAY_WORKERS: "2" } })).settings.workers).toBe(2);
  });

  it("takes the sockets of systemd, if they are for this process", async () => {
    const ours = { LISTEN_FDS: "2", LISTEN_PID: "4711", PORT: "80" };
    expect((await resolved("app", { environment: ours })).settings.bind.map(({ text }) => text)).toEqual(["fd://3", "fd://4"]);
    const handedOn = { LISTEN_FDS: "1" };
    expect((await resolved("app", { environment: handedOn })).settings.bind.map(({ text }) => text)).toEqual(["fd://3"]);
    const theirs = { ...ours, LISTEN_PID: "1" };
    expect((await resolved("app", { environment: theirs })).settings.bind.map(({ text }) => text)).toEqual(["0.0.0.0:80"]);
  });

  it("leaves alone what Kubernetes, CGI and applications set", async () => {
    const environment = {
      GATEWAY_PORT: "tcp://10.0.0.1:80",
      GATEWAY_SERVICE_HOST: "10.0.0.1",
      GATEWAY_PORT_80_TCP_ADDR: "10.0.0.1",
      GATEWAY_INTERFACE: "CGI/1.1",
      GATEWAY_LONG: "1",
      GATEWAY_URL: "https://pay.example",
    };
    await expect(resolved("app", { environment })).resolves.toBeDefined();
  });

  it.each([
    [{ PORT: "http" }, 'PORT in the environment is "http", which is not a port (0 to 65535)'],
    [{ PORT: "65536" }, 'PORT in the environment is "65536", which is not a port (0 to 65535)'],
    [{ WEB_CONCURRENCY: "many" }, 'WEB_CONCURRENCY in the environment is "many", which is not a whole number up to 1024'],
    [{ GATEWAY_TIMEOUT: "x" }, 'GATEWAY_TIMEOUT in the environment is "x", which is not a duration'],
    [{ GATEWAY_RELOAD: "maybe" }, 'GATEWAY_RELOAD in the environment is "maybe", which is not true or false'],
    [{ GATEWAY_BIND: ":80,,:81" }, 'GATEWAY_BIND in the environment: cannot bind "": a port is missing'],
    [{ GATEWAY_WORKER: "4" }, "there is no setting GATEWAY_WORKER, which the environment has: did you mean GATEWAY_WORKERS?"],
    [{ GATEWAY_CONFIG: "x.json" }, 'GATEWAY_CONFIG in the environment is "x.json", and there is no such file'],
    [{ LISTEN_FDS: "x", LISTEN_PID: "4711" }, 'LISTEN_FDS in the environment is "x", which is not a number of descriptors'],
  ])("refuses %j", async (environment, message) => {
    expect(await failure("app", { environment })).toContain(message);
  });
});
