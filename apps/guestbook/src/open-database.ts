import { join } from "node:path";
import type { Database } from "./database.ts";
import type { Settings } from "./settings.ts";

/** Opens the database that the settings name: PostgreSQL, or the embedded one. Nothing of the other is loaded. */
export async function openDatabase({ databaseUrl, folder }: Pick<Settings, "databaseUrl" | "folder">): Promise<Database> {
  if (databaseUrl === undefined) {
    const { sqliteDatabase } = await import("./sqlite-database.ts");
    return sqliteDatabase(join(folder, "guestbook.db"));
  }
  const { postgresDatabase } = await import("./postgres-database.ts");
  return postgresDatabase({ connectionString: databaseUrl });
}
