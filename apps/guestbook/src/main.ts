import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Application } from "@gateway/core";
import { logFile } from "@gateway/logging";
import { guestbook } from "./app.ts";
import { findAssets } from "./assets.ts";
import { keptSecret } from "./kept-secret.ts";
import { openDatabase } from "./open-database.ts";
import { connectRedis } from "./redis.ts";
import { readSettings } from "./settings.ts";

// What `gateway dist/main.js` serves.
const settings = readSettings(process.env, fileURLToPath(new URL("../var", import.meta.url)));
mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
const secrets = settings.secrets ?? [keptSecret(join(settings.folder, "secret"))];
const database = await openDatabase(settings);
const redis = settings.redisUrl === undefined ? undefined : await connectRedis(settings.redisUrl);

// The signal that opens the command's own logs too. USR2 is none: sent to the parent it starts another one.
const reopenSignal = "SIGUSR1";
const app: Application & { drain(): void } = guestbook({
  database,
  assets: findAssets(new URL("./assets", import.meta.url)),
  secrets,
  sessionStore: redis?.sessionStore,
  rateStore: redis?.rateStore,
  textLog: logFile(join(settings.folder, "access.log"), { reopenSignal }),
  jsonLog: logFile(join(settings.folder, "access.jsonl"), { reopenSignal }),
  trustedProxies: settings.trustedProxies,
  isDebug: settings.isDebug,
});
export default app;

/** The command calls it when this process is about to stop: readiness says so, and streams, which would never end, do. */
export function drain(): void {
  app.drain();
}
// The command ends the process when the last request is done, so what is left has to be done at once.
process.once("exit", () => void database.close());

const secretFrom = settings.secrets === undefined ? `the secret in ${join(settings.folder, "secret")}` : "SECRET";
console.log(`guestbook: entries are in ${database.description}`);
console.log(
  `guestbook: sessions are ${redis === undefined ? "sealed cookies" : "in Redis, their cookies signed"}, by ${secretFrom}`,
);
console.log(`guestbook: who asked for what is in ${join(settings.folder, "access.log")}, and as JSON in access.jsonl`);
console.log("guestbook: open the address below in a browser");
