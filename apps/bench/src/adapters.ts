import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LoadOrder, LoadResult } from "./load-process.ts";
import { conditions, pinned, Worker } from "./processes.ts";
import type { RequestSet } from "./requests.ts";
import { median } from "./statistics.ts";

const runtimes = new URL("../../../node_modules/.cache/gateway-runtimes/node_modules/.bin/", import.meta.url);
const bun = fileURLToPath(new URL("bun", runtimes));
const deno = fileURLToPath(new URL("deno", runtimes));

/** An adapter, what it stands beside, and what runs both. */
const pairs: readonly (readonly [adapter: string, bare: string, ...command: string[]])[] = [
  ["toNode", "node:http", process.execPath],
  ["fromNode", "node:http", process.execPath],
  ["fromNode(Express)", "Express", process.execPath],
  ["fromFetch(Hono)", "Hono, real", process.execPath],
  ["fromFetch(Hono), light", "Hono", process.execPath],
  ["toFetch", "bare fetch", bun],
  ["toFetch", "bare fetch", deno, "run", "-A"],
];
const sliceMilliseconds = 700;
/** Slices of each server; the first two warm up and are not counted. */
const rounds = 10;
const warmUp = 2;
/** Of `/proc/PID/stat`. */
const microsecondsPerTick = 10_000;

interface Slice {
  readonly cpu: number;
  readonly perSecond: number;
}

/** Hello through each adapter, and through what it stands beside, in alternating slices; with a word, only those whose name has it. */
export async function adapters(): Promise<void> {
  console.log(conditions());
  for (const [adapter, bare, program = "", ...args] of pairs) {
    if (!adapter.includes(process.argv[3] ?? "")) continue;
    if (!existsSync(program)) {
      console.log(`${adapter}: ${program} is missing (npm run test:runtimes gets it)`);
      continue;
    }
    for (const set of ["one", "thirteen"] as const) {
      const slices = await measure([adapter, bare], [program, ...args], set);
      print(`${set}: ${adapter}`, bare, program, slices);
    }
  }
}

async function measure(kinds: readonly string[], command: readonly string[], set: RequestSet): Promise<readonly Slice[][]> {
  const load = new Worker("./load-process.js", [], 1);
  const servers: Server[] = [];
  const slices: Slice[][] = kinds.map(() => []);
  try {
    for (const kind of kinds) servers.push(await Server.start(kind, command));
    for (let round = 0; round < rounds; round++) {
      for (const [i, server] of servers.entries()) {
        const order: LoadOrder = { port: server.port, connections: 64, milliseconds: sliceMilliseconds, set };
        await load.ask(order);
        const measured = load.message<LoadResult>();
        const before = server.cpuMicroseconds();
        const result = await measured;
        const cpu = (server.cpuMicroseconds() - before) / result.requests;
        if (round >= warmUp) slices[i]?.push({ cpu, perSecond: (result.requests * 1000) / sliceMilliseconds });
      }
    }
  } finally {
    load.stop();
    for (const server of servers) server.stop();
  }
  return slices;
}

function print(adapter: string, bare: string, program: string, [ours = [], theirs = []]: readonly Slice[][]): void {
  const ratio = (pick: (slice: Slice) => number): string =>
    median(ours.map((slice, at) => pick(slice) / pick(theirs[at] ?? { cpu: Number.NaN, perSecond: Number.NaN }))).toFixed(2);
  const cpu = (slices: readonly Slice[]): string => median(slices.map((slice) => slice.cpu)).toFixed(1);
  console.log(
    `${adapter} beside ${bare} (${program.split("/").at(-1)}): CPU ${cpu(ours)} and ${cpu(theirs)} µs/request, ratio ${ratio((slice) => slice.cpu)};` +
      ` requests/s ratio ${ratio((slice) => slice.perSecond)}`,
  );
}

/** A server in a process of its own, which may be no Node: it says its port on standard output, and its CPU time is read from the system. */
class Server {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(kind: string, command: readonly string[]): Promise<Server> {
    const file = fileURLToPath(new URL("./adapters-server-process.js", import.meta.url));
    const [program = "", ...args] = pinned([...command, file, kind], 0);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    return new Server(child, Number(line.slice("port ".length)));
  }

  cpuMicroseconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
  }

  stop(): void {
    this.#child.kill();
  }
}
