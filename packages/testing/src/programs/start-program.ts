import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { findProgram } from "./find-program.ts";
import { userFor } from "./system-user.ts";

/** Where a program lives while it runs. */
export interface ProgramPlace {
  /** A temporary folder of its own, which only its user can read: for its settings, its data and its sockets. */
  readonly folder: string;
}

/** Settings of {@link startProgram}. */
export interface ProgramOptions {
  /** Its name, or an absolute path. */
  readonly program: string;
  /** What it is started with. */
  readonly args: (place: ProgramPlace) => readonly string[];
  /** When it is ready: it has written this text, or it takes connections there (a Unix socket, or a port of this machine). */
  readonly ready: { readonly output: string } | ((place: ProgramPlace) => { readonly path: string } | { readonly port: number });
  /** Runs once, before the first start: writes settings, or lays out the data with a program of its own. */
  readonly prepare?: (place: ProgramPlace, run: (program: string, args: readonly string[]) => Promise<string>) => Promise<void>;
  /**
   * Where this process runs as root, the user to run as: the first of these that the system has. For programs that refuse to run as
   * root (default: the user of this process).
   */
  readonly insteadOfRoot?: readonly string[];
  /** Variables beside `PATH`, `HOME` (the folder) and `LC_ALL=C`; those of this process are not handed on (default: none). */
  readonly env?: Readonly<Record<string, string>>;
  /** The signal that asks it to stop (default `"SIGTERM"`). */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to be ready, in milliseconds (default 60,000). */
  readonly readyWithinMs?: number;
  /** How long it may take to end after it was asked or killed, in milliseconds (default 20,000). */
  readonly stopWithinMs?: number;
}

/** A program that a test has started. */
export interface RunningProgram extends ProgramPlace, AsyncDisposable {
  /** Its process, while it runs. */
  readonly pid: number | undefined;
  /** Everything that it has written to its standard output and error, over all its starts. */
  readonly output: string;
  /** Asks it to stop, waits until nothing is left of it and removes the folder. What does not stop in time is killed, and rejects. */
  stop(): Promise<void>;
  /** Kills it with SIGKILL and waits until it is gone with all the processes that it made. The folder stays, for {@link restart}. */
  kill(): Promise<void>;
  /** Starts it again in the same folder, at the same address; one that runs is asked to stop first. */
  restart(): Promise<void>;
}

/** What runs when this process ends: nothing stays behind a test run that was broken off. */
const running = new Set<Program>();
process.on("exit", () => {
  for (const program of running) program.abandon();
});

/**
 * Starts a server for a test, in a temporary folder of its own, and resolves when it is ready. It is stopped by its process id, never
 * by name, and killed when the process of the test ends.
 *
 * @throws {Error} if there is no such program, it ends before it is ready, or is not ready in time; the message has what it wrote.
 */
export async function startProgram(options: ProgramOptions): Promise<RunningProgram> {
  const program = new Program(options);
  try {
    await program.prepare();
    await program.start();
  } catch (error) {
    await program.kill();
    program.clear();
    throw error;
  }
  return program;
}

class Program implements RunningProgram {
  readonly folder: string;
  readonly #options: ProgramOptions;
  readonly #path: string;
  readonly #user: { readonly uid?: number; readonly gid?: number };
  #output = "";
  #process: ChildProcess | undefined;
  #gone: Promise<unknown> = Promise.resolve();

