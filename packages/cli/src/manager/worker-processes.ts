import type { Socket } from "node:net";
import type { WorkerName } from "./members.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Questions } from "./questions.ts";
import { WorkerProcess, type WorkerLaunch } from "./worker-process.ts";

type Answer = Extract<FromWorker, { type: "report" | "reopened" }>;

/** What workers say by themselves, and with id 0. */
export type Word = Exclude<FromWorker, { type: "reopened" }>;

/** What the manager hears of its workers. */
interface WorkersEvents {
  told(id: number, message: Word): void;
  ended(id: number, how: string): void;
}

/** The processes of all workers, by the ids of these. */
export class WorkerProcesses {
  readonly #events: WorkersEvents;
  readonly #processes = new Map<number, WorkerProcess>();
  readonly #questions = new Questions<Answer>();

  constructor(events: WorkersEvents) {
    this.#events = events;
  }

  get ids(): readonly number[] {
    return [...this.#processes.keys()];
  }

  /** Starts one. Where that cannot be done its end follows. */
  start(name: WorkerName, launch: () => WorkerLaunch): void {
    const { id } = name;
    try {
      const worker = new WorkerProcess(name, launch(), {
        message: (message) => this.#told(id, message),
        ended: (how) => this.#ended(id, how),
      });
      this.#processes.set(id, worker);
    } catch (error) {
      // The system has no more descriptors, or no more sockets.
      setImmediate(() => this.#ended(id, `it could not be started: ${String(error)}`));
    }
  }

  pid(id: number): number | undefined {
    return this.#processes.get(id)?.pid;
  }

  tell(id: number, message: ToWorker, socket?: Socket): void {
    this.#processes.get(id)?.send(message, socket);
  }

  kill(id: number, signal: NodeJS.Signals): void {
    this.#processes.get(id)?.kill(signal);
  }

  /** Asks a worker to report, or to open its logs again. Resolves with its answer; `undefined` when it ends, or takes too long. */
  ask(id: number, type: "query" | "reopen"): Promise<Answer | undefined> {
    return this.#questions.ask(id, (question) => this.tell(id, { type, id: question }));
  }

  #told(id: number, message: FromWorker): void {
    if (message.type === "reopened" || (message.type === "report" && message.id !== 0)) this.#questions.answer(message.id, message);
    else this.#events.told(id, message);
  }

  #ended(id: number, how: string): void {
    this.#processes.delete(id);
    this.#questions.ended(id);
    this.#events.ended(id, how);
  }
}
