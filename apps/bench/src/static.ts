import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasNginx } from "./nginx.ts";
import { conditions, Worker, type Usage } from "./processes.ts";
import { staticNginx } from "./static-nginx.ts";
import type { FileLoadOrder, FileLoadResult } from "./static-load-process.ts";
import { median } from "./statistics.ts";

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly connections: number;
}

const kibibyte = 1024;
const sizes: readonly Size[] = [
  { name: "1 KiB", bytes: kibibyte, connections: 64 },
  { name: "100 KiB", bytes: 100 * kibibyte, connections: 64 },
  { name: "10 MiB", bytes: 10 * kibibyte * kibibyte, connections: 8 },
];
const kinds = ["gateway", "gateway, 16 MiB in memory", "sirv", "serve-static", "@fastify/static"] as const;
const sliceMilliseconds = 1000;
const rounds = 5;

/** A server under test. */
interface Contestant {
  readonly name: string;
  readonly port: number;
  usage(): Usage | Promise<Usage>;
  stop(): void | Promise<void>;
}

interface Slice {
  readonly cpu: number;
  readonly perSecond: number;
}

/**
 * Files of three sizes from `@gateway/static`, its peers, and nginx in turn, slice by slice. The bytes are compared by their count, the heads
 * have the same headers but for what a server calls itself. CPU time per request is the figure to trust; ratios are taken within a round.
 */
export async function staticFilesBench(): Promise<void> {
  console.log(conditions());
  if (!hasNginx) console.log("nginx is missing, or its CPU time cannot be read: it is left out");
  const folder = mkdtempSync(join(tmpdir(), "gateway-bench-static-"));
  const load = new Worker("./static-load-process.js", [], 1);
  const contestants: Contestant[] = [];
  try {
    for (const { name, bytes } of sizes) {
      const file = join(folder, fileName(name));
      writeFileSync(file, Buffer.alloc(bytes, "The quick brown fox jumps over the lazy dog.\n"));
      // Long ago, so that its entity tag is strong.
      utimesSync(file, 1_700_000_000, 1_700_000_000);
    }
    contestants.push(...(await Promise.all(kinds.map((kind) => startNode(kind, folder)))));
    if (hasNginx) contestants.push(await startNginx(folder));
    for (const size of sizes) await compare(load, contestants, size);
  } finally {
    load.stop();
    await Promise.all(contestants.map(async (contestant) => contestant.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function fileName(size: string): string {
  return `${size.replace(" ", "-")}.txt`;
}

async function startNode(name: string, root: string): Promise<Contestant> {
  const worker = new Worker("./static-server-process.js", [name, root], 0);
  const { port } = await worker.message<{ port: number }>();
  return { name, port, usage: () => worker.ask<Usage>({}), stop: () => worker.stop() };
}

async function startNginx(root: string): Promise<Contestant> {
  const nginx = await staticNginx(root, join(root, ".nginx"), 0);
  return { name: "nginx", port: nginx.port, usage: () => nginx.usage(), stop: () => nginx.stop() };
}

async function compare(load: Worker, contestants: readonly Contestant[], size: Size): Promise<void> {
  const slices: Slice[][] = contestants.map(() => []);
  console.log(`\n${size.name}, ${size.connections} connections`);
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const { name, port } = contestant;
      const order: FileLoadOrder = {
        port,
        path: `/${fileName(size.name)}`,
        connections: size.connections,
        milliseconds: sliceMilliseconds,
      };
      const before = await contestant.usage();
      const result = await load.ask<FileLoadResult>(order);
      const after = await contestant.usage();
      if (result.bodyBytes !== size.bytes) throw new Error(`${name} answers with ${result.bodyBytes} bytes, not ${size.bytes}`);
      if (round === 0) continue;
      // Of a slice in which little was finished, what was begun counts too; but all began alike.
      slices[i]?.push({
        cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / result.requests,
        perSecond: (result.requests * 1000) / result.milliseconds,
      });
    }
  }
  const [ours = []] = slices;
  for (const [i, { name }] of contestants.entries()) {
    const of = slices[i] ?? [];
    const ratio = (pick: (slice: Slice) => number): string =>
      median(of.map((slice, round) => pick(slice) / pick(ours[round] ?? { cpu: Number.NaN, perSecond: Number.NaN }))).toFixed(2);
    const figure = (pick: (slice: Slice) => number, digits: number): string => median(of.map(pick)).toFixed(digits).padStart(9);
    console.log(
      `${name.padEnd(26)} CPU ${figure(({ cpu }) => cpu, 1)} µs/request  ${figure(({ perSecond }) => perSecond, 0)} requests/s` +
        `  to ours: CPU ${ratio(({ cpu }) => cpu)}, requests/s ${ratio(({ perSecond }) => perSecond)}`,
    );
  }
}
