import { Worker } from "node:worker_threads";
import { extname } from "node:path";
import type { Requests } from "./requests.ts";

/** Under this name the watching thread finds what is under way, when nothing but the inspector can ask. */
const underWayName = "gateway.cli.requests under way";

/** What the thread is given. */
export interface WatchdogData {
  /** One number: when the last sign of life was, by `process.hrtime.bigint()`, which all threads share. */
  readonly sign: SharedArrayBuffer;
  /** After how many milliseconds without one it looks. */
  readonly timeoutMilliseconds: number;
  readonly worker: number;
  /** The error log: a path, or `-` for standard error. */
  readonly target: string;
  /** Gives the requests under way, in lines: an expression for the blocked thread. */
  readonly expression: string;
}

/**
 * A thread that watches the loop of this one: when it gives no sign of life it writes to the error log what the loop is doing and which requests
 * are under way. It does not end anything: the manager does.
 */
export class Watchdog {
  readonly #sign: BigInt64Array;

  constructor(timeout: number, worker: number, target: string, requests: Requests) {
    const sign = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
    this.#sign = new BigInt64Array(sign);
    this.alive();
    Reflect.set(globalThis, Symbol.for(underWayName), () => requests.describe().join("\n"));
    const expression = `globalThis[Symbol.for(${JSON.stringify(underWayName)})]()`;
    const data: WatchdogData = { sign, timeoutMilliseconds: timeout * 1000, worker, target, expression };
    const file = new URL(`./watchdog-thread${extname(import.meta.url)}`, import.meta.url);
    // Its loaders would load the application's hooks a second time.
    const thread = new Worker(file, { workerData: data, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 16 } });
    thread.unref();
    // Without the thread all goes on but the stacks.
    thread.on("error", (error) => process.stderr.write(`gateway: the watching thread ended: ${error.message}\n`));
  }

  /** The loop runs. */
  alive(): void {
    Atomics.store(this.#sign, 0, process.hrtime.bigint());
    Atomics.notify(this.#sign, 0);
  }
}
