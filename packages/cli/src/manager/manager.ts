import type { Json } from "./messages.ts";
import type { ManagerStatus, ReloadResult, UpgradeResult, WorkerNumbers, WorkerStatus } from "./status.ts";

/** What a worker answered when it was asked. */
export interface WorkerReport {
  readonly worker: WorkerStatus;
  readonly numbers: WorkerNumbers;
  /** By the name of the observer in the worker. */
  readonly observers: { readonly [name: string]: Json };
}

/** The parent of the workers: what its companions (control socket, metrics, watcher of files) may ask of it. */
export interface Manager {
  /** Everything it knows without asking anybody. */
  status(): ManagerStatus;
  /** Asks every worker that is ready or draining; one that does not answer within a second is left out. */
  reports(): Promise<readonly WorkerReport[]>;
  /** Loads the settings and the application anew, one worker at a time. While one is under way the next waits for its end. Never rejects. */
  reload(): Promise<ReloadResult>;
  /** Ends all: graceful, or at once. Resolves when the last worker has ended; then the process ends. */
  stop(graceful: boolean): Promise<void>;
  /** @throws {RangeError} for anything but a whole number from 1 to 1024. */
  setWorkers(wanted: number): void;
  /** Opens the log files again, here and in the workers. When it resolves, nothing is written to the old ones any more. Never rejects. */
  reopenLogs(): Promise<void>;
  /** Starts a new parent with the same sockets; with `replace` this one stops when that is ready. Never rejects. */
  upgrade(replace?: boolean): Promise<UpgradeResult>;
  /** Calls the listener with what a worker says last (`report` with id 0), so that what it counted is not lost; the function returned ends that. */
  onLastReport(listener: (report: WorkerReport) => void): () => void;
  /** With `--reload`: calls the listener with the files that workers import (`imported`), those of workers that fail to boot too. What was imported before it listens comes at once. */
  onImported(listener: (files: readonly string[]) => void): () => void;
  /** Calls the listener whenever something in {@link status} has changed but the numbers of workers; the function returned ends that. */
  onChange(listener: () => void): () => void;
}

/** Something that goes along with the manager in its process. */
export interface Companion {
  /** Starts before the workers do, and its failure ends the manager at once: the health paths answer 503 while the first worker boots (default: no). */
  readonly isEarly?: boolean;
  /** When the first worker is ready. A rejection ends the manager with its message at the start. */
  start(manager: Manager): Promise<void>;
  /** After the last worker has ended, or before the process ends for another reason. */
  stop(): Promise<void>;
  /** Log files are to be opened again. */
  reopen?(): void | Promise<void>;
}
