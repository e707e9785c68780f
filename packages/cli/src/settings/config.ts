// Generated from the settings in src/settings by `npm run settings -w @gateway/cli`: change them there.
import type { Duration, Percentage, Size } from "./define-config.ts";

/** The settings that a config file may have. */
export interface Config {
  /** The application: MODULE[:EXPORT], or MODULE:FACTORY() for what a function makes. On the command line it is the one word that is no flag. In the file, a path that begins with `./` or `../` is relative to the file; everything else is looked up as on the command line. */
  readonly target?: string | undefined;
  /** Where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH, or fd://N for a socket that was inherited; may be repeated (default 127.0.0.1:8000). */
  readonly bind?: string | readonly string[] | undefined;
  /** What to speak there: http, fastcgi, scgi, uwsgi (default http). */
  readonly protocol?: "http" | "fastcgi" | "scgi" | "uwsgi" | undefined;
  /** How many connections may wait to be accepted; the system may take fewer (default 511). */
  readonly backlog?: number | undefined;
  /** The mode of the Unix sockets: who may connect to them. Without it the umask decides. `660` lets the owner and the group connect. */
  readonly unixMode?: `${number}` | false | null | undefined;
  /** Who the Unix sockets belong to: user, user:group or :group. */
  readonly unixOwner?: string | false | null | undefined;
  /** A PEM file with the private key: serves TLS. Only for http. */
  readonly tlsKey?: string | false | null | undefined;
  /** A PEM file with the certificate, and those that lead to its root. Only for http. */
  readonly tlsCert?: string | false | null | undefined;
  /** A PEM file with the authorities that sign clients' certificates. Only for http. */
  readonly tlsCa?: string | false | null | undefined;
  /** A prefix at which SCRIPT_NAME and PATH_INFO are split, for front servers that cannot; may be repeated. Only for fastcgi and scgi and uwsgi. */
  readonly mounts?: string | readonly string[] | undefined;
  /** A front server that may connect, by address or network; may be repeated. Only for fastcgi and scgi and uwsgi. Without it whoever can connect may. Unix sockets have modes instead. A FastCGI server that a front server starts also reads `FCGI_WEB_SERVER_ADDRS`. */
  readonly allowedAddresses?: string | readonly string[] | undefined;
  /** Say that requests may be multiplexed on a connection (FCGI_MPXS_CONNS) (default false). Only for fastcgi. They are served in any case; front servers that are told so begin to multiplex, and HAProxy 2.6 then loses some. */
  readonly multiplex?: boolean | undefined;
  /** How many processes run the application; auto: one for each CPU (default 1). `auto` counts the CPUs that this process may use: its affinity, and the quota of its container. */
  readonly workers?: number | "auto" | undefined;
  /** How connections find a worker (default round-robin). `round-robin`: each worker in turn. `shared`: whichever accepts first. `reuse-port`: the system chooses, where it and Node.js (22.12 or newer) can. */
  readonly spread?: "round-robin" | "shared" | "reuse-port" | undefined;
  /** How many connections each worker holds at once; one more is turned away (default 10000). */
  readonly workerConnections?: number | "unlimited" | undefined;
  /** Replace a worker after so many requests (default 0). */
  readonly maxRequests?: number | undefined;
  /** Add up to so many requests by chance, so that workers are not replaced all at once (default 0). */
  readonly maxRequestsJitter?: number | undefined;
  /** Replace a worker that uses more memory; a percentage is one of what this machine or container has (default 0). It is the resident set of each worker. The replacement starts first, then the worker finishes its requests. */
  readonly maxMemory?: Size | Percentage | undefined;
  /** Replace a worker whose event loop has stood still for so long (default 30s). It does not limit requests that wait: see `requestSeconds`. */
  readonly timeout?: Duration | undefined;
  /** How long a worker may take to load the application and start up (default 60s). */
  readonly bootTimeout?: Duration | undefined;
  /** An option of node for the workers: --node-option=--max-old-space-size=512; may be repeated. */
  readonly nodeOptions?: string | readonly string[] | undefined;
  /** How long requests under way may take when a worker stops (default 30s). */
  readonly gracefulTimeout?: Duration | undefined;
  /** How long connections are still accepted after SIGTERM, while readiness says 503 (default 0s). */
  readonly drainDelay?: Duration | undefined;
  /** The folder to work in, where the application is looked for (default .). Other paths are not relative to it but to where they are written. */
  readonly chdir?: string | undefined;
  /** The user that the workers run as; for this the command is started as root. */
  readonly user?: string | false | null | undefined;
  /** The group that the workers run as. */
  readonly group?: string | false | null | undefined;
  /** The mask for the modes of new files. */
  readonly umask?: `${number}` | false | null | undefined;
  /** A file for the number of the process. */
  readonly pidFile?: string | false | null | undefined;
  /** A Unix socket for gateway ctl; auto: one that belongs to the folder where the command is started (default auto). That one is in a folder that only this user can enter, and `gateway ctl` finds it when it is started in the same folder. Without a parent (0 workers) there is none. */
  readonly controlSocket?: string | false | null | undefined;
  /** The mode of that socket: whoever may write to it can stop the site (default 600). */
  readonly controlSocketMode?: `${number}` | undefined;
  /** A variable for the environment of the application: NAME=VALUE; may be repeated. */
  readonly env?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Reload when a file that the application imports changes (default false). */
  readonly reload?: boolean | undefined;
  /** A file or pattern that is watched too; may be repeated. */
  readonly reloadExtra?: string | readonly string[] | undefined;
  /** Check the application against the contract (default false). */
  readonly validate?: boolean | undefined;
  /** A file for one line per request; - is the standard output. Its folder must exist, and with `--user` that user must be able to enter it. */
  readonly accessLog?: string | false | null | undefined;
  /** Common, combined, timed, tiny, dev, json, or a format with the atoms of Apache or gunicorn (default timed). The formats are those of `@gateway/logging`. */
  readonly accessLogFormat?: string | undefined;
  /** A file for everything else; - is the standard error (default -). For its folder the same holds as for that of the access log. */
  readonly errorLog?: string | undefined;
  /** What is logged at the least: debug, info, warning or error (default info). */
  readonly logLevel?: "debug" | "info" | "warning" | "error" | undefined;
  /** Where to serve metrics for Prometheus, and whether it is live and ready. */
  readonly metricsBind?: string | false | null | undefined;
  /** The path there that tells whether it is live (default /livez). */
  readonly livePath?: string | undefined;
  /** The path there that tells whether it is ready for requests (default /readyz). */
  readonly readyPath?: string | undefined;
  /** The request line; more is answered with 414 (default 8KiB). Only for http. */
  readonly requestLineBytes?: Size | undefined;
  /** All header lines, or the variables of a request, together; more is answered with 431 (default 16KiB for http; 64KiB for fastcgi, scgi, uwsgi). */
  readonly headerBytes?: Size | undefined;
  /** How many header lines; more are answered with 431 (default 100). Only for http. */
  readonly headerCount?: number | undefined;
  /** All trailer lines together; more is answered with 431 (default 16KiB). Only for http. */
  readonly trailerBytes?: Size | undefined;
  /** Chunk extensions and needless zeros of one message; more is answered with 413 (default 16KiB). Only for http. */
  readonly chunkOverheadBytes?: Size | undefined;
  /** The largest request body; more is answered with 413 (default unlimited). */
  readonly maxBodyBytes?: Size | "unlimited" | undefined;
  /** What read() without a size may gather of a body; more is answered with 413 (default 16MiB). */
  readonly maxReadBytes?: Size | undefined;
  /** How much of a body that was left unread is read and thrown away before the connection is closed (default 64KiB). Only for http. */
  readonly drainBytes?: Size | undefined;
  /** From a connection to its first byte (default 10s). Only for http and fastcgi. */
  readonly silentSeconds?: Duration | "unlimited" | undefined;
  /** From the first byte of a request to the end of its head: then 408 (default 10s). */
  readonly headerSeconds?: Duration | "unlimited" | undefined;
  /** From an answer to the next request on a connection; keep it above what the load balancer has (default 75s for http; unlimited for fastcgi). Only for http and fastcgi. */
  readonly keepAliveSeconds?: Duration | "unlimited" | undefined;
  /** How fast a body must come, over the time the server waits for it; else 408 (default 500B). */
  readonly bodyBytesPerSecond?: Size | undefined;
  /** For how long a body may come more slowly (default 5s). */
  readonly bodyGraceSeconds?: Duration | "unlimited" | undefined;
  /** How long a client may take nothing of a response: then it is cut off (default 10s). Shorter than that of the servers by themselves: with many processes' worth of connections, those who read slowly on purpose hold memory of the system, some MiB each. */
  readonly writeStallSeconds?: Duration | "unlimited" | undefined;
  /** From the head of a request to the end of its response: then 503, or the connection is cut (default 0s). */
  readonly requestSeconds?: Duration | undefined;
  /** How long idle connections may send one more request when a worker stops (default 500ms). */
  readonly stopIdleSeconds?: Duration | undefined;
  /** How many requests may run on one connection at once (default 100). Only for fastcgi. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** The Server header of responses that have none (default gateway). Only for http. */
  readonly serverHeader?: string | false | null | undefined;
  /** How long the load balancer in front keeps an idle connection (default 60s). */
  readonly frontIdleSeconds?: Duration | undefined;
  /** The time between SIGTERM and SIGKILL of whatever starts the command (default 30s). */
  readonly terminationSeconds?: Duration | "unlimited" | undefined;
  /** How many database connections each worker may open (default 0). */
  readonly poolSize?: number | undefined;
  /** How many connections the database takes from all workers (default 0). */
  readonly databaseConnections?: number | undefined;
  /** What the application keeps in the memory of each worker: sessions, rate-limits; may be repeated. */
  readonly memoryState?: string | readonly string[] | undefined;
  /** The application sets cookies that are Secure (default false). */
  readonly secureCookies?: boolean | undefined;
  /** The application believes its proxy about the scheme, with @gateway/forwarded for example (default false). */
  readonly trustsProxy?: boolean | undefined;
}
