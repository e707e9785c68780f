import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bodyKinds, jsonBody, type BodyKind } from "./gzip-bodies.ts";
import type { CodedLoadOrder, CodedLoadResult } from "./gzip-load-process.ts";
import { codingNginx } from "./gzip-nginx.ts";
import { hasNginx } from "./nginx.ts";
import { conditions, Worker, type Usage } from "./processes.ts";
import { median, quantile } from "./statistics.ts";

interface Target {
  readonly name: string;
  readonly port: number;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

interface Row {
  readonly name: string;
  readonly coding: string;
  readonly bodyBytes: number;
  readonly cpu: number[];
  readonly perSecond: number[];
  readonly p99: number[];
}

const connections = 16;
const milliseconds = 600;
/** The first warms up and is not counted. */
const rounds = 8;

const peers = ["express + compression", "hono/compress"];
const ours = ["gateway", "gateway, their level", "gateway, their level, in the pool"];

/**
 * What it costs to code 100 KiB of JSON for each request, in alternating slices, servers on one core and the load on the other: our defaults,
 * the peers' defaults, and ours at the peers' level. CPU time holds the thread pool too. `npm run bench -- gzip` takes the sort of JSON
 * that an API gives; `npm run bench -- gzip KIND` another.
 */
export async function gzipBench(): Promise<void> {
  const kind = bodyKinds.find((known) => known === process.argv[3]) ?? "repositories";
  const body = jsonBody(kind);
  console.log(`${conditions()}; ${body.length} bytes of JSON: ${kind}`);
  const targets = [...(await Promise.all([...ours, ...peers, "none"].map((name) => start(name, kind)))), ...(await nginx(body))];
  const load = new Worker("./gzip-load-process.js", [], 1);
  try {
    for (const acceptEncoding of ["gzip", "br", "gzip, deflate, br, zstd"]) {
      print(acceptEncoding, await measure(load, targets, acceptEncoding));
    }
  } finally {
    load.stop();
    await Promise.all(targets.map((target) => target.stop()));
  }
}

async function start(name: string, kind: BodyKind): Promise<Target> {
  const worker = new Worker("./gzip-server-process.js", [name, kind], 0);
  const { port } = await worker.message<{ port: number }>();
  return { name, port, usage: () => worker.ask<Usage>({}), stop: async () => worker.stop() };
}

async function nginx(body: Buffer): Promise<Target[]> {
  const targets: Target[] = [];
  if (!hasNginx) return targets;
  for (const level of [1, 6]) {
    const folder = mkdtempSync(join(tmpdir(), "gateway-bench-nginx-"));
    const server = await codingNginx(body, level, folder, 0);
    targets.push({
      name: `nginx, gzip_comp_level ${level}`,
      port: server.port,
      usage: async () => server.usage(),
      async stop() {
        await server.stop();
        rmSync(folder, { recursive: true });
      },
    });
  }
  return targets;
}

async function measure(load: Worker, targets: readonly Target[], acceptEncoding: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { name, port } of targets) {
    const { coding, bodyBytes } = await answer(port, acceptEncoding);
    rows.push({ name, coding, bodyBytes, cpu: [], perSecond: [], p99: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of targets.entries()) {
      const before = await target.usage();
      const order: CodedLoadOrder = { port: target.port, acceptEncoding, connections, milliseconds };
      const result = await load.ask<CodedLoadResult>(order);
      const after = await target.usage();
      if (round === 0) continue;
      rows[i]?.cpu.push((after.cpuMicroseconds - before.cpuMicroseconds) / result.requests);
      rows[i]?.perSecond.push((result.requests * 1000) / milliseconds);
      rows[i]?.p99.push(quantile(result.latencies, 0.99));
    }
  }
  return rows;
}

/** One answer, to see what it was coded in, and how long it became. */
function answer(port: number, acceptEncoding: string): Promise<{ coding: string; bodyBytes: number }> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", agent: false, headers: { "Accept-Encoding": acceptEncoding } };
    get(options, (response) => {
      let bodyBytes = 0;
      response.on("data", (chunk: Buffer) => (bodyBytes += chunk.length));
      response.on("end", () => resolve({ coding: response.headers["content-encoding"] ?? "none", bodyBytes }));
    }).on("error", reject);
  });
}

function print(acceptEncoding: string, rows: readonly Row[]): void {
  console.log(`\nAccept-Encoding: ${acceptEncoding}`);
  const reference = rows.find(({ name }) => name === "gateway");
  const theirLevel = rows.find(({ name }) => name === "gateway, their level");
  for (const row of rows) {
    // Ratios within a round, so that what else the machine does hits both.
    const ratio = (to: Row | undefined): string =>
      median(row.cpu.map((cpu, i) => cpu / (to?.cpu[i] ?? Number.NaN)))
        .toFixed(2)
        .padStart(5);
    const size = ((reference?.bodyBytes ?? Number.NaN) / row.bodyBytes).toFixed(3);
    console.log(
      `${row.name.padEnd(34)} ${row.coding.padEnd(5)} ${String(row.bodyBytes).padStart(6)} bytes  CPU ${median(row.cpu).toFixed(0).padStart(5)} µs/request` +
        `  ${median(row.perSecond).toFixed(0).padStart(5)} requests/s  p99 ${median(row.p99).toFixed(1).padStart(5)} ms` +
        `  CPU to our default ${ratio(reference)}, to ours at their level ${ratio(theirLevel)}; our default is ${size} of its size`,
    );
  }
}
