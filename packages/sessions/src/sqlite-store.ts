import { checkOptionNames } from "@gateway/core";
import { checkClock } from "./check-clock.ts";
import { openSqlite } from "./open-sqlite.ts";
import { fromPlainText, toPlainText } from "./plain-text.ts";
import { sqlIdentifier } from "./sql-identifier.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** What {@link sqliteStore} uses of a database: `DatabaseSync` of `node:sqlite`, `better-sqlite3`, or `bun:sqlite`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

/** A prepared statement of a {@link SqliteDatabase}. */
export interface SqliteStatement {
  /** The first row, or `undefined` or `null`. */
  get(...values: (string | number)[]): unknown;
  run(...values: (string | number)[]): { readonly changes: number | bigint };
}

/** Settings of {@link sqliteStore}: `path` or `database`, not both. */
export interface SqliteStoreOptions {
  /**
   * The file of the database, which is made where there is none. The store opens it by `node:sqlite` where the runtime has that, else by
   * `better-sqlite3` where that is installed, with a write-ahead log, and `close()` closes it. `":memory:"` is a database of this process.
   */
  readonly path?: string | undefined;
  /** A database that is open already. It is left as it is: `PRAGMA journal_mode = WAL` and a busy timeout are yours to set. */
  readonly database?: SqliteDatabase | undefined;
  /** How long a write waits for another process, in milliseconds (default 5000). The whole process waits. Only with `path`. */
  readonly busyTimeoutMs?: number | undefined;
  /** The name of the table (default `"sessions"`). */
  readonly table?: string | undefined;
  /** Whether the table and its index are made where they are missing (default `true`). */
  readonly createTable?: boolean | undefined;
  /** The time in milliseconds since 1970 (default: `Date.now`). */
  readonly now?: (() => number) | undefined;
}

/** The store of {@link sqliteStore}. */
export interface SqliteStore extends SessionStore {
  readonly synchronous: true;
  read(id: string): SessionRecord | undefined;
  write(id: string, record: SessionRecord): boolean;
  touch(id: string, expiresAt: number): void;
  delete(id: string): void;
  prune(): number;
  close(): void;
}

/** The columns that {@link SessionStore.read} asks for. */
interface Row {
  readonly data: string;
  readonly version: number;
  readonly expires_at: number;
}

/**
 * Keeps sessions in a table of SQLite, for all processes of one machine. Everything is done at once and by one statement each, so that a
 * synchronous application stays synchronous. Expired records stay until `prune()` is called.
 *
 * @throws {TypeError} while it is made, if the options are wrong.
 * @throws {Error} while it is made, if no SQLite is there or the file cannot be opened. Errors of SQLite pass through.
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  checkOptionNames("sqliteStore", options, {
    path: true,
    database: true,
    busyTimeoutMs: true,
    table: true,
    createTable: true,
    now: true,
  });
  const { path, database: given, busyTimeoutMs = 5000, now = Date.now } = options;
  const table = sqlIdentifier("sqliteStore: table", options.table ?? "sessions");
  if ((path === undefined) === (given === undefined))
    throw new TypeError("sqliteStore: give it a path, or a database, and not both");
  // SQLite takes "" for a file that is gone with the process.
  if (path !== undefined && (typeof path !== "string" || path === ""))
    throw new TypeError('sqliteStore: path is that of a file, or ":memory:"');
  if (given !== undefined && !isDatabase(given))
    throw new TypeError("sqliteStore: database is an open one, with exec(), prepare() and close()");
  if (given !== undefined && options.busyTimeoutMs !== undefined)
    throw new TypeError("sqliteStore: busyTimeoutMs goes with path; set it on the database that you give");
  if (!Number.isInteger(busyTimeoutMs) || busyTimeoutMs < 0 || busyTimeoutMs > 2_147_483_647) {
    throw new RangeError(`sqliteStore: busyTimeoutMs is a whole number of milliseconds, not ${busyTimeoutMs}`);
  }
  checkClock("sqliteStore", now);
  const database = given ?? openSqlite(path ?? "", busyTimeoutMs);
  try {
    if (options.createTable ?? true) database.exec(schema(table));
    return prepare(database, table, now, given === undefined);
  } catch (error) {
    if (given === undefined) database.close();
    throw error;
  }
}

function isDatabase(value: SqliteDatabase): boolean {
  return typeof value.exec === "function" && typeof value.prepare === "function" && typeof value.close === "function";
}

function schema(table: string): string {
  return `
    CREATE TABLE IF NOT EXISTS ${table} (
      id TEXT NOT NULL PRIMARY KEY,
      version INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      data TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS ${table.replace(/"$/, '_expires_at"')} ON ${table} (expires_at);`;
}

function prepare(database: SqliteDatabase, table: string, now: () => number, isOurs: boolean): SqliteStore {
  const read = database.prepare(`SELECT data, version, expires_at FROM ${table} WHERE id = ? AND expires_at > ?`);
  // In the place of an expired record too, which is as good as none.
  const create = database.prepare(`
    INSERT INTO ${table} (id, version, expires_at, data) VALUES (?, 1, ?, ?)
    ON CONFLICT (id) DO UPDATE SET version = 1, expires_at = excluded.expires_at, data = excluded.data
    WHERE ${table}.expires_at <= ?`);
  const replace = database.prepare(
    `UPDATE ${table} SET version = ?, expires_at = ?, data = ? WHERE id = ? AND version = ? AND expires_at > ?`,
  );
  const touch = database.prepare(`UPDATE ${table} SET expires_at = ? WHERE id = ? AND expires_at > ?`);
  const remove = database.prepare(`DELETE FROM ${table} WHERE id = ?`);
  const prune = database.prepare(`DELETE FROM ${table} WHERE expires_at <= ?`);
  let isOpen = true;

  return {
    atomic: true,
    synchronous: true,

    read(id): SessionRecord | undefined {
      const row = read.get(id, now()) as Row | undefined | null;
      if (row === undefined || row === null) return undefined;
      return { data: fromPlainText(row.data), version: row.version, expiresAt: row.expires_at };
    },

    write(id, { data, version, expiresAt }): boolean {
      const text = toPlainText(data);
      const { changes } =
        version === 1 ? create.run(id, expiresAt, text, now()) : replace.run(version, expiresAt, text, id, version - 1, now());
      return Number(changes) === 1;
    },

    touch(id, expiresAt): void {
      touch.run(expiresAt, id, now());
    },

    delete(id): void {
      remove.run(id);
    },

    prune(): number {
      return Number(prune.run(now()).changes);
    },

    close(): void {
      if (isOurs && isOpen) database.close();
      isOpen = false;
    },
  };
}
