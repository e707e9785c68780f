import { readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { StartError } from "../start-error.ts";

/**
 * The file with the number of the process, as gunicorn keeps it: a new parent writes `FILE.2` while the old one lives, and moves it to its place after
 * that.
 */
export class PidFile {
  #path: string | undefined;
  readonly #wanted: string | undefined;

  constructor(path: string | undefined, isSecond: boolean) {
    this.#wanted = path;
    this.#path = path === undefined || !isSecond ? path : `${path}.2`;
  }

  /** @throws {StartError} when another process that lives has it, or when it cannot be written. */
  write(): void {
    const path = this.#path;
    if (path === undefined) return;
    try {
      const owner = ownerOf(path);
      if (owner !== undefined && owner !== process.pid && isAlive(owner)) {
        this.#path = undefined;
        throw new StartError(`the pid file ${path} is that of process ${owner}, which is running`);
      }
      // Nobody shall read half a number.
      const temporary = `${path}.${process.pid}~`;
      writeFileSync(temporary, `${process.pid}\n`, { mode: 0o644 });
      renameSync(temporary, path);
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`cannot write the pid file ${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The old parent is gone: this is the only one. */
  promote(): void {
    if (this.#wanted === undefined || this.#path === this.#wanted || this.#path === undefined) return;
    try {
      renameSync(this.#path, this.#wanted);
      this.#path = this.#wanted;
    } catch (error) {
      process.stderr.write(`gateway: cannot move the pid file: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  /** Takes it away, if it is this process's. */
  remove(): void {
    if (this.#path === undefined || ownerOf(this.#path) !== process.pid) return;
    try {
      unlinkSync(this.#path);
    } catch (error) {
      // With --workers 0 --user there may be no right to any more. The next start replaces it.
      process.stderr.write(`gateway: cannot remove the pid file: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

function ownerOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
