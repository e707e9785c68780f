import { optional } from "./kind.ts";
import type { Table } from "./setting.ts";
import type { Settings } from "./settings.ts";
import { bind, choice, pathOr, text, urlPath } from "./text-kinds.ts";

type Logs = "accessLog" | "accessLogFormat" | "errorLog" | "logLevel" | "metricsBind" | "livePath" | "readyPath";

/** What is told of it: logs, metrics, health. */
export const logSettings: Table<Pick<Settings, Logs>> = {
  accessLog: {
    kind: optional(pathOr("-")),
    group: "Logs and metrics",
    help: "a file for one line per request; - is the standard output",
    more: "Its folder must exist, and with `--user` that user must be able to enter it.",
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
    more: "For its folder the same holds as for that of the access log.",
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
