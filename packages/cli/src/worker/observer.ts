import type { Application } from "@gateway/core";
import type { Json } from "../manager/messages.ts";

/** Watches the requests of a worker: an access log, counters. Made by a factory that gets the settings, once per worker. */
export interface WorkerObserver {
  /** Its report is found under it. */
  readonly name: string;
  /** Around the application; the first of the list is the outermost. */
  wrap?(app: Application): Application;
  /** What the manager is told when it asks. */
  report?(): Json;
  /** Log files are to be opened again. */
  reopen?(): void | Promise<void>;
  /** After the last request. The worker waits for it before it ends. */
  close?(): void | Promise<void>;
}
