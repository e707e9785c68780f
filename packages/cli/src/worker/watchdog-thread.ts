import { appendFileSync, writeSync } from "node:fs";
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";
import { errorLog } from "../logs/error-log.ts";
import { blockedStack } from "./blocked-stack.ts";
import type { WatchdogData } from "./watchdog.ts";

// The thread of a Watchdog.

/** The manager kills the worker not much later. */
const patienceMilliseconds = 200;

const { signs, timeoutMilliseconds, worker, target, expression } = workerData as WatchdogData;
const count = new Int32Array(signs);

function watch(): void {
  const seen = Atomics.load(count, 0);
  if (Atomics.wait(count, 0, seen, timeoutMilliseconds) === "timed-out") void report().then(() => waitForLife(seen));
  else setImmediate(watch);
}

/** Said once: whoever is back may be watched again. */
function waitForLife(seen: number): void {
  Atomics.wait(count, 0, seen);
  setImmediate(watch);
}

async function report(): Promise<void> {
  const session = new Session();
  session.connectToMainThread();
  const stack = await blockedStack(session, expression, patienceMilliseconds);
  session.disconnect();
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
    errorLog({ write }, { label: `worker ${worker}` }).error(`${text}:`, Object.assign(new Error(), { stack: detail }));
  }
}

watch();
