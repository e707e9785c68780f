import type { Json } from "../manager/messages.ts";

/** What a worker has counted since it started. Plain JSON, since it travels in a message. */
export interface MetricsSnapshot {
  readonly [name: string]: Json;
  /** Requests that have ended, for each combination that has come up. */
  readonly requests: readonly RequestSeries[];
  /** Requests under way. */
  readonly active: readonly ActiveSeries[];
  /** The loop and the memory of the process. */
  readonly process: ProcessNumbers;
}

/** Requests that ended alike. */
export type RequestSeries = {
  readonly method: string;
  readonly scheme: string;
  /** The status that was sent: one that is registered, or the first of its class; 0 when no head went out. */
  readonly status: number;
  /** What went wrong: `"client_gone"`, `"timeout"`, `"failed"`, a status from 500, or `""`. */
  readonly error: string;
  /** How many took as long as each of {@link durationBounds} at most, each counted once, and last those that took longer. */
  readonly durations: readonly number[];
  readonly seconds: number;
  /** The same by {@link sizeBounds}. */
  readonly sizes: readonly number[];
  readonly bytes: number;
};

/** Requests under way that began alike. */
export type ActiveSeries = { readonly method: string; readonly scheme: string; readonly count: number };

/** What a process says of itself. Times are in seconds, sizes in bytes. */
export type ProcessNumbers = {
  /** Which part of the time since the last snapshot the loop was busy, from 0 to 1. */
  readonly loopUtilization: number;
  readonly loopActive: number;
  readonly loopIdle: number;
  /** How much later than planned the loop came to its timers in the last 10 to 20 seconds. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly cpuUser: number;
  readonly cpuSystem: number;
  /** The resident set. */
  readonly memory: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** Buffers and the like, outside the heap. */
  readonly external: number;
  readonly uptime: number;
};

/** Upper bounds of the buckets of durations, in seconds: those that OpenTelemetry's HTTP conventions advise. */
export const durationBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Upper bounds of the buckets of body sizes, in bytes. */
export const sizeBounds: readonly number[] = [0, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
