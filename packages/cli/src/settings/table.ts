import type { Host } from "./host.ts";
import { list, optional, Unfit, type Kind } from "./kind.ts";
import { duration, mask, memory, mode, processes, size, whole } from "./number-kinds.ts";
import type { Declared, Settings } from "./settings.ts";
import {
  account,
  bind,
  choice,
  headerValue,
  mountPrefix,
  network,
  owner,
  path,
  pathOr,
  text,
  toggle,
  urlPath,
  variables,
} from "./text-kinds.ts";

/** What a server can speak. */
export const protocolNames = ["http", "fastcgi", "scgi", "uwsgi"] as const;

/** One of {@link protocolNames}. */
export type ProtocolName = (typeof protocolNames)[number];

/** The headings of the help and of the reference, in their order. */
export const groups = [
  "Where it listens",
  "Workers",
  "Stopping and reloading",
  "The process",
  "Development",
  "Logs and metrics",
  "Limits and deadlines",
  "What --explain is told",
] as const;

/** The environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable beside the setting's own that is read when that one is not set. */
export interface Variable {
  readonly name: string;
  /** What it means for the setting, in texts as its own variable would have; `undefined`: nothing. */
  readonly texts: (value: string, environment: Environment, host: Host) => readonly string[] | undefined;
  /** For the reference. */
  readonly meaning: string;
}

/** One setting: the source of its flag, its variable, its key in the file, its help and its check. */
interface Setting<T> {
  readonly kind: Kind<T>;
  readonly group: (typeof groups)[number];
  /** One sentence for the help, without its default. */
  readonly help: string;
  /** More for the reference page. */
  readonly more?: string;
  /** Its one-letter flag. */
  readonly short?: string;
  /** The long flag without dashes, where it is not the key in kebab case: the singular of a list. */
  readonly flag?: string;
  /** Variables beside `GATEWAY_NAME`; `"none"`: not even that. */
  readonly variables?: readonly Variable[] | "none";
  /** As a flag would say it; by protocol where they differ. */
  readonly byDefault?: string | Readonly<Partial<Record<ProtocolName, string>>>;
  /** The protocols that have it (default: all). */
  readonly protocols?: readonly ProtocolName[];
  /** What `makeServer` calls it, where that is not the key. */
  readonly option?: string;
}

type Table<T> = { readonly [K in keyof T]-?: Setting<T[K]> };

const fronted = ["fastcgi", "scgi", "uwsgi"] as const;
const http = ["http"] as const;
const keepsConnections = ["http", "fastcgi"] as const;

