import { describe, expect, it } from "vitest";
import { deploymentRemarks } from "./deployment-checks.ts";
import type { Environment } from "./setting.ts";
import { here, resolved, testHost } from "../testing/test-settings.ts";

const files = { [`${here}/k`]: "", [`${here}/c`]: "" };

async function remarks(line: string, environment: Environment = {}, isRoot = false): Promise<readonly string[]> {
  const { settings, sources } = await resolved(`${line} app`, { environment, files });
  return deploymentRemarks({ settings, sources, environment, host: testHost({}, { isRoot }) });
}

describe("deploymentRemarks", () => {
  it.each([
    "",
    "-w 4",
    "-w auto --timeout 1m",
    "-b unix:a.sock --unix-mode 660",
    "-b unix:a.sock --umask 007",
    "--protocol fastcgi",
    "--protocol scgi -b :9000 --allowed-address 10.0.0.1",
    "--keep-alive-seconds 20 --front-idle-seconds 10",
    "--secure-cookies --trusts-proxy",
    "--secure-cookies --tls-key k --tls-cert c",
    "-w 4 --pool-size 10 --database-connections 50",
    "-w 1 --memory-state sessions",
    "--graceful-timeout 60 --drain-delay 10 --termination-seconds 90",
    "-w 2 --max-requests 1000 --max-requests-jitter 100",
    "--metrics-bind 127.0.0.1:9090 --live-path /alive",
    "-w 4 --max-memory 20%",
    "--reload --reload-extra views",
  ])("has nothing to say of %j", async (line) => {
    expect(await remarks(line)).toEqual([]);
  });

  it.each([
    ["--keep-alive-seconds 5", /^keepAliveSeconds is 5s, and load balancers use a connection again for 60s: .* Make it 75s/],
    ["--protocol fastcgi --keep-alive-seconds 60", /^keepAliveSeconds is 60s/],
    ["--protocol scgi -b :9000", /^whoever reaches :9000 can claim to be the front server, with any REMOTE_USER/],
    ["--secure-cookies", /^the application sets Secure cookies, and every request looks like plain http/],
    ["--metrics-bind :9090", /^metrics are shown to whoever reaches :9090/],
    [
      "-w 4 --memory-state sessions --memory-state rate-limits",
      /^each of the 4 workers keeps its own sessions and rate-limits in memory/,
    ],
    [
      "-w 4 --pool-size 25 --database-connections 100",
      /^4 workers with 25 database connections each, and one more during a reload, are 125, .* make the pool 20/,
    ],
    ["-w 32", /^32 workers share 4 CPUs/],
    ["-w 4 --max-memory 4GiB", /^4 workers may use 4\.0GiB each, and there are 8\.0GiB in all\. Make it 20%\.$/],
    ["-w 2 --max-requests 1000", /^all workers reach maxRequests at about the same time: add maxRequestsJitter, 100/],
    ["--timeout 0", /^timeout is 0: a worker whose event loop is blocked/],
    ["--boot-timeout 0", /^bootTimeout is 0: /],
    [
      "-w 0 --boot-timeout 5s --node-option=--stack-size=900 --control-socket ctl",
      /^with 0 workers nobody watches the process: bootTimeout, nodeOptions, controlSocket have no effect\.$/,
    ],
    ["-w 0 --reload --max-memory 1GiB", /^with 0 workers nobody watches the process: maxMemory, reload have no effect\.$/],
    ["--graceful-timeout 31", /^a stop may take 31s .* kills it after 30s/],
    ["--drain-delay 5", /^a stop may take 35s/],
    ["--request-seconds 60", /^requests may take 60s, and a stopping worker cuts them after 30s/],
    ["--header-seconds unlimited", /^headerSeconds is unlimited/],
    ["--keep-alive-seconds unlimited --silent-seconds unlimited", /^silentSeconds, keepAliveSeconds are unlimited/],
    ["-b unix:a.sock", /^the umask decides who may connect to unix:a\.sock: write unixMode, 660/],
    ["-b unix:a.sock --unix-mode 666", /^every user of this machine may connect to unix:a\.sock \(mode 666\)/],
    ["--unix-mode 660", /^unixMode has no effect/],
    ["--user www-data", /^only root may change users and owners/],
    ["-b unix:a.sock --unix-mode 660 --unix-owner www-data", /^only root may change users and owners/],
    ["--control-socket-mode 660", /^others than its owner may stop the site over its control socket \(mode 660\)/],
    ["--control-socket c.sock --control-socket-mode 660", /^others than its owner may stop the site over .*c\.sock \(mode 660\)/],
    ["--max-requests-jitter 5", /^maxRequestsJitter has no effect without maxRequests/],
    ["--reload-extra views", /^reloadExtra has no effect without reload/],
    ["--access-log-format json", /^accessLogFormat has no effect without accessLog/],
    ["--no-control-socket --control-socket-mode 600", /^controlSocketMode has no effect without controlSocket/],
    ["--ready-path /ok", /^livePath and readyPath are served where the metrics are/],
  ])("warns of %j, and of nothing else", async (line, remark) => {
    const said = await remarks(line);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(remark);
  });

  it("knows that a FastCGI server may be told its front servers by who starts it", async () => {
    const told = { FCGI_WEB_SERVER_ADDRS: "10.0.0.1" };
    expect(await remarks("--protocol fastcgi -b :9000", told)).toEqual([]);
    expect(await remarks("--protocol fastcgi -b :9000")).toHaveLength(1);
    expect(await remarks("--protocol uwsgi -b :9000", told)).toHaveLength(1);
  });

  it("warns of root without a user", async () => {
    expect(await remarks("", {}, true)).toEqual(["the application runs as root: name a user with --user."]);
    expect(await remarks("--user www-data", {}, true)).toEqual([]);
  });

  it("warns of what is for development, in production", async () => {
    const production = { NODE_ENV: "production" };
    expect(await remarks("--reload --validate", production)).toEqual([expect.stringMatching(/^reload and validate cost time/)]);
    expect(await remarks("", production)).toEqual([]);
  });

  it("names variables that look like settings and are none, but not those of Kubernetes", async () => {
    const environment = {
      GATEWAY_COLOUR: "red",
      GATEWAY_PORT: "tcp://10.0.0.1:80",
      GATEWAY_SERVICE_HOST: "10.0.0.1",
      GATEWAY_INTERFACE: "CGI/1.1",
    };
    expect(await remarks("", environment)).toEqual([expect.stringMatching(/^no setting is called GATEWAY_COLOUR: /)]);
  });
});
