import { appendFileSync, writeSync } from "node:fs";
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";
import { errorLog } from "../logs/error-log.ts";
import { blockedStack } from "./blocked-stack.ts";
import type { WatchdogData } from "./watchdog.ts";

// The thread of a Watchdog.

const { sign, timeoutMilliseconds, worker, target, expression } = workerData as WatchdogData;
const last = new BigInt64Array(sign);

/** So long before the time is over it begins: the manager kills the worker not much later, and a busy machine is slow to take a stack. */
const headStartMilliseconds = Math.min(1000, timeoutMilliseconds / 2);
/** The manager leaves it a little more than that beyond the time. */
const patienceMilliseconds = headStartMilliseconds + 200;

function watch(): void {
  const seen = Atomics.load(last, 0);
  const isSilent = Atomics.wait(last, 0, seen, untilSilentFor(timeoutMilliseconds - headStartMilliseconds, seen)) === "timed-out";
  if (isSilent) void report(seen).then(() => waitForLife(seen));
  else setImmediate(watch);
}

/** Measured from the sign itself: where the machine is busy this thread comes late, and the manager does not wait for it. */
function untilSilentFor(milliseconds: number, seen: bigint): number {
  return Math.max(0, milliseconds - Number(process.hrtime.bigint() - seen) / 1e6);
}

/** Said once: whoever is back may be watched again. */
function waitForLife(seen: bigint): void {
  Atomics.wait(last, 0, seen);
  setImmediate(watch);
}

async function report(seen: bigint): Promise<void> {
  const session = new Session();
  session.connectToMainThread();
  const stack = await blockedStack(session, expression, patienceMilliseconds);
  session.disconnect();
  // It may have come back meanwhile.
  if (Atomics.wait(last, 0, seen, untilSilentFor(timeoutMilliseconds, seen)) !== "timed-out") return;
  const lines =
    stack === undefined
      ? ["it is in the system or in native code, or the machine is too busy: no stack can be taken"]
      : [...stack.frames, stack.value === "" ? "no requests are under way" : `requests under way:\n${stack.value}`];
  say(`the loop of worker ${worker} has been blocked for ${timeoutMilliseconds / 1000} seconds`, lines.join("\n"));
}

/** Neither process.stderr nor the log of the worker: they go through the loop that is blocked. */
function say(text: string, detail: string): void {
  if (target === "-") writeSync(2, `gateway: ${text}:\n    ${detail.replaceAll("\n", "\n    ")}\n`);
  else {
    const write = (entry: string): void => appendFileSync(target, entry);
    errorLog({ write }, { label: `worker ${worker}` }).error(`${text}:`, detail);
  }
}

watch();