const main: Table<Omit<Settings, "limits" | "declared">> = {
  target: {
    kind: text("MODULE[:EXPORT]", "MODULE, MODULE:EXPORT or MODULE:FACTORY()"),
    group: "Where it listens",
    help: "the application: MODULE[:EXPORT], or MODULE:FACTORY() for what a function makes",
    more: "On the command line it is the one word that is no flag. In the file, a path that begins with `./` or `../` is relative to the file; everything else is looked up as on the command line.",
    byDefault: "",
  },
  bind: {
    kind: list(bind()),
    group: "Where it listens",
    short: "b",
    help: "where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH, or fd://N for a socket that was inherited; may be repeated",
    variables: [
      {
        name: "LISTEN_FDS",
        texts: inherited,
        meaning: "how many sockets systemd hands on, from descriptor 3, unless `LISTEN_PID` is another process",
      },
      {
        name: "PORT",
        texts: allInterfaces,
        meaning: "the port that a platform chose: it listens on all IPv4 interfaces",
      },
    ],
    byDefault: "127.0.0.1:8000",
  },
  protocol: {
    kind: choice("NAME", protocolNames),
    group: "Where it listens",
    help: `what to speak there: ${protocolNames.join(", ")}`,
    byDefault: "http",
  },
  backlog: {
    kind: whole("N", { from: 1, to: 65_535 }),
    group: "Where it listens",
    help: "how many connections may wait to be accepted; the system may take fewer",
    byDefault: "511",
  },
  unixMode: {
    kind: optional(mode()),
    group: "Where it listens",
    help: "the mode of the Unix sockets: who may connect to them",
    more: "Without it the umask decides. `660` lets the owner and the group connect.",
  },
  unixOwner: {
    kind: optional(owner()),
    group: "Where it listens",
    help: "who the Unix sockets belong to: user, user:group or :group",
  },
  tlsKey: {
    kind: optional(path("a PEM file")),
    group: "Where it listens",
    help: "a PEM file with the private key: serves TLS",
    protocols: http,
  },
  tlsCert: {
    kind: optional(path("a PEM file")),
    group: "Where it listens",
    help: "a PEM file with the certificate, and those that lead to its root",
    protocols: http,
  },
  tlsCa: {
    kind: optional(path("a PEM file")),
    group: "Where it listens",
    help: "a PEM file with the authorities that sign clients' certificates",
    protocols: http,
  },
  mounts: {
    kind: list(mountPrefix()),
    group: "Where it listens",
    flag: "mount",
    help: "a prefix at which SCRIPT_NAME and PATH_INFO are split, for front servers that cannot; may be repeated",
    protocols: fronted,
  },
  allowedAddresses: {
    kind: list(network()),
    group: "Where it listens",
    flag: "allowed-address",
    help: "a front server that may connect, by address or network; may be repeated",
    more: "Without it whoever can connect may. Unix sockets have modes instead. A FastCGI server that a front server starts also reads `FCGI_WEB_SERVER_ADDRS`.",
    protocols: fronted,
  },
  multiplex: {
    kind: toggle(),
    group: "Where it listens",
    help: "say that requests may be multiplexed on a connection (FCGI_MPXS_CONNS)",
    more: "They are served in any case; front servers that are told so begin to multiplex, and HAProxy 2.6 then loses some.",
    protocols: ["fastcgi"],
    byDefault: "false",
  },

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

  accessLog: {
    kind: optional(pathOr("-")),
    group: "Logs and metrics",
    help: "a file for one line per request; - is the standard output",
  },
  accessLogFormat: {
    kind: text("FORMAT", "the name of a format, or a format"),
    group: "Logs and metrics",
    help: "common, combined, timed, tiny, dev, json, or a format with the atoms of Apache or gunicorn",
    more: "The formats are those of `@gateway/logging`.",
    byDefault: "timed",
  },
  errorLog: {
    kind: pathOr("-"),
    group: "Logs and metrics",
    help: "a file for everything else; - is the standard error",
    byDefault: "-",
  },
  logLevel: {
    kind: choice("LEVEL", ["debug", "info", "warning", "error"]),
    group: "Logs and metrics",
    help: "what is logged at the least: debug, info, warning or error",
    byDefault: "info",
  },
  metricsBind: {
    kind: optional(bind()),
    group: "Logs and metrics",
    help: "where to serve metrics for Prometheus, and whether it is live and ready",
  },
  livePath: {
    kind: urlPath(),
    group: "Logs and metrics",
    help: "the path there that tells whether it is live",
    byDefault: "/livez",
  },
  readyPath: {
    kind: urlPath(),
    group: "Logs and metrics",
    help: "the path there that tells whether it is ready for requests",
    byDefault: "/readyz",
  },
};

type LimitSetting<T> = Omit<Setting<T>, "group">;

/** A deadline that must be there, unless it is given up on purpose: 0 would end every connection at once. */
const deadline = (): Kind<number> => duration({ from: 0.001, orUnlimited: true });

