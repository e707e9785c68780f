import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { mkdtemp, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The command itself. */
export const executable: string = fileURLToPath(new URL("../../bin/gateway.js", import.meta.url));

/** How a process ended. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings of {@link Command.start}. */
interface CommandOptions {
  readonly environment?: Record<string, string>;
  /** More descriptors to hand on, from 3. */
  readonly inherit?: readonly number[];
  /** A descriptor for its standard input (default: a pipe). */
  readonly stdin?: number;
  readonly executable?: string;
  /** Another Node.js (default: that of the test). */
  readonly runtime?: string;
}

/** The real command, as a process of its own. */
export class Command implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  #hasEnded = false;
  readonly #waiting = new Set<() => void>();

  constructor(process: ChildProcess) {
    this.process = process;
    process.stdout?.setEncoding("utf8").on("data", (text: string) => this.#heard("stdout", text));
    process.stderr?.setEncoding("utf8").on("data", (text: string) => this.#heard("stderr", text));
    this.ended = new Promise((resolve, reject) => {
      process.once("error", reject);
      process.once("close", (code) => {
        this.#hasEnded = true;
        for (const look of this.#waiting) look();
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Starts it; it may still refuse to. */
  static start(args: readonly string[], directory: string, options: CommandOptions = {}): Command {
    const { PORT: _port, NODE_OPTIONS: _options, ...inherited } = process.env;
    const stdio: StdioOptions = [options.stdin ?? "pipe", "pipe", "pipe", ...(options.inherit ?? [])];
    const env = { ...inherited, ...options.environment };
    return new Command(
      spawn(options.runtime ?? process.execPath, [options.executable ?? executable, ...args], { cwd: directory, env, stdio }),
    );
  }

  /** Runs it to its end, for what refuses to start. */
  static async run(args: readonly string[], directory: string, options: CommandOptions = {}): Promise<Ended> {
    await using command = Command.start(args, directory, options);
    return await command.ended;
  }

  /** Waits for output; fails when the process ends without it. */
  said(from: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[from]);
        if (match === null && !this.#hasEnded) return;
        this.#waiting.delete(look);
        if (match === null) reject(new Error(`it ended without saying ${String(pattern)}: ${this.stdout}${this.stderr}`));
        else resolve(match);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Where it serves, once it does. */
  async url(): Promise<string> {
    const [, url = ""] = await this.said("stdout", /listening on (http:\/\/\S+)/);
    return url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.process.kill("SIGKILL");
    await this.ended;
  }

  #heard(from: "stdout" | "stderr", text: string): void {
    this[from] += text;
    for (const look of this.#waiting) look();
  }
}

/** A folder of fixtures that removes itself. */
export class Fixtures implements AsyncDisposable {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Writes the files, by their path in the new folder. */
  static async make(files: Readonly<Record<string, string>>): Promise<Fixtures> {
    const directory = await realpath(await mkdtemp(join(tmpdir(), "gateway-cli-")));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
    return new Fixtures(directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

/** An application that greets, as a module. */
export const hello = `export default (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [Buffer.from("Hello from " + environ.PATH_INFO + "\\n")];
};
`;
