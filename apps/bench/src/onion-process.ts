// One row of the onion in a process of its own: `node onion-process.js ROW`. Drives the run loop with a sink that drops everything.
import type { Application } from "@gateway/core";
import { run } from "@gateway/core/gateway";
import { makeEnviron, nowhere } from "./onion-environ.ts";
import { rows } from "./onion-rows.ts";

/** What a row process answers: CPU time for one request, in nanoseconds, of each of its slices. */
export interface OnionResult {
  readonly nanoseconds: readonly number[];
}

const body = Buffer.from("Hello, world!\n");
const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [body];
};

const requestsPerTurn = 1000;
const turnsPerSlice = 50;
const slices = 10;

const make = rows[process.argv[2] ?? ""];
if (make === undefined) throw new Error(`no such row: ${process.argv[2]}`);
const app = make()(hello);

/** Turns of the loop in between, as a server has them, for what a layer does behind the requests. */
async function slice(): Promise<number> {
  const before = process.cpuUsage();
  for (let turn = 0; turn < turnsPerSlice; turn++) {
    for (let i = 0; i < requestsPerTurn; i++) run(app, makeEnviron(), nowhere);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / (turnsPerSlice * requestsPerTurn);
}

process.on("message", () => {
  void (async () => {
    const nanoseconds: number[] = [];
    for (let i = 0; i < slices; i++) nanoseconds.push(await slice());
    process.send?.({ nanoseconds } satisfies OnionResult);
  })();
});
process.on("disconnect", () => process.exit(0));
// The compiler has learned the row before anything is counted.
for (let i = 0; i < 6; i++) await slice();
process.send?.({ isReady: true });
