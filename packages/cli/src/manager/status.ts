import type { ServerAddress } from "@gateway/server";
import type { Settings } from "../settings/settings.ts";

/** Where a worker is in its life. */
export type WorkerState =
  /** Started: loads the application and runs its `startup`. */
  | "booting"
  /** Serves. */
  | "ready"
  /** Gets no new connections, finishes what it has, and ends. */
  | "draining"
  /** Was killed, and has not ended yet. */
  | "stopping"
  /** Its loop has given no sign of life for longer than it may: it is about to be killed. */
  | "blocked";

/** Why a worker was replaced. */
export type RestartCause =
  /** It ended by itself, by a signal that the manager did not send, or by an error. */
  | "crash"
  /** It ended before it was ready, or did not get ready in time. */
  | "boot"
  /** Its loop was blocked for longer than `timeout`. */
  | "timeout"
  /** It had served `maxRequests`. */
  | "max-requests"
  /** It used more than `maxMemory`. */
  | "max-memory"
  /** A reload. */
  | "reload"
  /** Somebody sent it SIGTERM. */
  | "asked";

/** What a worker says of itself with every heartbeat. */
export interface WorkerNumbers {
  /** Requests that it has begun since it started. */
  readonly requests: number;
  /** Requests under way. */
  readonly inFlight: number;
  readonly connections: number;
  /** Memory in use of the system, in bytes (resident set). */
  readonly memory: number;
  /** Of these, what the heap of JavaScript uses. */
  readonly heapUsed: number;
  /** Which part of the time since the last heartbeat its loop was busy, from 0 to 1. */
  readonly loopUtilization: number;
  /** How late its loop ran the last heartbeat, in seconds. */
  readonly loopDelay: number;
}

/** A worker, as its manager knows it. */
export interface WorkerStatus {
  /** Counts up with every process that is started: the name of a worker in messages. */
  readonly id: number;
  /** `undefined` where it could not even be started. */
  readonly pid: number | undefined;
  /** Its place among the workers, from 0: whoever replaces it gets the same. */
  readonly index: number;
  /** Which reload started it, from 1. */
  readonly generation: number;
  readonly state: WorkerState;
  /** When it came into this state, in milliseconds since 1970. */
  readonly since: number;
  /** When it was started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Of its last heartbeat; `undefined` before the first. */
  readonly numbers: WorkerNumbers | undefined;
}

/** What became of a reload. */
export interface ReloadResult {
  readonly ok: boolean;
  /** The generation that serves now. */
  readonly generation: number;
  /** What was done or what went wrong, in one line. */
  readonly message: string;
  /** The stack of what the application threw, in several lines, where there is one. */
  readonly detail?: string;
}

/** What became of an upgrade. */
export interface UpgradeResult {
  readonly ok: boolean;
  /** The new parent; `undefined` where there is none. */
  readonly pid: number | undefined;
  /** What was done or what went wrong, in one line. */
  readonly message: string;
}

/** The manager and its workers at one moment. */
export interface ManagerStatus {
  readonly pid: number;
  /** Of `@gateway/cli`. */
  readonly version: string;
  /** Of the last reload that succeeded, from 1. */
  readonly generation: number;
  readonly state: "starting" | "serving" | "reloading" | "paused" | "draining" | "stopping";
  /** Whether new requests should be sent here: no before the first worker is ready, and from the moment a stop was asked for, unless a new parent serves on the same sockets. */
  readonly ready: boolean;
  /** When it was started, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly settings: Settings;
  /** Where it listens, as it is shown to people. */
  readonly addresses: readonly string[];
  /** The same as the system says it, for whoever looks the sockets up. */
  readonly listening: readonly ServerAddress[];
  /** Connections that were accepted and that no worker has taken yet (`round-robin` only). */
  readonly waiting: number;
  /** How many workers there should be. */
  readonly wanted: number;
  readonly workers: readonly WorkerStatus[];
  /** How many workers were replaced, by the reason. */
  readonly restarts: Readonly<Record<RestartCause, number>>;
  /** How many reloads were tried, and how many of them failed. */
  readonly reloads: { readonly tried: number; readonly failed: number };
  readonly lastReload: ReloadResult | undefined;
}
