import type { Settings } from "./settings.ts";

/** The options of `makeServer` of the chosen protocol that settings decide: all of them but `tls`, `errors` and `onRefused`. */
export function serverOptions(settings: Settings): Readonly<Record<string, unknown>> {
  const {
    protocol,
    limits,
    backlog,
    workerConnections,
    gracefulTimeout,
    workers,
    mounts,
    allowedAddresses = [],
    multiplex,
  } = settings;
  const shared = { ...limits, backlog, maxConnections: workerConnections, shutdownSeconds: gracefulTimeout };
  if (protocol === "http") return shared;
  const fronted = {
    ...shared,
    multiprocess: workers > 1,
    ...(mounts.length > 0 && { mounts }),
    ...(allowedAddresses.length > 0 && { allowedAddresses }),
  };
  return protocol === "fastcgi" ? { ...fronted, multiplex } : fronted;
}
