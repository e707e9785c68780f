import { workerCount, workerCountText } from "../manager/worker-count.ts";

/**
 * What goes over the control socket: one JSON object a line, one answer for each request, in order.
 * `{"command":"workers","count":4}` → `{"ok":true,"message":"…"}`.
 */
export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "reload" }
  /** @param quick requests under way are not waited for. */
  | { readonly command: "stop"; readonly quick: boolean }
  | { readonly command: "workers"; readonly count: number }
  | { readonly command: "reopen" }
  /** @param replace the old parent stops when the new one is ready. */
  | { readonly command: "upgrade"; readonly replace: boolean };

/** The answer to each of them. */
export interface ControlAnswer {
  readonly ok: boolean;
  /** What was done or what went wrong, in one line. */
  readonly message: string;
  /** More of what went wrong, in several lines: a stack. */
  readonly detail?: string | undefined;
  /** Of `status`: a {@link StatusReport}. */
  readonly status?: StatusReport | undefined;
}

/** What `gateway ctl status` shows. */
export interface StatusReport {
  readonly pid: number;
  readonly version: string;
  readonly target: string;
  readonly state: string;
  readonly ready: boolean;
  readonly generation: number;
  readonly uptimeSeconds: number;
  readonly addresses: readonly string[];
  readonly wanted: number;
  /** Connections that no worker has taken yet, in the parent and in the queues of the system. */
  readonly waiting: number;
  readonly restarts: Readonly<Record<string, number>>;
  readonly reloads: { readonly tried: number; readonly failed: number };
  /** What became of the last reload; `null` before the first. */
  readonly lastReload: { readonly ok: boolean; readonly message: string } | null;
  readonly workers: readonly WorkerRow[];
}

/** One worker. Numbers are `null` before it has sent any. */
export interface WorkerRow {
  readonly id: number;
  readonly pid: number | null;
  readonly index: number;
  readonly generation: number;
  readonly state: string;
  readonly uptimeSeconds: number;
  readonly requests: number | null;
  readonly inFlight: number | null;
  readonly connections: number | null;
  readonly memoryBytes: number | null;
  /** From 0 to 1. */
  readonly loopUtilization: number | null;
  readonly loopDelaySeconds: number | null;
}

/** Nothing that is asked is longer. */
export const longestRequest: number = 4096;

/**
 * Reads one line.
 *
 * @throws {Error} that says what is wrong with it.
 */
export function parseRequest(line: string): ControlRequest {
  let given: unknown;
  try {
    given = JSON.parse(line);
  } catch {
    throw new Error("that is no JSON");
  }
  const { command, count, quick, replace } = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
  switch (command) {
    case "status":
    case "reload":
    case "reopen":
      return { command };
    case "stop":
      return { command, quick: quick === true };
    case "upgrade":
      return { command, replace: replace !== false };
    case "workers":
      if (typeof count !== "number") throw new Error(`workers takes ${workerCountText}`);
      return { command, count: workerCount(count) };
    default:
      throw new Error("there is no such command");
  }
}
