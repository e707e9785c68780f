import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MakeStore } from "@gateway/testing/session-store";
import type { SqliteDatabase } from "./sqlite-store.ts";
import type { SessionStore } from "./store.ts";

/** Files in temporary folders for the conformance table. The table of a file is out of reach under another name. */
export function sqliteMaker(
  openStore: (path: string, now: () => number) => SessionStore,
  openDatabase: (path: string) => SqliteDatabase,
): MakeStore {
  return (now) => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-sqlite-"));
    const path = join(folder, "sessions.db");
    const rename = (from: string, to: string): void => {
      const database = openDatabase(path);
      database.exec(`ALTER TABLE ${from} RENAME TO ${to}`);
      database.close();
    };
    return {
      store: openStore(path, now),
      another: () => openStore(path, now),
      breakDown: () => rename("sessions", "away"),
      mend: () => rename("away", "sessions"),
      end: () => rmSync(folder, { recursive: true }),
    };
  };
}
