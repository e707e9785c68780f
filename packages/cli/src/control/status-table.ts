import { escapeLine } from "../logs/error-log.ts";
import type { StatusReport, WorkerRow } from "./protocol.ts";

/** What `gateway ctl status` prints for people. */
export function statusTable(report: StatusReport): string {
  const {
    version,
    pid,
    target,
    state,
    ready,
    addresses,
    generation,
    uptimeSeconds,
    wanted,
    waiting,
    restarts,
    reloads,
    lastReload,
    workers,
  } = report;
  const replaced = Object.entries(restarts).filter(([, count]) => count > 0);
  const facts: readonly (readonly [string, string])[] = [
    ["gateway", `${version}, process ${pid}, up ${duration(uptimeSeconds)}`],
    ["state", `${state}, ${ready ? "ready" : "not ready"}`],
    ["application", `${target}, generation ${generation}`],
    ["listens on", addresses.join(", ")],
    [
      "workers",
      `${workers.filter((worker) => worker.state === "ready").length} of ${wanted} ready, ${waiting} connections waiting`,
    ],
    ["replaced", replaced.length === 0 ? "none" : replaced.map(([cause, count]) => `${count} ${cause}`).join(", ")],
    ["reloads", reloadText(reloads, lastReload)],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = facts.map(([name, text]) => `${name.padEnd(width)}  ${escapeLine(text)}`);
  return `${lines.join("\n")}\n${workers.length === 0 ? "" : `\n${table(workers)}\n`}`;
}

function reloadText({ tried, failed }: StatusReport["reloads"], last: StatusReport["lastReload"]): string {
  if (tried === 0) return "none";
  const all = `${tried}, of which ${failed} failed`;
  return last === null || last.ok ? all : `${all}; the last: ${last.message}`;
}

const columns: readonly (readonly [head: string, cell: (row: WorkerRow) => string])[] = [
  ["worker", ({ index }) => String(index)],
  ["pid", ({ pid }) => shown(pid, String)],
  ["state", ({ state }) => state],
  ["gen", ({ generation }) => String(generation)],
  ["up", ({ uptimeSeconds }) => duration(uptimeSeconds)],
  ["requests", ({ requests }) => shown(requests, String)],
  ["in flight", ({ inFlight }) => shown(inFlight, String)],
  ["connections", ({ connections }) => shown(connections, String)],
  ["memory", ({ memoryBytes }) => shown(memoryBytes, (bytes) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`)],
  ["busy", ({ loopUtilization }) => shown(loopUtilization, (part) => `${Math.round(part * 100)} %`)],
  ["delay", ({ loopDelaySeconds }) => shown(loopDelaySeconds, (seconds) => `${Math.round(seconds * 1000)} ms`)],
];
const stateColumn = 2;

function table(workers: readonly WorkerRow[]): string {
  const rows = [columns.map(([head]) => head), ...workers.map((worker) => columns.map(([, cell]) => cell(worker)))];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  // Numbers stand under each other to the right, words to the left.
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === stateColumn ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

function shown(value: number | null, text: (value: number) => string): string {
  return value === null ? "-" : text(value);
}

/** `3d 4h`, `12m 5s`: the two largest units. */
function duration(seconds: number): string {
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}
