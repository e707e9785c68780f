import sqlite3 from "node-sqlite3-wasm";
import type { SqliteDatabase } from "./sqlite-store.ts";

/** SQLite that runs on every Node.js, in the shape of `node:sqlite` and `better-sqlite3`. */
export function wasmSqlite(path: string): SqliteDatabase {
  const database = new sqlite3.Database(path);
  database.exec("PRAGMA synchronous = OFF");
  return {
    exec: (sql) => database.exec(sql),
    prepare(sql) {
      // This driver does not use a statement again that has failed once, so another is prepared then.
      let prepared: ReturnType<typeof database.prepare> | undefined = database.prepare(sql);
      const attempt = <T>(work: (statement: ReturnType<typeof database.prepare>) => T): T => {
        const statement = (prepared ??= database.prepare(sql));
        prepared = undefined;
        const result = work(statement);
        prepared = statement;
        return result;
      };
      return {
        // Its own get() would keep the file locked until the next use of the statement.
        get: (...values) => attempt((statement) => statement.all(values)[0]),
        run: (...values) => attempt((statement) => statement.run(values)),
      };
    },
    close: () => database.close(),
  };
}
