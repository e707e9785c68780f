import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { parseBind } from "../bind.ts";
import { errorLog } from "../logs/error-log.ts";
import type { Json } from "../manager/messages.ts";
import type { WorkerReport } from "../manager/manager.ts";
import { FakeManager, worker } from "../testing/fake-manager.ts";
import { Collector } from "./collector.ts";
import { measure } from "./measure.ts";
import { formatFor } from "./metrics-app.ts";
import { metricsCompanion, type MetricsCompanion } from "./metrics-companion.ts";
import { parseExposition, type Family } from "../testing/exposition-parser.ts";

const app: Application = (environ, startResponse) => {
  startResponse(environ.PATH_INFO === "/bad" ? "500 Internal Server Error" : "200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
};

let companion: MetricsCompanion | undefined;
afterEach(() => companion?.stop());

const silent = errorLog({ write() {} });

async function serve(manager: FakeManager, bind = "127.0.0.1:0"): Promise<string> {
  companion = metricsCompanion({ metricsBind: parseBind(bind), livePath: "/livez", readyPath: "/readyz" }, silent);
  await companion.start(manager);
  const address = companion.address();
  return address?.kind === "tcp" ? `http://127.0.0.1:${address.port}` : "";
}

/** A worker that has answered so many requests. */
async function reportOf(id: number, index: number, good: number, bad: number): Promise<WorkerReport> {
  const measurements = measure();
  const http = client(measurements.wrap(app));
  for (let i = 0; i < good; i++) await http.get("/");
  for (let i = 0; i < bad; i++) await http.get("/bad");
  const snapshot = JSON.parse(JSON.stringify(measurements.report())) as Json;
  measurements.close();
  const status = worker({ id, index });
  return { worker: status, numbers: status.numbers ?? expect.fail(), observers: { metrics: snapshot } };
}

async function scrape(url: string, format: "text" | "openmetrics" = "text"): Promise<ReadonlyMap<string, Family>> {
  const accept =
    format === "text" ? "*/*" : "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  const response = await fetch(`${url}/metrics`, { headers: { Accept: accept } });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain(
    format === "text" ? "text/plain; version=0.0.4" : "application/openmetrics-text; version=1.0.0",
  );
  return parseExposition(await response.text(), format);
}

function counts(families: ReadonlyMap<string, Family>): Record<string, number> {
  const samples = families.get("http_server_request_duration_seconds")?.samples ?? [];
  return Object.fromEntries(
    samples
      .filter(({ name }) => name.endsWith("_count"))
      .map(({ labels, value }) => [
        `${labels["http_request_method"]} ${labels["http_response_status_code"]} ${labels["error_type"] ?? ""}`.trimEnd(),
        value,
      ]),
  );
}

