import { appendFileSync, writeSync } from "node:fs";
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";
import { errorLog } from "../logs/error-log.ts";
import { blockedStack } from "./blocked-stack.ts";
import type { WatchdogData } from "./watchdog.ts";

// The thread of a Watchdog.

/** So long before the time is over it begins: the manager kills the worker not much later, and a busy machine is slow to take a stack. */
const headStartMilliseconds = 200;
const patienceMilliseconds = headStartMilliseconds + 200;

const { signs, timeoutMilliseconds, worker, target, expression } = workerData as WatchdogData;
const count = new Int32Array(signs);

function watch(): void {
  const seen = Atomics.load(count, 0);
  const isSilent = Atomics.wait(count, 0, seen, timeoutMilliseconds - headStartMilliseconds) === "timed-out";
  if (isSilent) void report(seen).then(() => waitForLife(seen));
  else setImmediate(watch);
}

/** Said once: whoever is back may be watched again. */
function waitForLife(seen: number): void {
  Atomics.wait(count, 0, seen);
  setImmediate(watch);
}

async function report(seen: number): Promise<void> {
  const dueAt = performance.now() + headStartMilliseconds;
  const session = new Session();
  session.connectToMainThread();
  const stack = await blockedStack(session, expression, patienceMilliseconds);
  session.disconnect();
  // It may have come back meanwhile.
  if (Atomics.wait(count, 0, seen, Math.max(0, dueAt - performance.now())) !== "timed-out") return;
  const lines =
    stack === undefined
      ? ["it is in the system or in native code: no stack can be taken"]
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
