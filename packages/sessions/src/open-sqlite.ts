import { createRequire } from "node:module";
import type { SqliteDatabase } from "./sqlite-store.ts";

type OpenDatabase = new (path: string) => SqliteDatabase;

/**
 * Opens a file by whatever SQLite there is, for several processes: a write-ahead log, so that readers and a writer do not wait for each
 * other, and a time to wait where two write.
 *
 * @throws {Error} if there is none, with what to do.
 */
export function openSqlite(path: string, busyTimeoutMs: number): SqliteDatabase {
  const Database = findSqlite();
  const database = new Database(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    useWriteAheadLog(database, Date.now() + busyTimeoutMs);
    // Enough with a write-ahead log: a power failure may cost the last writes, and never the file.
    database.exec("PRAGMA synchronous = NORMAL");
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** SQLite does not wait by itself where several processes want to change the journal of a new file. */
function useWriteAheadLog(database: SqliteDatabase, until: number): void {
  for (;;) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      const isBusy = error instanceof Error && error.message.includes("database is locked");
      if (!isBusy || Date.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

function findSqlite(): OpenDatabase {
  // Not an import: that would fail on runtimes without it, and would make opening asynchronous.
  const builtin = process.getBuiltinModule?.("node:sqlite") as { readonly DatabaseSync: OpenDatabase } | undefined;
  if (builtin !== undefined) return builtin.DatabaseSync;
  try {
    return createRequire(import.meta.url)("better-sqlite3") as OpenDatabase;
  } catch (cause) {
    throw new Error(
      `sqliteStore: this runtime (${process.version}) has no node:sqlite, and better-sqlite3 cannot be loaded: use Node.js 22.13 or later, ` +
        "run npm install better-sqlite3, or give an open database",
      { cause },
    );
  }
}
