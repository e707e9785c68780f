import { anything, array, assert, asyncProperty, constantFrom, dictionary, oneof, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { StartError } from "../start-error.ts";
import { command, here, resolved, type TestCase } from "../testing/test-settings.ts";
import { table } from "./table.ts";

/** Great counts: `GATEWAY_LONG=1` runs them in full. */
const isLong = process.env["GATEWAY_LONG"] === "1";
const configAt = (name: string): string => `${here}/${name}`;
const json = (settings: object): TestCase => ({ files: { [configAt("gateway.config.json")]: JSON.stringify(settings) } });
const module = (exported: unknown): TestCase => ({ files: { [configAt("gateway.config.ts")]: { default: exported } } });

async function failure(line: string | readonly string[], test: TestCase = {}): Promise<string> {
  const error: unknown = await command(line, test).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof StartError)) throw new Error("it was not refused", { cause: error });
  expect(error.message).not.toContain("\n");
  return error.message;
}

describe("readCommand", () => {
  it("serves on 127.0.0.1:8000 with one worker by default", async () => {
    const { kind, settings, sources, file } = await resolved("app.js").then((read) => ({ kind: "serve", ...read }));

    expect(kind).toBe("serve");
    expect(settings).toMatchObject({
      target: "app.js",
      bind: [{ host: "127.0.0.1", port: 8000, text: "127.0.0.1:8000" }],
      protocol: "http",
      workers: 1,
      timeout: 30,
      gracefulTimeout: 30,
      accessLog: undefined,
      controlSocket: "auto",
      errorLog: "-",
      chdir: here,
      env: {},
      validate: false,
    });
    expect(file).toBeUndefined();
    expect(Object.values(sources).filter(({ kind }) => kind !== "default")).toEqual([{ kind: "flag", name: "the application" }]);
  });

  it("can be cloned to another process", async () => {
    const { settings } = await resolved("app.js");
    expect(structuredClone(settings)).toEqual(settings);
  });

  describe("from flags", () => {
    it.each(["-b :80 app", "-b:80 app", "--bind :80 app", "--bind=:80 app", "app -b :80", "-b :80 -- app"])(
      "reads the address in %j",
      async (line) => {
        expect((await resolved(line)).settings).toMatchObject({ bind: [{ text: ":80" }], target: "app" });
      },
    );

    it("reads a list in its order", async () => {
      const { settings } = await resolved("-b :80 --bind unix:a.sock -b fd://3 app");
      expect(settings.bind.map(({ text }) => text)).toEqual([":80", "unix:a.sock", "fd://3"]);
    });

    it("takes what follows -- as the module, whatever it begins with", async () => {
      expect((await resolved("-- -app.js")).settings.target).toBe("-app.js");
    });

    it.each([
      ["--validate", { validate: true }],
      ["--validate --no-validate=", undefined],
      ["--no-validate", { validate: false }],
      ["-w 4", { workers: 4 }],
      ["-w4", { workers: 4 }],
      ["--workers auto", { workers: 4 }],
      ["--workers 0", { workers: 0 }],
      ["--timeout 1.5m", { timeout: 90 }],
      ["--timeout 500ms", { timeout: 0.5 }],
      ["--max-memory 512MiB", { maxMemory: 536_870_912 }],
      ["--max-memory 25%", { maxMemory: 2_147_483_648 }],
      ["--unix-mode 660", { unixMode: 0o660 }],
      ["--unix-mode 0o660", { unixMode: 0o660 }],
      ["--no-unix-mode", { unixMode: undefined }],
      ["--no-control-socket", { controlSocket: undefined }],
      ["--umask 027", { umask: 0o027 }],
      ["--spread reuse-port", { spread: "reuse-port" }],
      ["--access-log -", { accessLog: "-" }],
      ["--access-log logs/access.log", { accessLog: `${here}/logs/access.log` }],
      ["--access-log none", { accessLog: undefined }],
      ["--env A=1 -e B=x=y", { env: { A: "1", B: "x=y" } }],
      ["--env A=", { env: { A: "" } }],
      ["--node-option=--stack-size=900", { nodeOptions: ["--stack-size=900"] }],
      ["--unix-owner :www-data", { unixOwner: ":www-data" }],
      ["--worker-connections unlimited", { workerConnections: Infinity }],
      ["--metrics-bind :9090", { metricsBind: { text: ":9090" } }],
      ["--reload-extra views/**/*.html", { reloadExtra: [`${here}/views/**/*.html`] }],
      ["--header-bytes 32KiB", { limits: { headerBytes: 32_768 } }],
      ["--keep-alive-seconds unlimited", { limits: { keepAliveSeconds: Infinity } }],
      ["--no-server-header", { limits: { serverHeader: "" } }],
      ["--protocol fastcgi --max-requests-per-connection 5", { limits: { maxRequests: 5 } }],
      ["--protocol fastcgi --multiplex", { multiplex: true }],
      [
        "--protocol scgi --allowed-address 10.0.0.0/8 --mount /a --mount /b",
        { allowedAddresses: ["10.0.0.0/8"], mounts: ["/a", "/b"] },
      ],
      ["--pool-size 10 --memory-state sessions", { declared: { poolSize: 10, memoryState: ["sessions"] } }],
    ])("reads %j", async (line, expected) => {
      if (expected === undefined) expect(await failure(`${line} app`)).toBe("--no-validate takes no value (see gateway --help)");
      else expect((await resolved(`${line} app`)).settings).toMatchObject(expected);
    });

    it("hands a switch on as it was last said only if that is no contradiction", async () => {
      expect((await resolved("--reload --reload app")).settings.reload).toBe(true);
      expect(await failure("--reload --no-reload app")).toBe("--reload and --no-reload are both given (see gateway --help)");
    });

    it.each(["--help", "-h", "-h --version app", "app --help", "--help --workers nonsense"])(
      "shows the help for %j",
      async (line) => {
        expect(await command(line)).toEqual({ kind: "help" });
      },
    );

    it.each(["--version", "-v"])("shows the version for %j", async (line) => {
      expect(await command(line)).toEqual({ kind: "version" });
    });

    it.each([
      ["--check-config app", "check"],
      ["--print-config app", "print"],
      ["--print-config", "print"],
      ["--explain", "explain"],
    ])("knows what %j asks for", async (line, kind) => {
      expect(await command(line)).toMatchObject({ kind });
    });

    it.each([
      ["", "no application is named: gateway MODULE[:EXPORT] (see gateway --help)"],
      ["--validate", "no application is named: gateway MODULE[:EXPORT] (see gateway --help)"],
      ["--check-config", "no application is named: gateway MODULE[:EXPORT] (see gateway --help)"],
      ["a b c", 'one application is served, "b" is too much (see gateway --help)'],
      ["--wrokers 4 app", "there is no flag --wrokers: did you mean --workers? (see gateway --help)"],
      ["--no-relaod app", "there is no flag --no-relaod: did you mean --no-reload? (see gateway --help)"],
      [
        "--no-workers app",
        "there is no flag --no-workers: --workers cannot be taken back, only given another value (see gateway --help)",
      ],
      ["--certfile x app", "there is no flag --certfile: write --tls-cert (see gateway --help)"],
      [
        "--threads=4 app",
        "there is no flag --threads: an application waits by awaiting; for more processes there is --workers (see gateway --help)",
      ],
      ["-x app", "there is no flag -x (see gateway --help)"],
      ["--toString app", "there is no flag --toString (see gateway --help)"],
      ["--__proto__ app", "there is no flag --__proto__ (see gateway --help)"],
      ["--validate=yes app", "--validate takes no value: --validate or --no-validate (see gateway --help)"],
      ["app -b", "-b needs a value: -b ADDRESS (see gateway --help)"],
      ["--bind= app", "--bind needs a value: --bind ADDRESS (see gateway --help)"],
      ["-b --validate app", "-b needs a value: -b ADDRESS (see gateway --help)"],
      ["-w 1 -w 2 app", "--workers is given twice (see gateway --help)"],
      ["--explain --print-config app", "--print-config and --explain are two commands: give one of them"],
      ["-w -1 app", '-w is "-1", which is not a whole number up to 1024'],
      ["-w 1.5 app", '-w is "1.5", which is not a whole number up to 1024'],
      ["--backlog 0 app", '--backlog is "0", which is not a whole number from 1 to 65535'],
      ["--timeout 10x app", '--timeout is "10x", which is not a duration like 500ms, 30s, 5m, 2h or a number of seconds'],
      [
        "--header-seconds 0 app",
        '--header-seconds is "0", which is not a duration like 500ms, 30s, 5m, 2h or a number of seconds from 1ms on, or unlimited',
      ],
      [
        "--header-bytes 16K app",
        '--header-bytes is "16K", which is not a size like 16KiB, 2MB, 1.5GiB or a number of bytes from 1B on',
      ],
      ["--max-memory 0% app", '--max-memory is "0%", which is not a percentage: write 1% to 100%'],
      ["--unix-mode 888 app", '--unix-mode is "888", which is not a file mode in octal digits, like 660'],
      ["--protocol htpt app", '--protocol is "htpt", which is not one of http, fastcgi, scgi, uwsgi: did you mean http?'],
      ["--protocol gopher app", '--protocol is "gopher", which is not one of http, fastcgi, scgi, uwsgi'],
      ["--protocol app", '--protocol is "app", which is not one of http, fastcgi, scgi, uwsgi'],
      [
        "--live-path alive app",
        '--live-path is "alive", which is not the path of a URL: it begins with / and has no spaces, ? or #',
      ],
      ["-e A app", '-e is "A", which is not NAME=VALUE, with a name of letters, digits and underscores'],
      ["-e 1A=2 app", '-e is "1A", which is not NAME=VALUE, with a name of letters, digits and underscores'],
      ["-b nowhere app", '-b: cannot bind "nowhere": a port is missing: nowhere:8000'],
      ["-b :80 -b :80 app", "-b has :80 twice"],
      ["-b :80 --metrics-bind :80 app", "--metrics-bind is :80, where the application is served: choose another address"],
      ["--tls-cert a.pem app", "--tls-cert needs its key: --tls-key PATH"],
      ["--tls-key a.pem app", "--tls-key needs its certificate: --tls-cert PATH"],
      ["--tls-ca a.pem app", "--tls-ca needs a key and a certificate: --tls-key PATH --tls-cert PATH"],
      ["--tls-key a.pem --tls-cert b.pem app", `--tls-key is ${here}/a.pem, which is not there or may not be read`],
      ["--chdir no.where app", `--chdir is ${here}/no.where, which is not a folder`],
      ["--ready-path /livez app", "--ready-path is /livez, and so is livePath: they tell two things"],
      ["--protocol scgi --silent-seconds 5 app", "--silent-seconds is not for scgi: http and fastcgi have it"],
      ["--protocol uwsgi --multiplex app", "--multiplex is not for uwsgi: only fastcgi has it"],
      ["--protocol fastcgi --tls-key a.pem app", "--tls-key is not for fastcgi: only http has it"],
      ["--mount /a app", "--mount is not for http: fastcgi and scgi and uwsgi have it"],
      ["--access-log - --access-log-format %Q app", '--access-log-format is "%Q": '],
      ["--config missing.json app", `--config is "missing.json", and there is no such file (looked for ${here}/missing.json)`],
    ])("refuses %j", async (line, message) => {
      expect(await failure(line)).toContain(message);
    });

    it("does not repeat what may be a secret", async () => {
      expect(await failure("-e =hunter2 app")).not.toContain("hunter2");
    });
  });

  describe("from the environment", () => {
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

  describe("from the config file", () => {
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
      [json({ env: ["A=1"] }), "env in gateway.config.json is an array, which is not an object of variables"],
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

  describe("gateway ctl", () => {
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

  describe("given nonsense", () => {
    const names = [...table.values()].map(({ flag, name }) => flag ?? name);
    const word = oneof(
      constantFrom(...names).map((name) => `--${name}`),
      constantFrom(...names).map((name) => `--no-${name}`),
      constantFrom(
        "-b",
        "-w",
        "-c",
        "-p",
        "-e",
        "-h",
        "-v",
        "-",
        "--",
        "ctl",
        "app",
        "none",
        "auto",
        "unlimited",
        "10s",
        "16KiB",
        "-1",
        "0",
        ":80",
      ),
      string({ unit: "grapheme", maxLength: 12 }),
      tuple(constantFrom(...names), string({ maxLength: 8 })).map(([name, value]) => `--${name}=${value}`),
    );
    const numRuns = isLong ? 100_000 : 10_000;
    const timeout = 900_000;

    async function answers(line: readonly string[], test: TestCase): Promise<void> {
      try {
        await command(line, test);
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        expect(error.message).not.toMatch(/[\r\n]/);
        expect(error.message.length).toBeLessThan(2000);
      }
    }

    it(
      "gives a command or one line",
      async () => {
        await assert(
          asyncProperty(array(word, { maxLength: 6 }), (line) => answers(line, {})),
          { numRuns },
        );
      },
      timeout,
    );

    it(
      "gives a command or one line for any environment",
      async () => {
        const variables = dictionary(
          constantFrom(
            "PORT",
            "WEB_CONCURRENCY",
            "LISTEN_FDS",
            "GATEWAY_CONFIG",
            ...[...table.values()].flatMap(({ variable }) => variable ?? []),
          ),
          word,
          { maxKeys: 4 },
        );
        await assert(
          asyncProperty(variables, (environment) => answers(["app"], { environment: { LISTEN_PID: "4711", ...environment } })),
          { numRuns: numRuns / 2 },
        );
      },
      timeout,
    );

    it(
      "gives a command or one line for any config file",
      async () => {
        const settings = dictionary(
          constantFrom(...table.keys()),
          oneof(word, anything({ withBigInt: true, withNullPrototype: true })),
          {
            maxKeys: 4,
          },
        );
        await assert(
          asyncProperty(oneof(settings, anything()), (exported) => answers(["app"], module(exported))),
          { numRuns: numRuns / 2 },
        );
      },
      timeout,
    );
  });
});
