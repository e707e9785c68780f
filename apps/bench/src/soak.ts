import { setMaxListeners } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { children, Command } from "./command.ts";
import { Connection } from "./connection.ts";
import { conditions } from "./processes.ts";
import { median } from "./statistics.ts";

const clients = 24;
const attackers = 60;
const timeoutSeconds = 2;
/** How often each thing is done to it, in seconds. */
const every = { reload: 20, kill: 31, block: 47, scale: 37, measure: 5 };

/** What is seen of it while all that happens. */
interface Tally {
  answered: number;
  /** Requests that failed with a worker that was killed or blocked on purpose. */
  intended: number;
  readonly failures: string[];
  readonly parentBytes: number[];
  readonly workerBytes: number[];
}

/** Everything at once for some minutes: honest and hostile clients, reloads, killed and blocked workers, more and fewer of them. */
export async function soak(): Promise<void> {
  const minutes = Number(process.argv[3] ?? 10);
  console.log(conditions());
  const command = await Command.start(["--workers", "2", "--timeout", `${timeoutSeconds}s`, "--max-requests", "200000"]);
  const parent = command.child.pid ?? 0;
  const port = Number(new URL(command.origin).port);
  const tally: Tally = { answered: 0, intended: 0, failures: [], parentBytes: [], workerBytes: [] };
  const doomed = new Set<number>();
  const stop = new AbortController();
  // As many as there are clients.
  setMaxListeners(0, stop.signal);
  const done: Record<"reload" | "kill" | "block" | "scale", number> = { reload: 0, kill: 0, block: 0, scale: 0 };

  const descriptorsBefore = descriptors(parent);
  const running = [
    ...Array.from({ length: clients }, (_, i) => honest(port, i, tally, doomed, stop.signal)),
    ...Array.from({ length: attackers }, (_, i) => attack(port, i, stop.signal)),
    repeatedly(every.reload, stop.signal, () => {
      done.reload++;
      command.child.kill("SIGHUP");
    }),
    repeatedly(every.kill, stop.signal, () => {
      const [victim] = children(parent);
      if (victim === undefined) return;
      done.kill++;
      doomed.add(victim);
      process.kill(victim, "SIGKILL");
    }),
    repeatedly(every.block, stop.signal, () => {
      done.block++;
      return blockOne(port, doomed);
    }),
    repeatedly(every.scale, stop.signal, () => {
      command.child.kill(done.scale++ % 2 === 0 ? "SIGTTIN" : "SIGTTOU");
    }),
    repeatedly(every.measure, stop.signal, () => {
      tally.parentBytes.push(residentBytes(parent));
      tally.workerBytes.push(Math.max(0, ...children(parent).map(residentBytes)));
    }),
  ];
  await wait(minutes * 60_000);
  stop.abort();
  await Promise.all(running);
  // What was under way ends, and idle connections are let go.
  await wait(3000);
  const descriptorsAfter = descriptors(parent);
  const status = await command.stop();

  const deaths = command.lines.filter((line) => /worker/.test(line) && /(died|ended|killed|blocked)/.test(line));
  const quarter = Math.max(1, tally.parentBytes.length >> 2);
  const growth = (bytes: readonly number[]): string => {
    const [early, late] = [median(bytes.slice(quarter, 2 * quarter)), median(bytes.slice(-quarter))];
    return `${megabytes(early)} to ${megabytes(late)} MiB (${(((late - early) / early) * 100).toFixed(1)} %)`;
  };
  console.log(
    `${minutes} minutes: ${done.reload} reloads, ${done.kill} kills, ${done.block} blocked loops, ${done.scale} times a worker more or less`,
  );
  console.log(
    `${tally.answered} requests answered, ${tally.intended} lost with a worker that was killed or blocked, ${tally.failures.length} failed otherwise`,
  );
  for (const failure of tally.failures.slice(0, 10)) console.log(`  ${failure}`);
  console.log(`memory of the parent ${growth(tally.parentBytes)}, of the largest worker ${growth(tally.workerBytes)}`);
  console.log(`descriptors of the parent: ${descriptorsBefore} before, ${descriptorsAfter} after`);
  console.log(`exit status ${status}; ${deaths.length} lines of the log tell of workers that ended`);
}

async function repeatedly(seconds: number, signal: AbortSignal, act: () => void | Promise<void>): Promise<void> {
  for (;;) {
    await wait(seconds * 1000, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    await act();
  }
}

/** Sends one request after the other on a connection that is kept, and a new one when the server says close. */
async function honest(port: number, index: number, tally: Tally, doomed: ReadonlySet<number>, stop: AbortSignal): Promise<void> {
  const body = "x".repeat(20_000);
  const requests = [
    "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
    `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    "GET /burn?2 HTTP/1.1\r\nHost: x\r\n\r\n",
    `GET /slow?${50 + index} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ];
  let connection: Connection | undefined;
  for (let turn = index; !stop.aborted; turn++) {
    const asked = (connection ??= new Connection(port));
    const request = requests[turn % requests.length] ?? "";
    try {
      const { status, closes } = await asked.ask(request);
      tally.answered++;
      if (status !== 200) tally.failures.push(`${request.slice(0, 20)} was answered with ${status}`);
      if (closes) connection = asked.leave();
    } catch (error) {
      const { pid } = asked;
      // Killed, or handed to a worker that was: its number is only known from an answer.
      if (pid === undefined ? doomed.size > 0 : doomed.has(pid)) tally.intended++;
      else tally.failures.push(`${request.slice(0, 20)} of worker ${pid}: ${String(error)}`);
      connection = asked.leave();
    }
  }
  connection?.leave();
}

/** Blocks the loop of one worker for longer than it may. */
async function blockOne(port: number, doomed: Set<number>): Promise<void> {
  const connection = new Connection(port);
  try {
    await connection.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    if (connection.pid !== undefined) doomed.add(connection.pid);
    await connection.ask(`GET /block?${(timeoutSeconds + 30) * 1000} HTTP/1.1\r\nHost: x\r\n\r\n`);
  } catch {
    // The worker was killed, as it should be.
  }
  connection.leave();
}

/** A client that never comes to an end, again and again. */
async function attack(port: number, index: number, stop: AbortSignal): Promise<void> {
  const beginnings = [
    "",
    "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
  ];
  while (!stop.aborted) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write(beginnings[index % beginnings.length] ?? "");
    const drip = index % 2 === 0 ? setInterval(() => socket.write("x"), 1000) : undefined;
    await new Promise<void>((resolve) => {
      socket.once("close", resolve);
      stop.addEventListener("abort", () => socket.destroy(), { once: true });
    });
    clearInterval(drip);
  }
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
