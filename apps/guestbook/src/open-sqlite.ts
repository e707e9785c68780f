import { linkSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Row } from "./sql-entries.ts";

/** SQLite, in either of the forms that need no compiler. */
export interface Sqlite {
  /** Which of them: `"node:sqlite"`, or the package. */
  readonly driver: string;
  exec(sql: string): void;
  all(sql: string, values: readonly (string | number)[]): readonly Row[];
  close(): void;
}

/** What is used of a statement of `node:sqlite`; the types of Node 20 do not know it. */
interface BuiltinStatement {
  all(...values: (string | number)[]): Row[];
}

/** What is used of `node:sqlite`. */
interface BuiltinSqlite {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void;
    prepare(sql: string): BuiltinStatement;
    close(): void;
  };
}

/**
 * Opens a file by `node:sqlite` where the runtime has it, else by SQLite as WebAssembly. Both leave the same file, so either opens what the other has left.
 *
 * @param patienceSeconds how long it waits for the one process that can have the file: a worker whose parent was killed lets its requests finish.
 * @throws {Error} when that process has it still; the message says what to do.
 */
export async function openSqlite(path: string, patienceSeconds: number = 5): Promise<Sqlite> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const builtin = process.getBuiltinModule?.("node:sqlite") as BuiltinSqlite | undefined;
  const sqlite = builtin === undefined ? await openWasm(path, patienceSeconds) : openBuiltin(builtin, path);
  // With a write-ahead log NORMAL is enough: a power failure may cost the last writes, and never the file.
  sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  return sqlite;
}

function openBuiltin({ DatabaseSync }: BuiltinSqlite, path: string): Sqlite {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA busy_timeout = 5000");
  const prepared = new Map<string, BuiltinStatement>();
  return {
    driver: "node:sqlite",
    exec: (sql) => database.exec(sql),
    all(sql, values): readonly Row[] {
      let statement = prepared.get(sql);
      if (statement === undefined) prepared.set(sql, (statement = database.prepare(sql)));
      return statement.all(...values);
    },
    close: () => database.close(),
  };
}

async function openWasm(path: string, patienceSeconds: number): Promise<Sqlite> {
  const { default: sqlite3 } = await import("node-sqlite3-wasm");
  const release = await takeFile(path, performance.now() + patienceSeconds * 1000);
  let database: InstanceType<typeof sqlite3.Database>;
  try {
    database = new sqlite3.Database(path);
  } catch (error) {
    release();
    throw error;
  }
  // It has no shared memory, so a write-ahead log is for one process alone.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const prepared = new Map<string, ReturnType<typeof database.prepare>>();
  return {
    driver: "node-sqlite3-wasm",
    exec: (sql) => database.exec(sql),
    all(sql, values): readonly Row[] {
      const statement = prepared.get(sql) ?? database.prepare(sql);
      prepared.delete(sql);
      try {
        const rows = statement.all([...values]);
        prepared.set(sql, statement);
        return rows;
      } catch (error) {
        // This driver does not use a statement again that has failed once.
        statement.finalize();
        throw error;
      }
    },
    close(): void {
      // While one is left, the file stays open, and its lock taken.
      for (const statement of prepared.values()) statement.finalize();
      prepared.clear();
      database.close();
      release();
    },
  };
}

/**
 * Its lock is a folder beside the file, which stays behind when a process is killed. So the process writes down who it is, and the next one takes
 * the lock of a dead one away.
 */
async function takeFile(path: string, until: number): Promise<() => void> {
  const owner = `${path}.owner`;
  // Written before it has its name: nobody finds it empty, and takes it for that of a dead process.
  const draft = `${owner}.${process.pid}`;
  writeFileSync(draft, `${process.pid}`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(draft, owner);
        rmdirIfThere(`${path}.lock`);
        return () => rmSync(owner, { force: true });
      } catch (error) {
        if (!isCode(error, "EEXIST")) throw error;
        const holder = holderOf(owner);
        if (holder !== process.pid && isAlive(holder)) {
          if (performance.now() < until) {
            await setTimeout(50);
            continue;
          }
          throw new Error(
            `${path} is in use by process ${holder}. On this Node.js one process at a time can have it: stop that, use Node.js 22.13 or later, or set DATABASE_URL. If that is no guestbook, the one before was killed and its number given away: remove ${owner}`,
            { cause: error },
          );
        }
        rmSync(owner, { force: true });
      }
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @returns 0 where it has just been let go. */
function holderOf(owner: string): number {
  try {
    return Number(readFileSync(owner, "utf8"));
  } catch (error) {
    if (isCode(error, "ENOENT")) return 0;
    throw error;
  }
}

function rmdirIfThere(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, "EPERM");
  }
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
