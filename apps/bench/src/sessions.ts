import { hasProgram, startRedis } from "@gateway/testing/programs";
import { conditions, Worker, type Usage } from "./processes.ts";
import type { VisitorsOrder, VisitorsResult } from "./sessions-load-process.ts";
import { median } from "./statistics.ts";

const connections = 64;
const sliceMilliseconds = 1000;
const rounds = 7;
/** Rounds that only warm up: the compiler takes its time. */
const warmups = 3;

/** What is measured, each with the bare server that it stands on. */
const groups: readonly { readonly bare: string; readonly layers: readonly string[] }[] = [
  { bare: "gateway", layers: ["gateway, sealed cookie", "gateway, memory store", "gateway, Redis store"] },
  { bare: "node:http", layers: ["express-session, memory store", "cookie-session", "express-session, connect-redis"] },
  { bare: "fastify", layers: ["@fastify/secure-session"] },
];

const needsRedis = (kind: string): boolean => /redis/i.test(kind);

/**
 * What a session costs for each request, in CPU time of the server: read a counter, add one, save it. All servers in turn, slice by slice; what a layer adds is taken
 * against its own bare server within a round, and the median of the rounds is shown. Redis itself is a process of its own, and not counted.
 */
export async function sessionsBench(): Promise<void> {
  console.log(conditions());
  const redis = hasProgram("redis-server") ? await startRedis() : undefined;
  if (redis === undefined) console.log("redis-server is not installed: left out");
  const kinds = groups.flatMap(({ bare, layers }) => [bare, ...layers]).filter((kind) => redis !== undefined || !needsRedis(kind));
  const load = new Worker("./sessions-load-process.js", [], 1);
  const servers = new Map(
    kinds.map((kind) => [kind, new Worker("./sessions-server-process.js", [kind, redis?.address.path ?? ""], 0)]),
  );
  try {
    const ports = new Map<string, number>();
    for (const [kind, server] of servers) ports.set(kind, (await server.message<{ port: number }>()).port);
    const figures = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
    for (let round = -warmups; round < rounds; round++) {
      for (const [kind, server] of servers) {
        const cpu = await slice(kind, server, load, ports.get(kind) ?? 0);
        if (round >= 0) figures.get(kind)?.push(cpu);
      }
    }
    show(figures);
  } finally {
    for (const worker of [load, ...servers.values()]) worker.stop();
    await redis?.[Symbol.asyncDispose]();
  }
}

/** CPU time for each request, in microseconds. */
async function slice(kind: string, server: Worker, load: Worker, port: number): Promise<number> {
  const before = await server.ask<Usage>({});
  const isBare = groups.some(({ bare }) => bare === kind);
  // As long as those of the sessions, so that a layer is not charged for what the server takes to read it.
  const order: VisitorsOrder = { port, connections, milliseconds: sliceMilliseconds, cookieBytes: isBare ? 110 : 0 };
  const { requests, counted } = await load.ask<VisitorsResult>(order);
  const after = await server.ask<Usage>({});
  // Who does not save is fast.
  if (!isBare && counted !== requests) throw new Error(`${kind}: ${requests} requests, and ${counted} were counted`);
  return (after.cpuMicroseconds - before.cpuMicroseconds) / requests;
}

function show(figures: ReadonlyMap<string, readonly number[]>): void {
  console.log(`\n${"".padEnd(32)} CPU µs/request   added`);
  for (const { bare, layers } of groups) {
    for (const kind of [bare, ...layers]) {
      const own = figures.get(kind);
      if (own === undefined) continue;
      const base = figures.get(bare) ?? [];
      const added = median(own.map((cpu, round) => cpu - (base[round] ?? Number.NaN)));
      console.log(
        `${kind.padEnd(32)} ${median(own).toFixed(1).padStart(14)} ${kind === bare ? "" : `+${added.toFixed(1)}`.padStart(7)}`,
      );
    }
  }
}