/** The limits and deadlines of the servers, by the names of their options. The one key that is not the option's says so. */
const limits: Readonly<Record<string, LimitSetting<number> | LimitSetting<string>>> = {
  requestLineBytes: {
    kind: size({ from: 1 }),
    help: "the request line; more is answered with 414",
    protocols: http,
    byDefault: "8KiB",
  },
  headerBytes: {
    kind: size({ from: 1 }),
    help: "all header lines, or the variables of a request, together; more is answered with 431",
    byDefault: { http: "16KiB", fastcgi: "64KiB", scgi: "64KiB", uwsgi: "64KiB" },
  },
  headerCount: {
    kind: whole("N", { from: 1 }),
    help: "how many header lines; more are answered with 431",
    protocols: http,
    byDefault: "100",
  },
  trailerBytes: {
    kind: size({}),
    help: "all trailer lines together; more is answered with 431",
    protocols: http,
    byDefault: "16KiB",
  },
  chunkOverheadBytes: {
    kind: size({}),
    help: "chunk extensions and needless zeros of one message; more is answered with 413",
    protocols: http,
    byDefault: "16KiB",
  },
  maxBodyBytes: {
    kind: size({ orUnlimited: true }),
    help: "the largest request body; more is answered with 413",
    byDefault: "unlimited",
  },
  maxReadBytes: {
    kind: size({}),
    help: "what read() without a size may gather of a body; more is answered with 413",
    byDefault: "16MiB",
  },
  drainBytes: {
    kind: size({}),
    help: "how much of a body that was left unread is read and thrown away before the connection is closed",
    protocols: http,
    byDefault: "64KiB",
  },
  silentSeconds: {
    kind: deadline(),
    help: "from a connection to its first byte",
    protocols: keepsConnections,
    byDefault: "10s",
  },
  headerSeconds: {
    kind: deadline(),
    help: "from the first byte of a request to the end of its head: then 408",
    byDefault: "10s",
  },
  keepAliveSeconds: {
    kind: deadline(),
    help: "from an answer to the next request on a connection; keep it above what the load balancer has",
    protocols: keepsConnections,
    byDefault: { http: "75s", fastcgi: "unlimited" },
  },
  bodyBytesPerSecond: {
    kind: size({ zero: "is no limit" }),
    help: "how fast a body must come, over the time the server waits for it; else 408",
    byDefault: "500B",
  },
  bodyGraceSeconds: {
    kind: duration({ orUnlimited: true }),
    help: "for how long a body may come more slowly",
    byDefault: "5s",
  },
  writeStallSeconds: {
    kind: deadline(),
    help: "how long a client may take nothing of a response: then it is cut off",
    more: "Shorter than that of the servers by themselves: with many processes' worth of connections, those who read slowly on purpose hold memory of the system, some MiB each.",
    byDefault: "10s",
  },
  requestSeconds: {
    kind: duration({ zero: "is no limit" }),
    help: "from the head of a request to the end of its response: then 503, or the connection is cut",
    byDefault: "0s",
  },
  stopIdleSeconds: {
    kind: duration({}),
    help: "how long idle connections may send one more request when a worker stops",
    byDefault: "500ms",
  },
  maxRequestsPerConnection: {
    kind: whole("N", { from: 1 }),
    help: "how many requests may run on one connection at once",
    protocols: ["fastcgi"],
    option: "maxRequests",
    byDefault: "100",
  },
  serverHeader: {
    kind: headerValue(),
    help: "the Server header of responses that have none",
    protocols: http,
    byDefault: "gateway",
  },
};

const declared: Table<Declared> = {
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

/** A setting in the table. */
export interface NamedSetting extends Setting<unknown> {
  /** Its key in the file. */
  readonly name: string;
  /** Its long flag, without dashes; `undefined` for the application, which has none. */
  readonly flag?: string;
  /** Its own variable; `undefined` where it has none. */
  readonly variable: string | undefined;
  /** The part of {@link Settings} that it stands in. */
  readonly part: "main" | "limits" | "declared";
}

/** Every setting, by its key in the file: the one source of flags, variables, keys, help, reference and checks. */
export const table: ReadonlyMap<string, NamedSetting> = new Map(
  [...named("main", main), ...named("limits", limits, "Limits and deadlines"), ...named("declared", declared)].map((setting) => [
    setting.name,
    setting,
  ]),
);

/** `keepAliveSeconds` as `keep-alive-seconds`. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function named(
  part: NamedSetting["part"],
  settings: Readonly<Record<string, LimitSetting<unknown> & Partial<Pick<Setting<unknown>, "group">>>>,
  usualGroup: (typeof groups)[number] = "The process",
): readonly NamedSetting[] {
  const name = (
    key: string,
    { flag = kebab(key), variables, group = usualGroup, ...rest }: (typeof settings)[string],
  ): NamedSetting => ({
    ...rest,
    group,
    name: key,
    part,
    ...(key !== "target" && { flag }),
    ...(variables !== undefined && { variables }),
    variable: variables === "none" ? undefined : `GATEWAY_${kebab(key).replaceAll("-", "_").toUpperCase()}`,
  });
  return Object.entries(settings).map(([key, setting]) => name(key, setting));
}

/** Descriptors from 3 on (sd_listen_fds(3)); those meant for another process are not ours. A parent that hands its sockets on takes `LISTEN_PID` away. */
function inherited(value: string, environment: Environment, host: Host): readonly string[] | undefined {
  if ((environment["LISTEN_PID"] ?? String(host.pid)) !== String(host.pid)) return undefined;
  if (!/^[0-9]{1,3}$/.test(value)) throw new Unfit(value, "which is not a number of descriptors");
  return value === "0" ? undefined : Array.from({ length: Number(value) }, (_, i) => `fd://${i + 3}`);
}

/** Platforms that choose the port reach the process from outside. */
function allInterfaces(port: string): readonly string[] {
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) throw new Unfit(port, "which is not a port (0 to 65535)");
  return [`0.0.0.0:${port}`];
}