  constructor(options: ProgramOptions) {
    const path = findProgram(options.program);
    if (path === undefined) throw new Error(`no program ${options.program}: install it, or put its folder on the PATH`);
    this.#path = path;
    this.#options = options;
    this.#user = userFor(options.insteadOfRoot ?? []);
    this.folder = mkdtempSync(join(tmpdir(), `gateway-${basename(path)}-`));
    const { uid, gid } = this.#user;
    if (uid !== undefined && gid !== undefined) chownSync(this.folder, uid, gid);
    running.add(this);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get output(): string {
    return this.#output;
  }

  async prepare(): Promise<void> {
    await this.#options.prepare?.(this, (program, args) => this.#run(program, args));
  }

  async start(): Promise<void> {
    const from = this.#output.length;
    const child = this.#spawn(this.#path, this.#options.args(this));
    this.#process = child;
    // Not "exit": what a program forks holds its output open, so this is the end of all of them.
    this.#gone = new Promise<void>((resolve) => child.once("close", () => resolve())).then(() => {
      this.#process = undefined;
    });
    await this.#untilReady(child, from);
  }

  async restart(): Promise<void> {
    await this.#end();
    await this.start();
  }

  async kill(): Promise<void> {
    this.#killGroup();
    await this.#untilGone("was killed, but something of it was still there after");
  }

  async stop(): Promise<void> {
    try {
      await this.#end();
    } finally {
      this.clear();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  abandon(): void {
    this.#killGroup();
    this.clear();
  }

  clear(): void {
    running.delete(this);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Kills the program and the workers that it made, which would outlive it. */
  #killGroup(): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      // It ended by itself, and its end is on its way.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  async #end(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    child.kill(this.#options.stopSignal ?? "SIGTERM");
    try {
      await this.#untilGone("was killed, since it did not stop within");
    } catch (error) {
      // Should that fail too, the first failure is the one to tell.
      await this.kill().catch(() => {});
      throw error;
    }
  }

  #spawn(path: string, args: readonly string[]): ChildProcess {
    const env = { PATH: process.env["PATH"] ?? "", HOME: this.folder, LC_ALL: "C", ...this.#options.env };
    // Detached: the leader of a group of its own, which can be killed as a whole.
    const child = spawn(path, args, { cwd: this.folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"], ...this.#user });
    const keep = (text: string): void => void (this.#output += text);
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    return child;
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const path = findProgram(program);
    if (path === undefined) throw new Error(`no program ${program}: install it, or put its folder on the PATH`);
    const from = this.#output.length;
    const child = this.#spawn(path, args);
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`${program} ended with ${code}:\n${this.#output.slice(from)}`);
    return this.#output.slice(from);
  }

  async #isReady(child: ChildProcess, from: number, signal: AbortSignal): Promise<void> {
    const { ready } = this.#options;
    if (typeof ready === "function") return takesConnections(ready(this), signal);
    const { output } = ready;
    if (this.#output.includes(output, from)) return;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#output.includes(output, from)) resolve();
      };
      child.stdout?.on("data", look);
      child.stderr?.on("data", look);
    });
  }

  /** Waits until nothing is left of the program. */
  async #untilGone(failure: string): Promise<void> {
    const { program, stopWithinMs = 20_000 } = this.#options;
    await within(
      stopWithinMs,
      () => this.#gone,
      () => new Error(`${program} ${failure} ${stopWithinMs} ms:\n${this.#output}`),
    );
  }

  async #untilReady(child: ChildProcess, from: number): Promise<void> {
    const { program, readyWithinMs = 60_000 } = this.#options;
    const ended = new Promise<never>((_, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) =>
        reject(new Error(`${program} ended with ${code ?? signal} before it was ready:\n${this.#output.slice(from)}`)),
      );
    });
    await within(
      readyWithinMs,
      (signal) => Promise.race([this.#isReady(child, from, signal), ended]),
      () => new Error(`${program} was not ready after ${readyWithinMs} ms:\n${this.#output.slice(from)}`),
    );
  }
}

/** Waits for something, but not longer than this. */
async function within(milliseconds: number, work: (signal: AbortSignal) => Promise<unknown>, late: () => Error): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  const limit = wait(milliseconds, late, { signal }).then(
    (late) => {
      throw late();
    },
    () => {},
  );
  try {
    await Promise.race([work(signal), limit]);
  } finally {
    over.abort();
  }
}

/** Connects until somebody answers. */
async function takesConnections(
  address: { readonly path: string } | { readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (await answers(address)) return;
    // Between one refusal and the next try, so that the program gets the processor.
    await wait(5, undefined, { signal }).catch(() => {});
  }
}

function answers(address: { readonly path: string } | { readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = "path" in address ? connect(address.path) : connect(address.port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
