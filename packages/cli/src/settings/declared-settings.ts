import { list } from "./kind.ts";
import { duration, whole } from "./number-kinds.ts";
import type { Table } from "./setting.ts";
import type { Declared } from "./settings.ts";
import { text, toggle } from "./text-kinds.ts";

/** What `--explain` is told, since it cannot see it. */
export const declaredSettings: Table<Declared> = {
  frontIdleSeconds: {
    kind: duration({}),
    group: "What --explain is told",
    help: "how long the load balancer in front keeps an idle connection",
    byDefault: "60s",
  },
  terminationSeconds: {
    kind: duration({ orUnlimited: true }),
    group: "What --explain is told",
    help: "the time between SIGTERM and SIGKILL of whatever starts the command",
    byDefault: "30s",
  },
  poolSize: {
    kind: whole("N", { zero: "is not known" }),
    group: "What --explain is told",
    help: "how many database connections each worker may open",
    byDefault: "0",
  },
  databaseConnections: {
    kind: whole("N", { zero: "is not known" }),
    group: "What --explain is told",
    help: "how many connections the database takes from all workers",
    byDefault: "0",
  },
  memoryState: {
    kind: list(text("WHAT", "a word for what is kept there, like sessions")),
    group: "What --explain is told",
    help: "what the application keeps in the memory of each worker: sessions, rate-limits; may be repeated",
  },
  secureCookies: {
    kind: toggle(),
    group: "What --explain is told",
    help: "the application sets cookies that are Secure",
    byDefault: "false",
  },
  trustsProxy: {
    kind: toggle(),
    group: "What --explain is told",
    help: "the application believes its proxy about the scheme, with @gateway/forwarded for example",
    byDefault: "false",
  },
};
