import { setTimeout as wait } from "node:timers/promises";
import { children, Command } from "./command.ts";
import { Connection } from "./connection.ts";
import { conditions } from "./processes.ts";
import { median, quantile } from "./statistics.ts";

const clients = 16;
const reloads = 20;
const kills = 5;
/** Between two requests of a client: the processors are not to be the limit. */
const pauseMilliseconds = 2;

/** What reloads and killed workers cost under a load of kept connections: 2 workers, GET and POST. */
export async function reload(): Promise<void> {
  console.log(conditions());
  const bootMilliseconds = await bootTime();
  const command = await Command.start(["--workers", "2"]);
  const port = Number(new URL(command.origin).port);
  const latencies: number[] = [];
  const failures: string[] = [];
  const stop = new AbortController();
  const load = Promise.all(Array.from({ length: clients }, (_, i) => client(port, i, latencies, failures, stop.signal)));
  try {
    await wait(3000);
    const [before, begun] = [latencies.length, performance.now()];
    const durations: number[] = [];
    for (let i = 0; i < reloads; i++) {
      const reloadedBefore = reloaded(command);
      const at = performance.now();
      command.child.kill("SIGHUP");
      while (reloaded(command) === reloadedBefore) await wait(5);
      durations.push(performance.now() - at);
    }
    const during = latencies.slice(before);
    const seconds = (performance.now() - begun) / 1000;
    stop.abort();
    await load;
    console.log(
      `${reloads} reloads in ${seconds.toFixed(1)} s: each ${median(durations).toFixed(0)} ms, at most ${Math.max(...durations).toFixed(0)}; ` +
        `${during.length} requests, ${failures.length} failed, p50 ${quantile(during, 0.5).toFixed(1)} ms, p99 ${quantile(during, 0.99).toFixed(1)} ms`,
    );
    for (const failure of failures.slice(0, 5)) console.log(`  ${failure}`);
    await killWorkers(command, bootMilliseconds);
  } finally {
    stop.abort();
    await command.stop();
  }
}

/** From the start of the command to its first answer, with one process: what a worker cannot be quicker than. */
async function bootTime(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const at = performance.now();
    const command = await Command.start(["--workers", "0"]);
    times.push(performance.now() - at);
    await command.stop();
  }
  return median(times);
}

async function killWorkers(command: Command, bootMilliseconds: number): Promise<void> {
  const parent = command.child.pid ?? 0;
  const replaced: number[] = [];
  const port = Number(new URL(command.origin).port);
  for (let i = 0; i < kills; i++) {
    // A worker that has served for less than this is the next of a crash loop, and is not replaced at once.
    await wait(11_000);
    const before = children(parent);
    const [victim] = before;
    if (victim === undefined) continue;
    const at = performance.now();
    process.kill(victim, "SIGKILL");
    for (let isThere = false; !isThere;) {
      const connection = new Connection(port);
      try {
        await connection.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        isThere = connection.pid !== undefined && !before.includes(connection.pid);
      } catch {
        // It had come to the one that was killed.
      }
      connection.leave();
    }
    replaced.push(performance.now() - at);
  }
  const beyond = median(replaced) - bootMilliseconds;
  console.log(
    `a killed worker's successor answers after ${median(replaced).toFixed(0)} ms; a process of its own needs ${bootMilliseconds.toFixed(0)} ms: ${beyond.toFixed(0)} ms beyond that`,
  );
}

async function client(port: number, index: number, latencies: number[], failures: string[], stop: AbortSignal): Promise<void> {
  const requests = ["GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"];
  let connection: Connection | undefined;
  for (let turn = index; !stop.aborted; turn++) {
    const asked = (connection ??= new Connection(port));
    const at = performance.now();
    try {
      const { status, closes } = await asked.ask(requests[turn % requests.length] ?? "");
      latencies.push(performance.now() - at);
      if (status !== 200) failures.push(`status ${status}`);
      if (closes) connection = asked.leave();
    } catch (error) {
      failures.push(String(error));
      connection = asked.leave();
    }
    await wait(pauseMilliseconds);
  }
  connection?.leave();
}

function reloaded(command: Command): number {
  return command.lines.filter((line) => line.includes("reloaded: ")).length;
}
