import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const gateway = join(dirname(createRequire(import.meta.url).resolve("@gateway/cli/package.json")), "bin/gateway.js");
const app = fileURLToPath(new URL("./workers-app.js", import.meta.url));

/** The `gateway` command with the application of the benches. */
export class Command {
  readonly child: ChildProcess;
  readonly origin: string;
  /** What it has said. */
  readonly lines: readonly string[];

  private constructor(child: ChildProcess, origin: string, lines: readonly string[]) {
    this.child = child;
    this.origin = origin;
    this.lines = lines;
  }

  static async start(args: readonly string[]): Promise<Command> {
    const child = spawn(process.execPath, [gateway, "--bind", "127.0.0.1:0", ...args, app], {
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines: string[] = [];
    createInterface(child.stderr).on("line", (line) => lines.push(line));
    const origin = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).on("line", (line) => {
        lines.push(line);
        const address = /listening on (http:\S+)/.exec(line)?.[1];
        if (address !== undefined) resolve(address);
      });
      child.once("exit", () => reject(new Error(`it ended: ${lines.join("\n")}`)));
    });
    return new Command(child, origin, lines);
  }

  /** Asks it to stop; the exit status. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await exited;
    return this.child.exitCode;
  }
}

/** The processes that a process has made. */
export function children(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
