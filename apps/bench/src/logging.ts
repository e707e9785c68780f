import type { LoadOrder, LoadResult } from "./load-process.ts";
import type { LoggingResult } from "./logging-process.ts";
import { conditions, Worker, type Usage } from "./processes.ts";
import type { RequestSet } from "./requests.ts";
import { median } from "./statistics.ts";

const kinds = ["gateway combined", "gateway timed", "gateway json", "morgan", "pino-http"] as const;
const sets = ["one", "thirteen"] as const;
const sliceMilliseconds = 250;
const rounds = 25;
const warmUpRounds = 4;
const runs = 2;

/** What was measured of one kind, round by round, in microseconds of CPU time for one request. */
interface Figures {
  readonly bare: number[];
  readonly added: number[];
}

/**
 * What a line in a file adds to the CPU time of a request: ours to `@gateway/core` or `@gateway/server`, morgan's (combined) and pino-http's to
 * bare `node:http`; without a socket first, which is precise, and then with one. Each log is switched on and off in one server, slice by slice, because the differences between processes, and what else
 * the machine does, are greater than a line. Differences are taken within a pair of slices, and the median of all pairs is shown.
 */
export async function logging(): Promise<void> {
  console.log(conditions());
  await withoutSocket();
  const results = new Map(sets.map((set) => [set, kinds.map((): Figures => ({ bare: [], added: [] }))]));
  for (let run = 0; run < runs; run++) await measure(results);
  for (const set of sets) {
    print(`${set === "one" ? "one request header" : "thirteen request headers"}, 64 connections`, results.get(set) ?? []);
  }
}

const generations = 3;
const pairs = 40;

/** One request after the other within a process; a few processes of each kind, because no two compile alike. */
async function withoutSocket(): Promise<void> {
  const results = kinds.map((): Figures => ({ bare: [], added: [] }));
  for (let generation = 0; generation < generations; generation++) {
    const workers: Worker[] = [];
    try {
      for (const kind of kinds) {
        const worker = new Worker("./logging-process.js", [kind], 0);
        workers.push(worker);
        await worker.message();
      }
      for (let pair = 0; pair < pairs; pair++) {
        for (const [i, worker] of workers.entries()) {
          const { bare, logged } = await worker.ask<LoggingResult>({});
          results[i]?.bare.push(bare / 1000);
          results[i]?.added.push((logged - bare) / 1000);
        }
      }
    } finally {
      for (const worker of workers) worker.stop();
    }
  }
  print("without a socket", results);
}

/** One run: a process for each server, and one for the load. */
async function measure(results: ReadonlyMap<RequestSet, readonly Figures[]>): Promise<void> {
  const load = new Worker("./load-process.js", [], 1);
  const servers = kinds.map((kind) => new Worker("./logging-server-process.js", [kind], 0));
  try {
    const ports = await Promise.all(servers.map(async (server) => (await server.message<{ port: number }>()).port));
    for (const set of sets) {
      for (let round = -warmUpRounds; round < rounds; round++) {
        for (const [i, server] of servers.entries()) {
          const slice = (isLogged: boolean): Promise<number> => sliceOf(load, server, ports[i] ?? 0, set, isLogged);
          // Each comes first as often as the other.
          const first = await slice(round % 2 === 0);
          const second = await slice(round % 2 !== 0);
          if (round < 0) continue;
          const [logged, bare] = round % 2 === 0 ? [first, second] : [second, first];
          const figures = results.get(set)?.[i];
          figures?.bare.push(bare);
          figures?.added.push(logged - bare);
        }
      }
    }
  } finally {
    for (const worker of [load, ...servers]) worker.stop();
  }
}

async function sliceOf(load: Worker, server: Worker, port: number, set: RequestSet, isLogged: boolean): Promise<number> {
  await server.ask<Usage>({ isLogged });
  await load.ask({ port, connections: 64, milliseconds: sliceMilliseconds, set } satisfies LoadOrder);
  const measured = load.message<LoadResult>();
  const before = await server.ask<Usage>({});
  const { requests } = await measured;
  const after = await server.ask<Usage>({});
  return (after.cpuMicroseconds - before.cpuMicroseconds) / requests;
}

function print(title: string, results: readonly Figures[]): void {
  const ours = median(results[0]?.added ?? []);
  console.log(`\n${title}`);
  for (const [i, kind] of kinds.entries()) {
    const { bare = [], added = [] } = results[i] ?? {};
    const more = median(added);
    console.log(
      `${kind.padEnd(17)} a line adds ${more.toFixed(2).padStart(6)} µs of CPU time to ${median(bare).toFixed(2).padStart(6)} µs: ${(more / ours).toFixed(1)} times ours (combined)`,
    );
  }
}
