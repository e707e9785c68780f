import { checkOptionNames } from "@gateway/core";
import { checkClock } from "./check-clock.ts";
import { fromPlainText, toPlainText } from "./plain-text.ts";
import { sqlIdentifier } from "./sql-identifier.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** What {@link postgresStore} uses of a `Pool` (or a `Client`) of `pg`. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;
}

/** Settings of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /** A pool of `pg`. It is yours to close; how long it waits for the server are its own settings. */
  readonly pool: PostgresPool;
  /** The name of the table (default `"sessions"`). */
  readonly table?: string | undefined;
  /** The schema that it is in (default: the first of the search path of the connection). */
  readonly schema?: string | undefined;
  /** Whether the table is made before the first use where it is missing, which needs the right to do so (default `false`). */
  readonly createTable?: boolean | undefined;
  /** The time in milliseconds since 1970 (default: `Date.now`). */
  readonly now?: (() => number) | undefined;
}

/** The store of {@link postgresStore}. */
export interface PostgresStore extends SessionStore {
  /** Makes the table and its index where they are missing. Several processes may do so at the same time. */
  createTable(): Promise<void>;
  prune(): Promise<number>;
}

/** The columns as `pg` gives them: it makes text of 64-bit integers, unless a parser was set. */
interface Row {
  readonly data: string;
  readonly version: string | number | bigint;
  readonly expires_at: string | number | bigint;
}

/** PostgreSQL's code for a table that does not exist. */
const undefinedTable = "42P01";

/** Makes processes that start together wait for each other. Any number does, as long as nobody else takes it. */
const lockNumber = "5107946420216123";

/**
 * Keeps sessions in a table of PostgreSQL 9.5 or later. Versions are compared in the statement that writes, so parallel writes from any
 * number of processes do not lose each other. Expired records stay until `prune()` is called.
 *
 * @throws {TypeError} while it is made, if the options are wrong. Errors of the pool pass through.
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  checkOptionNames("postgresStore", options, { pool: true, table: true, schema: true, createTable: true, now: true });
  const { pool, createTable = false, now = Date.now } = options;
  if (typeof pool?.query !== "function") throw new TypeError("postgresStore: pool is one of pg, with query()");
  checkClock("postgresStore", now);
  const name = sqlIdentifier("postgresStore: table", options.table ?? "sessions");
  const table = options.schema === undefined ? name : `${sqlIdentifier("postgresStore: schema", options.schema)}.${name}`;
  const sql = statements(table, name.replace(/"$/, '_expires_at"'));

  const makeTable = async (): Promise<void> => {
    // Asked first, since CREATE needs a right that an application often does not have, also where there is nothing to do.
    const { rows } = await pool.query("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
    if ((rows[0] as { there?: unknown } | undefined)?.there !== true) await pool.query(sql.schema);
  };
  let made: Promise<void> | undefined;
  const ready = (): Promise<void> => {
    made ??= makeTable().catch((error: unknown) => {
      // The next one tries again.
      made = undefined;
      throw error;
    });
    return made;
  };

  const query = async (text: string, values: unknown[]): ReturnType<PostgresPool["query"]> => {
    if (createTable) await ready();
    try {
      return await pool.query(text, values);
    } catch (error) {
      if (error instanceof Error && (error as { code?: unknown }).code === undefinedTable) {
        const advice = "call createTable() of the store once, or make the store with createTable: true";
        throw new Error(`postgresStore: ${error.message}: ${advice}`, { cause: error });
      }
      throw error;
    }
  };

  return {
    atomic: true,
    createTable: makeTable,

    async read(id): Promise<SessionRecord | undefined> {
      const { rows } = await query(sql.read, [id, now()]);
      const row = rows[0] as Row | undefined;
      if (row === undefined) return undefined;
      return { data: fromPlainText(row.data), version: Number(row.version), expiresAt: Number(row.expires_at) };
    },

    async write(id, { data, version, expiresAt }): Promise<boolean> {
      const text = toPlainText(data);
      const { rowCount } =
        version === 1
          ? await query(sql.create, [id, expiresAt, text, now()])
          : await query(sql.replace, [id, expiresAt, text, now(), version]);
      return rowCount === 1;
    },

    async touch(id, expiresAt): Promise<void> {
      await query(sql.touch, [id, expiresAt, now()]);
    },

    async delete(id): Promise<void> {
      await query(sql.delete, [id]);
    },

    async prune(): Promise<number> {
      return (await query(sql.prune, [now()])).rowCount ?? 0;
    },
  };
}

/** Identifiers come checked and quoted; everything else is a parameter. */
function statements(
  table: string,
  index: string,
): Record<"schema" | "read" | "create" | "replace" | "touch" | "delete" | "prune", string> {
  return {
    // One text without parameters is one transaction, in which the lock is held.
    schema: `
      SELECT pg_advisory_xact_lock(${lockNumber});
      CREATE TABLE IF NOT EXISTS ${table} (
        id text COLLATE "C" PRIMARY KEY,
        version bigint NOT NULL,
        expires_at bigint NOT NULL,
        data text NOT NULL
      );
      CREATE INDEX IF NOT EXISTS ${index} ON ${table} (expires_at)`,
    read: `SELECT data, version, expires_at FROM ${table} WHERE id = $1 AND expires_at > $2`,
    // In the place of an expired record too, which is as good as none.
    create: `
      INSERT INTO ${table} AS kept (id, version, expires_at, data) VALUES ($1, 1, $2, $3)
      ON CONFLICT (id) DO UPDATE SET version = 1, expires_at = excluded.expires_at, data = excluded.data
      WHERE kept.expires_at <= $4`,
    replace: `
      UPDATE ${table} SET version = $5, expires_at = $2, data = $3
      WHERE id = $1 AND version = $5::bigint - 1 AND expires_at > $4`,
    touch: `UPDATE ${table} SET expires_at = $2 WHERE id = $1 AND expires_at > $3`,
    delete: `DELETE FROM ${table} WHERE id = $1`,
    prune: `DELETE FROM ${table} WHERE expires_at <= $1`,
  };
}
