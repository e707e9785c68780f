import { describe, expect, it } from "vitest";
import { type TestCase, command, configAt, failure, here, json, module, resolved } from "../testing/test-settings.ts";

describe("readCommand, from the config file", () => {
  it("reads JSON, with texts and numbers", async () => {
    const test = json({
      $schema: "x",
      target: "./app.js",
      workers: 2,
      timeout: "1m",
      gracefulTimeout: 5,
      bind: ":80",
      unixMode: "660",
      env: { A: 1, B: true },
    });
    const { settings, sources, file } = await resolved("", test);

    expect(settings).toMatchObject({
      target: "./app.js",
      workers: 2,
      timeout: 60,
      gracefulTimeout: 5,
      unixMode: 0o660,
      env: { A: "1", B: "true" },
    });
    expect(sources["workers"]).toEqual({ kind: "file", name: "gateway.config.json", key: "workers" });
    expect(file).toBe(configAt("gateway.config.json"));
  });

  it("reads what a module exports: an object, a function, one that waits, and what a compiler wrapped", async () => {
    const settings = {
      target: "app",
      workers: "auto",
      maxBodyBytes: Infinity,
      accessLog: false,
      user: null,
      drainDelay: undefined,
    };
    const expected = {
      target: "app",
      workers: 4,
      limits: { maxBodyBytes: Infinity },
      accessLog: undefined,
      user: undefined,
      drainDelay: 0,
    };
    for (const exported of [settings, () => settings, () => Promise.resolve(settings), { __esModule: true, default: settings }]) {
      expect((await resolved("", module(exported))).settings).toMatchObject(expected);
    }
  });

  it("tells a function the environment and the folder", async () => {
    const test = module(({ environment, directory }: { environment: { N: string }; directory: string }) => ({
      target: `${directory}/app.js`,
      workers: environment.N,
    }));
    expect((await resolved("", { ...test, environment: { N: "7" } })).settings).toMatchObject({
      target: `${here}/app.js`,
      workers: 7,
    });
  });

  it("prefers flags to the environment, and that to the file, and merges nothing", async () => {
    const test = {
      ...json({ workers: 1, timeout: 1, bind: [":1", ":2"] }),
      environment: { GATEWAY_WORKERS: "2", GATEWAY_TIMEOUT: "2" },
    };
    const { settings } = await resolved("-w 3 -b :3 app", test);
    expect(settings).toMatchObject({ workers: 3, timeout: 2, bind: [{ text: ":3" }] });
  });

  it("lets a flag or a variable take back what the file says", async () => {
    const test = json({ accessLog: "a.log", reload: true, pidFile: "x.pid" });
    expect(
      (await resolved("--no-access-log --no-reload app", { ...test, environment: { GATEWAY_PID_FILE: "none" } })).settings,
    ).toMatchObject({
      accessLog: undefined,
      reload: false,
      pidFile: undefined,
    });
  });

  it("may stand elsewhere: its paths are relative to it, those of flags are not", async () => {
    const files = {
      "/etc/site/gateway.config.json": JSON.stringify({
        target: "./app.js",
        bind: "unix:run/app.sock",
        pidFile: "site.pid",
        chdir: ".",
      }),
    };
    for (const test of [{ files }, { files, environment: { GATEWAY_CONFIG: "/etc/site/gateway.config.json" } }]) {
      const line = "environment" in test ? "--access-log a.log" : "-c /etc/site/gateway.config.json --access-log a.log";
      expect((await resolved(line, test)).settings).toMatchObject({
        target: "./app.js",
        chdir: "/etc/site",
        pidFile: "/etc/site/site.pid",
        accessLog: `${here}/a.log`,
        bind: [{ host: "unix:run/app.sock" }],
      });
    }
  });

  it("keeps relative paths right where the command works in another folder", async () => {
    const files = { "/etc/site/gateway.config.json": JSON.stringify({ target: "../code/app.js", bind: "unix:app.sock" }) };
    const { settings } = await resolved("--config=/etc/site/gateway.config.json", { files });
    expect(settings).toMatchObject({ chdir: here, target: "../../etc/code/app.js", bind: [{ host: "unix:/etc/site/app.sock" }] });

    expect((await resolved("-b unix:app.sock --chdir sub ./app.js")).settings).toMatchObject({
      chdir: `${here}/sub`,
      bind: [{ host: `unix:${here}/app.sock` }],
      target: "../app.js",
    });
  });

  it("is not read with --no-config", async () => {
    const { settings, file } = await resolved("--no-config app", json({ workers: 9 }));
    expect([settings.workers, file]).toEqual([1, undefined]);
  });

  it.each([
    [
      json({ worker: 4 }),
      'there is no setting "worker", which gateway.config.json has: did you mean workers? (see gateway --help)',
    ],
    [
      json({ "max-requests": 4 }),
      'there is no setting "max-requests", which gateway.config.json has: did you mean maxRequests? (see gateway --help)',
    ],
    [
      json({ keepalive: 4 }),
      'there is no setting "keepalive", which gateway.config.json has: write --keep-alive-seconds (see gateway --help)',
    ],
    [json({ nonsense: 4 }), 'there is no setting "nonsense", which gateway.config.json has (see gateway --help)'],
    [json({ workers: "many" }), 'workers in gateway.config.json is "many", which is not a whole number up to 1024'],
    [json({ workers: 1.5 }), "workers in gateway.config.json is 1.5, which is not a whole number up to 1024"],
    [json({ workers: true }), "workers in gateway.config.json is true, which is not a whole number up to 1024"],
    [json({ workers: null }), "workers in gateway.config.json is null, which is not a whole number up to 1024"],
    [json({ timeout: [] }), "timeout in gateway.config.json is an array, which is not a duration"],
    [json({ reload: "yes and no" }), 'reload in gateway.config.json is "yes and no", which is not true or false'],
    [
      json({ unixMode: 660 }),
      'unixMode in gateway.config.json is 660, which is not a file mode: write its octal digits as a text, like "660"',
    ],
    [json({ bind: [] }), "bind in gateway.config.json is empty: name an address, like 127.0.0.1:8000"],
    [json({ bind: [80] }), "bind in gateway.config.json is 80, which is not HOST:PORT, :PORT, unix:PATH or fd://N"],
    [
      json({ env: ["A=1"] }),
      'env in gateway.config.json is an array, which is not an object of variables: write { NAME: "VALUE" }',
    ],
    [json({ env: { A: {} } }), 'env in gateway.config.json is "A", whose value is not a text, a number, true or false'],
    [
      json({ protocol: "scgi", keepAliveSeconds: 4 }),
      "keepAliveSeconds in gateway.config.json is not for scgi: http and fastcgi have it",
    ],
    [json([]), "gateway.config.json has no object of settings: write { … }"],
    [{ files: { [configAt("gateway.config.json")]: "{" } }, "gateway.config.json is no JSON: "],
    [module(undefined), "gateway.config.ts has no object of settings: write export default { … }, or a function that gives one"],
    [module(() => undefined), "gateway.config.ts has no object of settings"],
    [module(() => Promise.reject(new Error("no vault"))), "the function that gateway.config.ts exports failed"],
    [
      { files: { ...json({}).files, ...module({}).files } },
      "there are gateway.config.ts and gateway.config.json: remove all but one, or name one with --config",
    ],
  ])("refuses %j", async (test: TestCase, message) => {
    expect(await failure("app", test)).toContain(message);
  });

  it("refuses one that cannot be read", async () => {
    const readText = (): string => {
      throw new Error("EACCES: permission denied");
    };
    expect(await failure("app", { ...json({}), host: { readText } })).toBe(
      "cannot read gateway.config.json: EACCES: permission denied",
    );
  });

  it("hands on why its function failed", async () => {
    const error = new Error("no vault");
    await expect(
      command(
        "app",
        module(() => Promise.reject(error)),
      ),
    ).rejects.toHaveProperty("cause", error);
  });
});
