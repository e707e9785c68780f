import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const canPin = cpus().length > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** A command on one core, where there is one to spare. */
export function pinned(command: readonly string[], core: number): readonly string[] {
  return canPin ? ["taskset", "-c", String(core), ...command] : command;
}

/** What a server process answers. */
export interface Usage {
  readonly cpuMicroseconds: number;
  readonly rssBytes: number;
}

/** A process that is asked over IPC, on a core of its own where there is one to spare. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(file: string, args: readonly string[], core: number, flags: readonly string[] = []) {
    const command = [process.execPath, ...flags, fileURLToPath(new URL(file, import.meta.url)), ...args];
    const [program = "", ...rest] = pinned(command, core);
    this.#child = spawn(program, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#ended = ended(this.#child);
    // Whoever waits for a message is told; a stop at the end is no error.
    this.#ended.catch(() => {});
  }

  /** The next message of the process. */
  async message<T>(): Promise<T> {
    const [message]: unknown[] = await Promise.race([once(this.#child, "message"), this.#ended]);
    return message as T;
  }

  ask<T>(question: object): Promise<T> {
    const answer = this.message<T>();
    this.#child.send(question);
    return answer;
  }

  stop(): void {
    this.#child.kill();
  }
}

async function ended(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, "exit")) as unknown[];
  throw new Error(`a process of the bench ended with ${String(code)}`);
}

/** Says how trustworthy the figures are. */
export function conditions(): string {
  const how = canPin ? "server and load pinned to different cores" : "not pinned: taskset or a second core is missing";
  return `Node ${process.version}, ${cpus().length} cores, ${how}`;
}
