import { layer } from "@gateway/core";
import type { Database } from "./database.ts";
import type { EntriesEnviron } from "./entries.ts";
import { openSqlite } from "./open-sqlite.ts";
import { sqlEntries } from "./sql-entries.ts";
import { Watchers } from "./watchers.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    written_at INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS guests (
    name_key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    password TEXT NOT NULL
  );`;

/** Keeps the guestbook in a file of SQLite, for this process. */
export async function sqliteDatabase(path: string): Promise<Database> {
  const sqlite = await openSqlite(path);
  sqlite.exec(schema);
  const watchers = new Watchers();
  const entries = sqlEntries(async (statement, values) => sqlite.all(statement, values), {
    after: async () => watchers.wake(),
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) sqlite.close();
    isOpen = false;
  };

  return {
    description: `SQLite (${sqlite.driver}) in ${path}`,
    layer: layer<EntriesEnviron>((app) => (environ, startResponse) => {
      environ["guestbook.entries"] = entries;
      return app(environ, startResponse);
    }),
    entries,
    watchers,
    check: async () => sqlite.all("SELECT 1 AS one", []).length === 1,
    close,
  };
}
