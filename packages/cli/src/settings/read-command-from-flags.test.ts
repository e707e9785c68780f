import { describe, expect, it } from "vitest";
import { command, failure, here, resolved } from "../testing/test-settings.ts";

describe("readCommand, from flags", () => {
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
    ["--timeout 30sec app", "5m, 2h or a number of seconds: did you mean 30s?"],
    ["--max-memory 200M app", "1.5GiB or a number of bytes: did you mean 200MB or 200MiB?"],
    ["--max-memory 0% app", '--max-memory is "0%", which is not a percentage: write 1% to 100%'],
    ["--unix-mode 888 app", '--unix-mode is "888", which is not a file mode in octal digits, like 660'],
    ["--protocol htpt app", '--protocol is "htpt", which is not one of http, fastcgi, scgi, uwsgi: did you mean http?'],
    ["--protocol gopher app", '--protocol is "gopher", which is not one of http, fastcgi, scgi, uwsgi'],
    ["--protocol app", '--protocol is "app", which is not one of http, fastcgi, scgi, uwsgi'],
    ["--live-path alive app", '--live-path is "alive", which is not the path of a URL: it begins with / and has no spaces, ? or #'],
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
    ["--check-config --access-log-format %Q app", '--access-log-format is "%Q": '],
    ["--access-log - --access-log-format %Q app", '--access-log-format is "%Q": '],
    ["--config missing.json app", `--config is "missing.json", and there is no such file (looked for ${here}/missing.json)`],
  ])("refuses %j", async (line, message) => {
    expect(await failure(line)).toContain(message);
  });

  it("does not repeat what may be a secret", async () => {
    expect(await failure("-e =hunter2 app")).not.toContain("hunter2");
  });
});
