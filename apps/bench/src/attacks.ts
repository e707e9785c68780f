import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "./command.ts";
import { conditions } from "./processes.ts";
import { quantile } from "./statistics.ts";

const crowd = 500;
/** They come over so many seconds, as machines of a crowd do. */
const arrivalSeconds = 10;
const seconds = arrivalSeconds + 14;
const honestPerSecond = 200;

interface Kind {
  readonly name: string;
  readonly begin: string;
  readonly drips?: boolean;
  readonly reads?: boolean;
}

const unfinished = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
const upload = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\na";

/** Six ways of keeping a server busy with next to nothing. */
const kinds: readonly Kind[] = [
  { name: "head drip", begin: unfinished, drips: true },
  { name: "head stall", begin: unfinished },
  { name: "body drip", begin: upload, drips: true },
  { name: "body stall", begin: upload },
  { name: "slow reader", begin: "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", reads: false },
  { name: "silent", begin: "" },
];

interface Attacker {
  readonly kind: Kind;
  readonly socket: Socket;
  readonly port: string;
  readonly begunAt: number;
  lasted: number;
}

/** 500 slow clients of each kind, arriving within ten seconds, against the command with its defaults, and what honest ones notice of them. */
export async function attacks(): Promise<void> {
  console.log(conditions());
  const command = await Command.start(["--workers", "2"]);
  const port = Number(new URL(command.origin).port);
  const attackers: Attacker[] = [];
  try {
    const latencies: number[] = [];
    let failed = 0;
    const asking: Promise<void>[] = [];
    const ask = async (): Promise<void> => {
      const begunAt = performance.now();
      try {
        const answer = await fetch(`${command.origin}/hello`);
        if ((await answer.text()) !== "hello") failed++;
        latencies.push(performance.now() - begunAt);
      } catch {
        failed++;
      }
    };
    for (let tick = 0; tick < seconds * 10; tick++) {
      for (let i = 0; i < honestPerSecond / 10; i++) asking.push(ask());
      if (tick < arrivalSeconds * 10) {
        const arriving = kinds.flatMap((kind) => Array.from({ length: crowd / arrivalSeconds / 10 }, () => attack(kind, port)));
        attackers.push(...(await Promise.all(arriving)));
      }
      if (tick % 10 === 0) for (const { kind, socket } of attackers) if (kind.drips && socket.writable) socket.write("a");
      if (tick % 5 === 0) look(port, attackers);
      await wait(100);
    }
    await Promise.all(asking);
    look(port, attackers);
    for (const kind of kinds) {
      const lasted = attackers.filter((attacker) => attacker.kind === kind).map((attacker) => attacker.lasted);
      const left = lasted.filter((each) => each === Infinity).length;
      const most = Math.max(...lasted.filter(Number.isFinite));
      console.log(`${kind.name.padEnd(12)} ${lasted.length} connections, cut after at most ${most.toFixed(1)} s, ${left} not cut`);
    }
    const [middle, late] = [quantile(latencies, 0.5), quantile(latencies, 0.99)].map((each) => each.toFixed(1));
    console.log(`${latencies.length} honest requests served, ${failed} failed: p50 ${middle} ms, p99 ${late} ms`);
  } finally {
    for (const { socket } of attackers) socket.destroy();
    await command.stop();
  }
}

async function attack(kind: Kind, port: number): Promise<Attacker> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  if (kind.reads !== false) socket.resume();
  if (kind.begin !== "") socket.write(kind.begin);
  return { kind, socket, port: hexadecimal(socket.localPort ?? 0), begunAt: performance.now(), lasted: Infinity };
}

/** Notes which connections the server's side of has ended: who does not read does not notice. */
function look(port: number, attackers: readonly Attacker[]): void {
  const established = new Set<string>();
  const local = hexadecimal(port);
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, from = "", to = "", state] = line.trim().split(/\s+/);
    if (state === "01" && from.endsWith(`:${local}`)) established.add(to.slice(to.indexOf(":") + 1));
  }
  const now = performance.now();
  for (const attacker of attackers) {
    if (attacker.lasted === Infinity && !established.has(attacker.port)) attacker.lasted = (now - attacker.begunAt) / 1000;
  }
}

function hexadecimal(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
