import type { Kind } from "./kind.ts";
import { duration, size, whole } from "./number-kinds.ts";
import { http, keepsConnections, type LimitSetting } from "./setting.ts";
import { headerValue } from "./text-kinds.ts";

/** A deadline that must be there, unless it is given up on purpose: 0 would end every connection at once. */
const deadline = (): Kind<number> => duration({ from: 0.001, orUnlimited: true });

/** The limits and deadlines of the servers, by the names of their options. The one key that is not the option's says so. */
export const limitSettings: Readonly<Record<string, LimitSetting<number> | LimitSetting<string>>> = {
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
