import type { Failure } from "../reload/failure.ts";
import type { WorkerName } from "./members.ts";

/** What the arbiter goes by. */
export interface ArbiterSettings {
  readonly workers: number;
  /** In seconds, as in `Settings`. */
  readonly timeout: number;
  readonly bootTimeout: number;
  readonly gracefulTimeout: number;
  readonly drainDelay: number;
  /** Whether somebody is about to mend an application that does not boot (default: no). */
  readonly reload?: boolean | undefined;
}

/** What the arbiter does to the world. None of these may call back before it returns. */
export interface ArbiterEffects {
  /** Starts a worker. */
  spawn(worker: WorkerName): void;
  /** The worker may get connections. */
  admit(id: number): void;
  /** The worker gets no further connections, and ends when it has finished those it has. */
  drain(id: number): void;
  /** The worker ends now, after its exit handlers. */
  quit(id: number): void;
  /** The worker is killed. */
  kill(id: number): void;
  /** The worker shall know that it will be drained, after `drainDelay`. */
  announce(id: number): void;
  /** No further connections; `listeningClosed` is called when all that were waiting are with a worker. */
  closeListening(): void;
  /** A worker did not get ready: those that serve may show why. */
  notReady(failure: BootFailure): void;
  /** All is over. */
  ended(failure: BootFailure | undefined): void;
  log(level: "info" | "warning" | "error", text: string, detail?: string): void;
}

/** Why a worker did not get ready. */
export interface BootFailure {
  readonly message: string;
  readonly detail: string | undefined;
  /** With `--reload`, where something was thrown. */
  readonly failure?: Failure | undefined;
}

/** Time: `now` never goes back, `date` is that of the calendar. Both in milliseconds. */
export interface ArbiterClock {
  now(): number;
  date(): number;
}
