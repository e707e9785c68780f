import type { AccessEntry } from "./access-entry.ts";

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * `error` where the server is at fault (a 5xx, an application that broke off, a time limit), `warn` for a 4xx and for a client that left,
 * `info` for the rest.
 */
export function levelByStatus(entry: AccessEntry): LogLevel {
  const { status, outcome } = entry;
  if (status >= 500 || outcome === "failed" || outcome === "timeout") return "error";
  return status >= 400 || outcome !== "finished" ? "warn" : "info";
}
