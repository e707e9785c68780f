import type { Bind } from "../bind.ts";
import type { ProtocolName } from "./setting.ts";

/**
 * Every setting of the command with its value, after the flags, the environment, the file and the defaults. The table says what each is;
 * whoever runs the application only reads this.
 */
export interface Settings {
  /** The application, `MODULE[:EXPORT]` or `MODULE:FACTORY()`. */
  readonly target: string;

  // Where it listens and what it speaks.
  readonly bind: readonly Bind[];
  readonly protocol: ProtocolName;
  /** Prefixes at which SCRIPT_NAME and PATH_INFO are split again; empty: as the front server splits them. Not of http. */
  readonly mounts: readonly string[];
  /** Front servers that may connect over TCP; empty: whoever can. Not of http. */
  readonly allowedAddresses?: readonly string[];
  /** What a FastCGI server says of `FCGI_MPXS_CONNS`. */
  readonly multiplex?: boolean;
  readonly backlog: number;
  /** The mode of the Unix sockets, octal; `undefined`: what the umask leaves. */
  readonly unixMode: number | undefined;
  /** `user`, `user:group` or `:group`, by name or number; `undefined`: as they were made. */
  readonly unixOwner: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsCa: string | undefined;

  // Workers.
  /** 0: the application runs in the very process, without a parent that watches it. */
  readonly workers: number;
  /** How connections find a worker. */
  readonly spread: "round-robin" | "shared" | "reuse-port";
  readonly workerConnections: number;
  readonly maxRequests: number;
  readonly maxRequestsJitter: number;
  /** In bytes; 0: off. */
  readonly maxMemory: number;
  /** Seconds without a heartbeat before a worker is replaced; 0: off. */
  readonly timeout: number;
  /** Seconds that a worker may take to load the application and to start up. */
  readonly bootTimeout: number;
  /** Seconds that requests under way may take when a worker stops. */
  readonly gracefulTimeout: number;
  /** Seconds for which connections are still accepted after a stop was asked for, while readiness says 503. */
  readonly drainDelay: number;
  /** Passed to node in the workers, `--max-old-space-size=…` for example. */
  readonly nodeOptions: readonly string[];

  // The process.
  readonly chdir: string;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly umask: number | undefined;
  readonly pidFile: string | undefined;
  /** A path; `"auto"`: the one of the folder that the command was started in; `undefined`: none. */
  readonly controlSocket: string | undefined;
  readonly controlSocketMode: number;
  readonly env: Readonly<Record<string, string>>;

  // Development.
  readonly reload: boolean;
  readonly reloadExtra: readonly string[];
  readonly validate: boolean;

  // Logs and metrics.
  /** A path, `-` for the standard output, or `undefined`: none. */
  readonly accessLog: string | undefined;
  readonly accessLogFormat: string;
  /** A path, or `-` for the standard error. */
  readonly errorLog: string;
  readonly logLevel: "debug" | "info" | "warning" | "error";
  readonly metricsBind: Bind | undefined;
  readonly livePath: string;
  readonly readyPath: string;

  // Limits and deadlines: what makeServer of the protocol takes, by its names there.
  readonly limits: Readonly<Record<string, number | string>>;

  /** What nobody but `--explain` needs to know. */
  readonly declared?: Declared;
}

/** What the command cannot see by itself: facts for the checks of `--explain`. */
export interface Declared {
  /** Seconds for which whatever stands in front keeps an idle connection. */
  readonly frontIdleSeconds: number;
  /** Seconds between SIGTERM and SIGKILL of whatever starts the command. */
  readonly terminationSeconds: number;
  /** How many database connections each worker may open; 0: not told. */
  readonly poolSize: number;
  /** How many connections the database takes from all workers; 0: not told. */
  readonly databaseConnections: number;
  /** What the application keeps in the memory of each worker: sessions, for example. */
  readonly memoryState: readonly string[];
  /** Whether it sets cookies that are `Secure`. */
  readonly secureCookies: boolean;
  /** Whether it believes its proxy about the scheme. */
  readonly trustsProxy: boolean;
}
