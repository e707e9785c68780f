import { deserialize } from "node:v8";
import type { FromWorker, ToWorker } from "../manager/messages.ts";
import type { Settings } from "../settings/settings.ts";
import { Worker } from "./worker.ts";

// The process of a worker. Its manager says first what to serve; what it does then is in worker.ts.

/** Signals that the manager answers for: a terminal, or a manager of services, sends them to all of its group. */
const ignored = ["SIGINT", "SIGHUP", "SIGUSR2", "SIGTTIN", "SIGTTOU", "SIGWINCH"] as const;

/** Beyond `gracefulTimeout`: for the `shutdown` of the application, when there is no manager any more that would not wait for longer. */
const lastWordsMilliseconds = 2000;

let worker: Worker | undefined;
let gracefulMilliseconds = 0;

function tell(message: FromWorker): void {
  // Gone with the channel: "disconnect" tells of it.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

for (const signal of ignored) process.on(signal, () => {});
process.on("SIGTERM", () => tell({ type: "replace", cause: "asked" }));
process.on("SIGQUIT", () => process.exit(1));
// Node.js would start its inspector.
process.on("SIGUSR1", () => worker?.receive({ type: "reopen", id: 0 }, undefined));

process.once("message", (message: ToWorker) => {
  if (message.type !== "boot") throw new Error("a worker is started by gateway only");
  const settings = deserialize(Buffer.from(message.settings, "base64")) as Settings;
  process.title = `gateway: worker ${message.id} of ${process.ppid} (${settings.target})`;
  gracefulMilliseconds = settings.gracefulTimeout * 1000;
  const made = new Worker(settings, message, tell);
  worker = made;
  process.on("message", (next: ToWorker, socket) => made.receive(next, socket));
  made.boot();
});

process.once("disconnect", () => {
  // The manager has died: nobody else would ever end this process. What is under way may finish.
  if (worker === undefined) process.exit(1);
  worker.stop();
  setTimeout(() => process.exit(1), gracefulMilliseconds + lastWordsMilliseconds).unref();
});
