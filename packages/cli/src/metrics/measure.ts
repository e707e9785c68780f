import type { Application } from "@gateway/core";
import { ProcessProbe } from "./process-probe.ts";
import { RequestCounters } from "./request-counters.ts";
import type { MetricsSnapshot } from "./snapshot.ts";

/** What a worker counts. It fits a `WorkerObserver` of the worker. */
export interface Measurements {
  /** Its snapshots are found under it. */
  readonly name: "metrics";
  /** Counts what goes through it. */
  wrap(app: Application): Application;
  report(): MetricsSnapshot;
  close(): void;
}

/** Counts the requests of this process, and watches its loop and its memory. One for each worker. */
export function measure(): Measurements {
  const counters = new RequestCounters();
  const probe = new ProcessProbe();
  return {
    name: "metrics",
    wrap: (app) => counters.count(app),
    report: () => ({ requests: counters.requests(), active: counters.active(), process: probe.take() }),
    close: () => probe.close(),
  };
}
