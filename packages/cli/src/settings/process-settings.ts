import { list, optional } from "./kind.ts";
import { duration, mask, memory, mode, processes, whole } from "./number-kinds.ts";
import type { Table } from "./setting.ts";
import type { Settings } from "./settings.ts";
import { account, choice, path, pathOr, text, toggle, variables } from "./text-kinds.ts";

type OfProcesses =
  | "workers"
  | "spread"
  | "workerConnections"
  | "maxRequests"
  | "maxRequestsJitter"
  | "maxMemory"
  | "timeout"
  | "bootTimeout"
  | "nodeOptions"
  | "gracefulTimeout"
  | "drainDelay"
  | "chdir"
  | "user"
  | "group"
  | "umask"
  | "pidFile"
  | "controlSocket"
  | "controlSocketMode"
  | "env"
  | "reload"
  | "reloadExtra"
  | "validate";

/** The workers, their parent, and how all of them come and go. */
export const processSettings: Table<Pick<Settings, OfProcesses>> = {
  workers: {
    kind: processes({ to: 1024, zero: "runs the application in the very process, without one that watches it" }),
    group: "Workers",
    short: "w",
    help: "how many processes run the application; auto: one for each CPU",
    more: "`auto` counts the CPUs that this process may use: its affinity, and the quota of its container.",
    variables: [{ name: "WEB_CONCURRENCY", texts: (value) => [value], meaning: "the same" }],
    byDefault: "1",
  },
  spread: {
    kind: choice("WAY", ["round-robin", "shared", "reuse-port"]),
    group: "Workers",
    help: "how connections find a worker",
    more: "`round-robin`: each worker in turn. `shared`: whichever accepts first. `reuse-port`: the system chooses, where it and Node.js (22.12 or newer) can.",
    byDefault: "round-robin",
  },
  workerConnections: {
    kind: whole("N", { from: 1, orUnlimited: true }),
    group: "Workers",
    help: "how many connections each worker holds at once; one more is turned away",
    option: "maxConnections",
    byDefault: "10000",
  },
  maxRequests: {
    kind: whole("N", { zero: "is no limit" }),
    group: "Workers",
    help: "replace a worker after so many requests",
    byDefault: "0",
  },
  maxRequestsJitter: {
    kind: whole("N"),
    group: "Workers",
    help: "add up to so many requests by chance, so that workers are not replaced all at once",
    byDefault: "0",
  },
  maxMemory: {
    kind: memory({ zero: "is no limit" }),
    group: "Workers",
    help: "replace a worker that uses more memory; a percentage is one of what this machine or container has",
    more: "It is the resident set of each worker. The replacement starts first, then the worker finishes its requests.",
    byDefault: "0",
  },
  timeout: {
    kind: duration({ zero: "is no limit" }),
    group: "Workers",
    help: "replace a worker whose event loop has stood still for so long",
    more: "It does not limit requests that wait: see `requestSeconds`.",
    byDefault: "30s",
  },
  bootTimeout: {
    kind: duration({ zero: "is no limit" }),
    group: "Workers",
    help: "how long a worker may take to load the application and start up",
    byDefault: "60s",
  },
  nodeOptions: {
    kind: list(text("OPTION", "an option of node, like --max-old-space-size=512", (text) => text.startsWith("-") && text !== "-")),
    group: "Workers",
    flag: "node-option",
    help: "an option of node for the workers: --node-option=--max-old-space-size=512; may be repeated",
  },

  gracefulTimeout: {
    kind: duration({}),
    group: "Stopping and reloading",
    help: "how long requests under way may take when a worker stops",
    option: "shutdownSeconds",
    byDefault: "30s",
  },
  drainDelay: {
    kind: duration({}),
    group: "Stopping and reloading",
    help: "how long connections are still accepted after SIGTERM, while readiness says 503",
    byDefault: "0s",
  },

  chdir: {
    kind: path("a folder"),
    group: "The process",
    help: "the folder to work in, where the application is looked for",
    more: "Other paths are not relative to it but to where they are written.",
    byDefault: ".",
  },
  user: {
    kind: optional(account("USER")),
    group: "The process",
    help: "the user that the workers run as; for this the command is started as root",
  },
  group: {
    kind: optional(account("GROUP")),
    group: "The process",
    help: "the group that the workers run as",
  },
  umask: {
    kind: optional(mask()),
    group: "The process",
    help: "the mask for the modes of new files",
  },
  pidFile: {
    kind: optional(path()),
    group: "The process",
    short: "p",
    help: "a file for the number of the process",
  },
  controlSocket: {
    kind: optional(pathOr("auto")),
    group: "The process",
    help: "a Unix socket for gateway ctl; auto: one that belongs to the folder where the command is started",
    more: "That one is in a folder that only this user can enter, and `gateway ctl` finds it when it is started in the same folder. Without a parent (0 workers) there is none.",
    byDefault: "auto",
  },
  controlSocketMode: {
    kind: mode(),
    group: "The process",
    help: "the mode of that socket: whoever may write to it can stop the site",
    byDefault: "600",
  },
  env: {
    kind: variables(),
    group: "The process",
    short: "e",
    help: "a variable for the environment of the application: NAME=VALUE; may be repeated",
    variables: "none",
  },

  reload: {
    kind: toggle(),
    group: "Development",
    help: "reload when a file that the application imports changes",
    byDefault: "false",
  },
  reloadExtra: {
    kind: list(path("a path or a pattern")),
    group: "Development",
    help: "a file or pattern that is watched too; may be repeated",
  },
  validate: {
    kind: toggle(),
    group: "Development",
    help: "check the application against the contract",
    byDefault: "false",
  },
};
