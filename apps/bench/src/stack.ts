import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conditions, Worker, type Usage } from "./processes.ts";
import type { RequestSet } from "./requests.ts";
import type { StackOrder, StackResult } from "./stack-load-process.ts";
import { median } from "./statistics.ts";

const kinds = ["gateway", "gateway, bare", "node:http, bare", "fastify", "hono", "koa", "express"] as const;
const sets: readonly (readonly [set: RequestSet, name: string])[] = [
  ["one", "one request header"],
  ["thirteen", "thirteen headers that repeat, as of a browser"],
  ["fresh", "thirteen headers, fresh each time"],
];
const connections = 64;
const sliceMilliseconds = 700;
const rounds = 7;
/** Rounds that only warm up. */
const warmups = 3;

/**
 * A stack switched on around hello: an access log in a file, gzip negotiated (the body is too short to be coded), a session that nobody touches, static files among which it is not, and a
 * router. Ours against bare `node:http` without any of it, and against frameworks with their own five. All in turn, slice by slice; ratios are taken within a round.
 */
export async function stack(): Promise<void> {
  console.log(conditions());
  const folder = await mkdtemp(join(tmpdir(), "gateway-bench-stack-"));
  await mkdir(join(folder, "public"));
  await writeFile(join(folder, "public/style.css"), "a { color: red }\n");
  const load = new Worker("./stack-load-process.js", [], 1);
  const servers = kinds.map((kind) => new Worker("./stack-server-process.js", [kind, folder], 0));
  try {
    const ports = await Promise.all(servers.map(async (server) => (await server.message<{ port: number }>()).port));
    for (const [set, name] of sets) {
      const figures = kinds.map((): number[] => []);
      let requests = 0;
      for (let round = -warmups; round < rounds; round++) {
        for (const [i, server] of servers.entries()) {
          const before = await server.ask<Usage>({});
          const order: StackOrder = { port: ports[i] ?? 0, connections, milliseconds: sliceMilliseconds, set };
          const result = await load.ask<StackResult>(order);
          const after = await server.ask<Usage>({});
          if (!result.answer.startsWith("HTTP/1.1 200") || !result.answer.endsWith("Hello, world!\n")) {
            throw new Error(`${kinds[i]} answered ${result.answer}`);
          }
          requests += result.requests;
          if (round >= 0) figures[i]?.push((after.cpuMicroseconds - before.cpuMicroseconds) / result.requests);
        }
      }
      print(name, figures);
      if (requests === 0) throw new Error("nothing was measured");
    }
    await checkLogs(folder);
  } finally {
    for (const worker of [load, ...servers]) worker.stop();
    await rm(folder, { recursive: true });
  }
}

function print(name: string, figures: readonly (readonly number[])[]): void {
  console.log(`\n${name}, ${connections} connections`);
  const [ours = []] = figures;
  for (const [i, kind] of kinds.entries()) {
    const of = figures[i] ?? [];
    const ratio = median(of.map((cpu, round) => cpu / (ours[round] ?? Number.NaN)));
    console.log(`${kind.padEnd(18)} CPU ${median(of).toFixed(2).padStart(8)} µs/request  ratio to ours ${ratio.toFixed(2)}`);
  }
}

/** Who writes no log is fast. */
async function checkLogs(folder: string): Promise<void> {
  const logs = (await readdir(folder)).filter((name) => name.endsWith(".log"));
  const stacks = kinds.filter((kind) => !kind.endsWith("bare"));
  if (logs.length !== stacks.length) throw new Error(`there are ${logs.length} logs of ${stacks.length}`);
  for (const log of logs) if ((await stat(join(folder, log))).size < 100_000) throw new Error(`${log} is nearly empty`);
}
