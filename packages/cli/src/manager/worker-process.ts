import { fork, type ChildProcess, type StdioOptions } from "node:child_process";
import { extname } from "node:path";
import type { Socket } from "node:net";
import { failureOf } from "../reload/failure.ts";
import type { WorkerName } from "./members.ts";
import type { FromWorker, ToWorker, WorkerListening } from "./messages.ts";

/** What a worker is started with. */
export interface WorkerLaunch {
  /** The `Settings`, by `v8.serialize` in base64. */
  readonly settings: string;
  readonly tls: Extract<ToWorker, { type: "boot" }>["tls"];
  /** `fd` is a descriptor of this process here: the worker gets it under another number. */
  readonly listening: readonly WorkerListening[];
  /** Of node. */
  readonly execArgv: readonly string[];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether the standard input is something else than an input, a socket that is listened on for example. */
  readonly withoutInput: boolean;
}

/** What a worker process tells its manager. */
interface WorkerEvents {
  message(message: FromWorker): void;
  /** It has ended, and nothing more will come from it. */
  ended(how: string): void;
}

const program = new URL(`../worker/main${extname(import.meta.url)}`, import.meta.url);

/** Variables that are for the manager alone. */
const ownVariables = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "GATEWAY_SOCKETS", "GATEWAY_PPID"];

/** The process of a worker. */
export class WorkerProcess {
  readonly name: WorkerName;
  readonly #child: ChildProcess;

  constructor(name: WorkerName, launch: WorkerLaunch, events: WorkerEvents) {
    this.name = name;
    const stdio: StdioOptions = [launch.withoutInput ? "ignore" : "inherit", "inherit", "inherit", "ipc"];
    const listening = launch.listening.map((place) => {
      if (place.fd === undefined) return place;
      stdio.push(place.fd);
      return { ...place, fd: stdio.length - 1 };
    });
    const env = { ...launch.environment };
    for (const variable of ownVariables) delete env[variable];
    this.#child = fork(program, [], {
      cwd: launch.directory,
      env,
      stdio,
      execArgv: [...process.execArgv.filter((argument) => !argument.startsWith("--inspect")), ...launch.execArgv],
    });
    this.#listen(events);
    const { settings, tls } = launch;
    const { id, index, generation, standsInFor } = name;
    const failure = standsInFor && (standsInFor.failure ?? failureOf(standsInFor.message));
    this.send({ type: "boot", id, index, generation, listening, settings, tls, standsInFor: failure });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToWorker, socket?: Socket): void {
    if (!this.#child.connected) return;
    // This process keeps its descriptor until the worker says that it has the connection. A failure is that of a worker which has died: its end follows.
    this.#child.send(message, socket, { keepOpen: true }, () => {});
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #listen(events: WorkerEvents): void {
    this.#child.on("message", (message: FromWorker) => events.message(message));
    // After its exit and the end of its channel: what it had said may still be in there, and a connection it had taken must not be given to another. Not "disconnect": that
    // waits for an acknowledgement of the last connection, which nobody sends any more.
    this.#child.once("close", (code, signal) => events.ended(signal === null ? `exit status ${code}` : `signal ${signal}`));
    this.#child.on("error", (error) => {
      // One that could not be started has no end. All else that fails is followed by one.
      if (this.#child.pid === undefined) events.ended(`it could not be started: ${error.message}`);
    });
  }
}
