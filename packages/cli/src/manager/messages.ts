import type { ServerAddress } from "@gateway/server";
import type { Failure } from "../reload/failure.ts";
import type { RestartCause, WorkerNumbers } from "./status.ts";

/** What a module may export beside the application, where a worker waits for its end. */
export type ApplicationFunction = "startup" | "shutdown";

/** What can stand in a message: it travels as JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** One of the places where the manager listens, as its workers must know it. */
export interface WorkerListening {
  readonly address: ServerAddress;
  /** The name that was listened on, for `SERVER_NAME`; `undefined` on all interfaces. */
  readonly serverName: string | undefined;
  /** The descriptor of the listening socket, where the worker accepts by itself. */
  readonly fd: number | undefined;
  /** Whether connections come that the manager accepted: all of them, or those on sockets that no worker has. */
  readonly isHanded: boolean;
}

/** From the manager to a worker. */
export type ToWorker =
  /** First of all: what to serve, and where. */
  | {
      readonly type: "boot";
      readonly id: number;
      readonly index: number;
      readonly generation: number;
      readonly listening: readonly WorkerListening[];
      /** The `Settings`, by `v8.serialize` in base64: JSON knows neither Infinity nor undefined. */
      readonly settings: string;
      /** What was read of the files of TLS: the worker may have no right to read them. */
      readonly tls: { readonly key: string; readonly cert: string; readonly ca: string | undefined } | undefined;
      /** With `--reload`: why no application boots. This worker loads none, and shows that to whoever asks. */
      readonly standsInFor?: Failure | undefined;
    }
  /** A connection, which comes with the message. It is answered with `taken`. */
  | { readonly type: "connection"; readonly id: number; readonly listening: number }
  /** All will stop after `drainDelay`: connections still come until then. */
  | { readonly type: "drain" }
  /** No new connections will come: finish, and end. */
  | { readonly type: "stop" }
  /** Open the log files again. */
  | { readonly type: "reopen"; readonly id: number }
  /** Answer with `report`. */
  | { readonly type: "query"; readonly id: number }
  /** With `--reload`: the new code failed while this worker serves on. `devErrors` shows it (`DevState.failure`). */
  | { readonly type: "reloadFailed"; readonly failure: Failure };

/** From a worker to the manager. */
export type FromWorker =
  /** The application is loaded and has started up. */
  | { readonly type: "ready" }
  /** A function of the application begins: so that it can be named when it does not come to its end. */
  | { readonly type: "runs"; readonly what: ApplicationFunction }
  /** It could not be. The worker ends itself. */
  | {
      readonly type: "failed";
      readonly message: string;
      readonly detail: string | undefined;
      /** With `--reload`, by `describeFailure`: the manager hands it to the workers that serve on, as `reloadFailed`. */
      readonly failure?: Failure;
    }
  /** With `--reload`: files that the application has imported, sent whenever there are more, and before `failed`. */
  | { readonly type: "imported"; readonly files: readonly string[] }
  /** The connection of that id is mine now. */
  | { readonly type: "taken"; readonly id: number; readonly open: number }
  /** Has room for connections again, after `taken` had said that it was full. */
  | { readonly type: "room"; readonly open: number }
  | { readonly type: "heartbeat"; readonly numbers: WorkerNumbers }
  /** Nothing is written to the old log files any more: answers `reopen`. */
  | { readonly type: "reopened"; readonly id: number }
  /** Wants to be replaced; it serves on until `stop`. */
  | { readonly type: "replace"; readonly cause: RestartCause }
  /**
   * Answers `query`: the numbers, and by name what each observer of the worker reports. With id 0 they are its last words, after the last request and
   * before it ends, so that no total ever falls.
   */
  | {
      readonly type: "report";
      readonly id: number;
      readonly numbers: WorkerNumbers;
      readonly observers: { readonly [name: string]: Json };
    };

/** What a worker tells of its requests. */
export type Report = Extract<FromWorker, { type: "report" }>;
