import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** The code of an error of the file system. */
function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** @returns what the work gives, or `undefined` where it fails with one of these codes. */
export async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codes.includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** From when on a lock whose holder nobody knows is taken for left behind, in milliseconds. */
const staleMilliseconds = 5000;
/** How long a lock is waited for, in milliseconds. */
const patienceMilliseconds = 30_000;

const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");

/**
 * The right to replace one file, among all processes that use its folder: a folder of its own, in which the new file is prepared. What is committed is moved out of
 * it, so a lock is broken by removing what its holder was going to commit: a holder that was taken for dead and is not finds its file gone, and nothing else
 * has happened. A process that is killed leaves a lock behind, which the next one breaks.
 */
export class RecordLock {
  readonly #path: string;
  readonly #target: string;
  readonly #prepared: string;

  private constructor(path: string, target: string, prepared: string) {
    this.#path = path;
    this.#target = target;
    this.#prepared = prepared;
  }

  /** Waits until it is ours. @throws {Error} when that takes too long. */
  static async acquire(target: string): Promise<RecordLock> {
    const path = `${target}.lock`;
    const prepared = join(path, `${process.pid}.${host}.${randomBytes(8).toString("hex")}`);
    const deadline = performance.now() + patienceMilliseconds;
    for (let pause = 1; ; pause = Math.min(pause * 2, 16)) {
      if ((await unless(["EEXIST"], makeFolder(path))) === true) {
        // Names its holder; and is what is broken.
        const begun = await unless(["ENOENT"], touchFile(prepared));
        if (begun === true) return new RecordLock(path, target, prepared);
        continue;
      }
      if (await isLeftBehind(path)) {
        await breakLock(path);
        continue;
      }
      if (performance.now() > deadline) throw new Error(`fileStore: ${path} is held by another process for too long`);
      // Not all at the same time again.
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }

  /**
   * Puts the text in the place of the file.
   *
   * @param durable whether it must outlast a power failure.
   * @returns false, and nothing has happened, where the lock was broken.
   */
  async commit(text: string, durable: boolean): Promise<boolean> {
    const done = await unless(["ENOENT"], this.#replace(text, durable));
    return done === true;
  }

  async #replace(text: string, durable: boolean): Promise<true> {
    // "r+" makes no file: where it is gone, the lock was broken.
    const file = await open(this.#prepared, "r+");
    try {
      await file.writeFile(text);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(this.#prepared, this.#target);
    return true;
  }

  async release(): Promise<void> {
    await unless(["ENOENT"], unlink(this.#prepared));
    // Not empty: it was broken, and is another's by now.
    await unless(["ENOENT", "ENOTEMPTY", "EEXIST"], rmdir(this.#path));
  }
}

async function makeFolder(path: string): Promise<true> {
  await mkdir(path, { mode: 0o700 });
  return true;
}

async function touchFile(path: string): Promise<true> {
  await writeFile(path, "", { flag: "wx", mode: 0o600 });
  return true;
}

/** Is the holder of a lock known to be dead, or has nobody moved for too long? A mistake costs its holder a second try, and nothing else. */
export async function isLeftBehind(path: string): Promise<boolean> {
  const names = await unless(["ENOENT"], readdir(path));
  const [pid, holderHost] = names?.[0]?.split(".") ?? [];
  if (pid !== undefined && holderHost === host && !isAlive(Number(pid))) return true;
  const facts = await unless(["ENOENT"], stat(path));
  return facts !== undefined && Date.now() - facts.mtimeMs > staleMilliseconds;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

/** Removes what the holder was going to commit, and then the lock. */
export async function breakLock(path: string): Promise<void> {
  const names = (await unless(["ENOENT"], readdir(path))) ?? [];
  for (const name of names) await unless(["ENOENT"], unlink(join(path, name)));
  await unless(["ENOENT", "ENOTEMPTY", "EEXIST"], rmdir(path));
}