describe("metricsCompanion", () => {
  it.each(["text", "openmetrics"] as const)("adds up what the workers counted (%s)", async (format) => {
    const manager = new FakeManager();
    manager.answers = [await reportOf(1, 0, 3, 1), await reportOf(2, 1, 4, 0)];
    const families = await scrape(await serve(manager), format);
    expect(counts(families)).toEqual({ "GET 200": 7, "GET 500 500": 1 });
    expect(families.get("process_memory_usage_bytes")?.samples.map(({ labels }) => labels["worker"])).toEqual(["0", "1"]);
    expect(families.get("gateway_workers")?.samples.find(({ labels }) => labels["state"] === "ready")?.value).toBe(2);
    const restarts = families.get(format === "text" ? "gateway_worker_restarts_total" : "gateway_worker_restarts")?.samples;
    expect(restarts?.find(({ labels }) => labels["cause"] === "crash")?.value).toBe(2);
    expect(families.get("gateway_build_info")?.samples[0]?.labels["version"]).toBe("0.1.0");
  });

  it("never lets a total fall when workers go", async () => {
    const manager = new FakeManager();
    manager.answers = [await reportOf(1, 0, 3, 0), await reportOf(2, 1, 4, 0)];
    const url = await serve(manager);
    expect(counts(await scrape(url))).toEqual({ "GET 200": 7 });
    // It has answered two more, and says so before it ends; late words of those that have gone count nothing.
    const last = await reportOf(1, 0, 5, 0);
    manager.lastReport(last);
    manager.answers = [await reportOf(2, 1, 4, 0), await reportOf(3, 0, 1, 0)];
    manager.workers = [worker({ id: 2, index: 1 }), worker({ id: 3, index: 0 })];
    expect(counts(await scrape(url))).toEqual({ "GET 200": 10 });
    manager.lastReport(last);
    expect(counts(await scrape(url))).toEqual({ "GET 200": 10 });
    // One that was killed keeps what was known of it.
    manager.answers = [];
    manager.workers = [];
    const families = await scrape(url);
    expect(counts(families)).toEqual({ "GET 200": 10 });
    expect(families.get("process_memory_usage_bytes")).toBeUndefined();
  });

  it("counts a worker and its successor side by side while one replaces the other", async () => {
    const manager = new FakeManager();
    manager.workers = [worker({ id: 1, index: 0, state: "draining" }), worker({ id: 2, index: 0 })];
    manager.answers = [await reportOf(1, 0, 3, 0), await reportOf(2, 0, 1, 0)];
    const families = await scrape(await serve(manager));
    expect(counts(families)).toEqual({ "GET 200": 4 });
    expect(families.get("gateway_worker_connections")?.samples).toHaveLength(1);
  });

  it("asks the workers once for all who ask at the same time", async () => {
    const manager = new FakeManager();
    const collector = new Collector(manager);
    const pages = [collector.page("text"), collector.page("openmetrics")];
    await Promise.all(pages);
    expect(manager.asked).toBe(1);
    await collector.page("text");
    expect(manager.asked).toBe(2);
    collector.close();
    expect(manager.listeners).toBe(0);
  });

  it("says whether it is live and whether it is ready", async () => {
    const manager = new FakeManager();
    const url = await serve(manager);
    const ask = async (path: string): Promise<string> => {
      const response = await fetch(url + path);
      return `${response.status} ${(await response.text()).trim()}`;
    };
    expect([await ask("/livez"), await ask("/readyz")]).toEqual(["200 live", "200 ready"]);
    manager.change({ state: "draining", ready: false });
    expect([await ask("/livez"), await ask("/readyz")]).toEqual(["200 live", "503 draining"]);
    manager.change({ state: "starting", ready: false });
    manager.workers = [worker({ state: "booting" })];
    expect(await ask("/readyz")).toBe("503 starting");
    manager.change({ state: "serving", ready: true });
    expect(await ask("/readyz")).toBe("503 no worker is ready");
    manager.workers = [worker({ state: "ready" })];
    expect(await ask("/readyz")).toBe("200 ready");
    expect(await ask("/elsewhere")).toBe("404 There are /metrics, /livez, /readyz.");
    expect(await ask("/constructor")).toMatch(/^404/);
    const posted = await fetch(`${url}/metrics`, { method: "POST" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const head = await fetch(`${url}/metrics`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("listens on a Unix socket, and leaves nothing behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-metrics-"));
    const manager = new FakeManager();
    await serve(manager, `unix:${folder}/metrics.sock`);
    const status = await new Promise((resolve, reject) => {
      httpRequest({ socketPath: `${folder}/metrics.sock`, path: "/readyz" }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
    await companion?.stop();
    expect(manager.listeners).toBe(0);
    rmSync(folder, { recursive: true });
  });

  it("says in one line why it cannot listen", async () => {
    const url = await serve(new FakeManager());
    const taken = metricsCompanion(
      { metricsBind: parseBind(url.slice("http://".length)), livePath: "/livez", readyPath: "/readyz" },
      silent,
    );
    await expect(taken.start(new FakeManager())).rejects.toThrow(
      /^--metrics-bind: cannot listen on 127\.0\.0\.1:\d+: it is in use already: .* choose another address with --metrics-bind \(EADDRINUSE\)$/,
    );
    await taken.stop();
  });
});

describe("formatFor", () => {
  it.each([
    [undefined, "text"],
    ["*/*", "text"],
    ["text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text"],
    ["text/plain;version=0.0.4", "text"],
    ["application/openmetrics-text", "openmetrics"],
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "openmetrics",
    ],
    ["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.7", "text"],
    ["application/openmetrics-text;q=0", "text"],
    ["image/png", "text"],
  ])("reads %s as %s", (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});
