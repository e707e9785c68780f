import { deserialize } from "node:v8";
import type { FromWorker, ToWorker } from "../manager/messages.ts";
import type { Settings } from "../settings/settings.ts";
import { Worker } from "./worker.ts";

// The process of a worker. Its manager says first what to serve; what it does then is in worker.ts.

/** Signals that the manager answers for: a terminal, or a manager of services, sends them to all of its group. */
const ignored = ["SIGINT", "SIGHUP", "SIGUSR2", "SIGTTIN", "SIGTTOU", "SIGWINCH"] as const;

function tell(message: FromWorker): void {
  // Gone with the channel: "disconnect" tells of it.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

for (const signal of ignored) process.on(signal, () => {});
process.on("SIGTERM", () => tell({ type: "replace", cause: "asked" }));
process.on("SIGQUIT", () => process.exit(1));

process.once("message", (message: ToWorker) => {
  if (message.type !== "boot") throw new Error("a worker is started by gateway only");
  const settings = deserialize(Buffer.from(message.settings, "base64")) as Settings;
  process.title = `gateway: worker ${message.id} of ${process.ppid} (${settings.target})`;
  const worker = new Worker(settings, message, tell);
  process.on("message", (next: ToWorker, socket) => worker.receive(next, socket));
  // The manager has died. Nobody else would ever end this process.
  process.on("disconnect", () => worker.stop());
  process.on("SIGUSR1", () => worker.receive({ type: "reopen", id: 0 }, undefined));
  worker.boot();
});
// Before there was anything to finish.
process.once("disconnect", () => process.exit(1));
