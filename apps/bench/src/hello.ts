import type { LoadOrder, LoadResult } from "./load-process.ts";
import { conditions, Worker, type Usage } from "./processes.ts";
import type { RequestSet } from "./requests.ts";
import { median, quantile } from "./statistics.ts";

interface Slice {
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

const kinds = ["gateway", "node:http", "node:net"] as const;
const sets = ["one", "fresh", "thirteen"] as const;
const connectionCounts = [64, 256] as const;
const sliceMilliseconds = 700;
/** Slices of each server in each run; the first warms up and is not counted. */
const rounds = 4;
/** New processes for each: how V8 compiles and lays out a program differs from one process to the next, and stays so. */
const runs = 3;

type HeaderSet = (typeof sets)[number];
/** All slices of all runs, by kind; slices with the same place were measured one after the other. */
type Slices = readonly Slice[][];

/**
 * Our server, bare `node:http` and bare `node:net` in turn, slice by slice, so that what else the machine does hits all alike. CPU time per
 * request is the figure to trust; ratios are taken within a round, and the median over the rounds of three runs is shown.
 */
export async function hello(): Promise<void> {
  console.log(conditions());
  const results = new Map<string, Slices>();
  for (const set of sets)
    for (const connections of connectionCounts)
      results.set(
        `${set} ${connections}`,
        kinds.map(() => []),
      );
  for (let run = 0; run < runs; run++) await measure(results);
  for (const set of sets) {
    for (const connections of connectionCounts) print(set, connections, results.get(`${set} ${connections}`) ?? []);
  }
}

/** One run: a process for each server, and one for the load. */
async function measure(results: ReadonlyMap<string, Slices>): Promise<void> {
  const load = new Worker("./load-process.js", [], 1);
  const servers = kinds.map((kind) => new Worker("./server-process.js", [kind], 0));
  try {
    const ports = await Promise.all(servers.map(async (server) => (await server.message<{ port: number }>()).port));
    // Every kind of request once, so that no server is measured while the compiler still learns it.
    for (const set of sets) {
      for (const port of ports) {
        await load.ask({ port, connections: 64, milliseconds: sliceMilliseconds, set } satisfies LoadOrder);
        await load.message<LoadResult>();
      }
    }
    for (const set of sets) {
      for (const connections of connectionCounts) {
        await compare(load, servers, ports, set, connections, results.get(`${set} ${connections}`) ?? []);
      }
    }
    const memory = await Promise.all(servers.map(async (server) => (await server.ask<Usage>({})).rssBytes));
    console.log(
      `resident memory: ${kinds.map((kind, i) => `${kind} ${((memory[i] ?? 0) / 1024 / 1024).toFixed(0)} MiB`).join(", ")}`,
    );
  } finally {
    for (const worker of [load, ...servers]) worker.stop();
  }
}

async function compare(
  load: Worker,
  servers: readonly Worker[],
  ports: readonly number[],
  set: RequestSet,
  connections: number,
  slices: Slices,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const [i, server] of servers.entries()) {
      const order: LoadOrder = { port: ports[i] ?? 0, connections, milliseconds: sliceMilliseconds, set };
      await load.ask(order);
      const measured = load.message<LoadResult>();
      const before = await server.ask<Usage>({});
      const result = await measured;
      const after = await server.ask<Usage>({});
      if (round === 0) continue;
      slices[i]?.push({
        cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / result.requests,
        p50: quantile(result.latencies, 0.5),
        p99: quantile(result.latencies, 0.99),
        perSecond: (result.requests * 1000) / sliceMilliseconds,
      });
    }
  }
}

function print(set: HeaderSet, connections: number, slices: Slices): void {
  console.log(`\n${describeSet(set)}, ${connections} connections`);
  const [ours = []] = slices;
  for (const [i, kind] of kinds.entries()) {
    const of = slices[i] ?? [];
    const ratio = (pick: (slice: Slice) => number): string =>
      median(of.map((slice, at) => pick(slice) / (ours[at] === undefined ? Number.NaN : pick(ours[at])))).toFixed(2);
    const figure = (pick: (slice: Slice) => number, digits: number): string => median(of.map(pick)).toFixed(digits).padStart(8);
    console.log(
      `${kind.padEnd(10)} CPU ${figure((slice) => slice.cpu, 2)} µs/request  p50 ${figure((slice) => slice.p50, 2)} ms  p99 ${figure((slice) => slice.p99, 2)} ms` +
        `  ${figure((slice) => slice.perSecond, 0)} requests/s  ratio to ours: CPU ${ratio((slice) => slice.cpu)}, p99 ${ratio((slice) => slice.p99)}`,
    );
  }
}

function describeSet(set: RequestSet): string {
  return { one: "one request header", thirteen: "thirteen headers that repeat", fresh: "thirteen headers, fresh each time" }[set];
}
