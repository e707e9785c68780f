import type { AccessEntry } from "./access-entry.ts";

const paths = new Set([
  "/health",
  "/healthz",
  "/healthcheck",
  "/livez",
  "/readyz",
  "/startupz",
  "/ping",
  "/up",
  "/status",
  "/-/health",
  "/-/ready",
]);

/** For `skip`: a GET or HEAD of one of the usual paths of health checks that was answered well. One that failed is logged. */
export function healthChecks(entry: AccessEntry): boolean {
  const isCheck = (entry.method === "GET" || entry.method === "HEAD") && paths.has(entry.path);
  return isCheck && entry.outcome === "finished" && entry.status < 400;
}
