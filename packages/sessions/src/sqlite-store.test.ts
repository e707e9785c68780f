import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { sessionStoreConformance } from "@gateway/testing/session-store";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { sqliteStore, type SqliteDatabase } from "./sqlite-store.ts";
import { bundle, nodeWithSqlite, startChild } from "./test-child.ts";
import { sqliteMaker } from "./test-sqlite-maker.ts";
import { wasmSqlite } from "./test-wasm-sqlite.ts";

const id = "s".repeat(43);
const minute = 60_000;

describe("sqliteStore", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "gateway-sqlite-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const make = sqliteMaker(
    (path, now) => {
      const database = wasmSqlite(path);
      return { ...sqliteStore({ database, now }), close: once(() => database.close()) };
    },
    (path) => wasmSqlite(path),
  );
  sessionStoreConformance(make, { describe, it }, { name: "SQLite, open already" });

  describe.skipIf(nodeWithSqlite === undefined)("with node:sqlite", () => {
    let results: Map<string, string>;
    let pragmas: unknown;
    beforeAll(async () => {
      await using child = await startChild("test-sqlite-process.ts", nodeWithSqlite);
      const answer = await child.ask<{ results: [string, string][]; pragmas: unknown }>("all");
      results = new Map(answer.results);
      pragmas = answer.pragmas;
    });
    // The same table, of which each case has been run there.
    const byName = (name: string): void => it(`there: ${name}`, () => expect(results.get(name)).toBe(""));
    sessionStoreConformance(make, { describe, it: byName }, { name: "SQLite, opened by path" });

    it("waits for others, and syncs what a write-ahead log needs", () => {
      expect(pragmas).toEqual([{ timeout: 1234 }, { synchronous: 1 }]);
    });
  });

  it("opens a file by better-sqlite3 where the runtime has no SQLite", async () => {
    const stub = join(folder, "node_modules/better-sqlite3");
    mkdirSync(stub, { recursive: true });
    writeFileSync(join(stub, "package.json"), '{ "name": "better-sqlite3", "main": "index.cjs" }');
    // Its shape, and nothing more of it: the package compiles for a minute.
    writeFileSync(
      join(stub, "index.cjs"),
      `const { Database } = require(${JSON.stringify(createRequire(import.meta.url).resolve("node-sqlite3-wasm"))});
      module.exports = class {
        constructor(path) { console.log("better-sqlite3 opens " + path); this.inner = new Database(path); }
        exec(sql) { console.log(sql.trim().split("\\n")[0]); this.inner.exec(sql); return this; }
        prepare(sql) {
          const inner = this.inner.prepare(sql);
          return { get: (...values) => inner.all(values)[0], run: (...values) => inner.run(values) };
        }
        close() { this.inner.close(); console.log("closed"); }
      };`,
    );
    writeFileSync(join(folder, "store.mjs"), await bundle("sqlite-store.ts"));
    const source = `
      process.getBuiltinModule = () => undefined;
      const { sqliteStore } = await import("./store.mjs");
      const store = sqliteStore({ path: "here.db", busyTimeoutMs: 77 });
      const wrote = store.write("id", { data: "data", version: 1, expiresAt: 5e12 });
      console.log(JSON.stringify([wrote, store.read("id")]));
      store.close();
      store.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", source], { cwd: folder });
    expect(stdout.trim().split("\n")).toEqual([
      "better-sqlite3 opens here.db",
      "PRAGMA busy_timeout = 77",
      "PRAGMA journal_mode = WAL",
      "PRAGMA synchronous = NORMAL",
      'CREATE TABLE IF NOT EXISTS "sessions" (',
      '[true,{"data":"data","version":1,"expiresAt":5000000000000}]',
      "closed",
    ]);
  });

  it("says what to do where there is no SQLite at all", () => {
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    expect(() => sqliteStore({ path: join(folder, "none.db") })).toThrow(
      /has no node:sqlite, and better-sqlite3 cannot be loaded: use Node.js 22.13 or later, run npm install better-sqlite3, or give/,
    );
  });

  it("leaves a database that it was given open", () => {
    const database = wasmSqlite(join(folder, "given.db"));
    const store = sqliteStore({ database });
    store.close();
    expect(store.write(id, { data: "data", version: 1, expiresAt: Date.now() + minute })).toBe(true);
    expect(database.prepare("SELECT count(*) AS count FROM sessions").get()).toEqual({ count: 1 });
    database.close();
  });

  it("uses the table that it is told, and makes none where it must not", () => {
    const database = wasmSqlite(join(folder, "tables.db"));
    expect(() => sqliteStore({ database, table: "Select", createTable: false })).toThrow("no such table: Select");
    const store = sqliteStore({ database, table: "Select" });
    const record = { data: "data", version: 1, expiresAt: 5_000_000_000_000 };
    expect(store.write(id, record)).toBe(true);
    expect(sqliteStore({ database, table: "Select", createTable: false }).read(id)).toEqual(record);
    expect(database.prepare('SELECT * FROM "Select"').get()).toEqual({
      id,
      version: 1,
      expires_at: 5_000_000_000_000,
      data: "data",
    });
    database.close();
  });

  it("finds records by their id and by their end without a scan", () => {
    const database = wasmSqlite(join(folder, "plan.db"));
    sqliteStore({ database });
    const plan = (sql: string): string => JSON.stringify(database.prepare(`EXPLAIN QUERY PLAN ${sql}`).get());
    expect(plan("SELECT data FROM sessions WHERE id = 'a' AND expires_at > 1")).toContain(
      "SEARCH sessions USING INDEX sqlite_autoindex",
    );
    expect(plan("DELETE FROM sessions WHERE expires_at <= 1")).toContain("INDEX sessions_expires_at");
    database.close();
  });

  it("takes big integers and null, as some drivers give them", () => {
    const database: SqliteDatabase = {
      exec: () => {},
      prepare: () => ({ get: () => null, run: () => ({ changes: 1n }) }),
      close: () => {},
    };
    const store = sqliteStore({ database });
    expect(store.read(id)).toBeUndefined();
    expect(store.write(id, { data: "", version: 1, expiresAt: 1 })).toBe(true);
    expect(store.prune()).toBe(1);
  });

  it("refuses wrong settings", () => {
    const database = wasmSqlite(join(folder, "wrong.db"));
    expect(() => sqliteStore({})).toThrow("sqliteStore: give it a path, or a database, and not both");
    expect(() => sqliteStore({ path: "x", database })).toThrow("sqliteStore: give it a path, or a database, and not both");
    // SQLite takes that for a file which is gone with the process.
    expect(() => sqliteStore({ path: "" })).toThrow("path is that of a file");
    expect(() => sqliteStore({ path: null as unknown as string })).toThrow("path is that of a file");
    expect(() => sqliteStore({ database: {} as SqliteDatabase })).toThrow(
      "database is an open one, with exec(), prepare() and close()",
    );
    expect(() => sqliteStore({ database, busyTimeoutMs: 1 })).toThrow("busyTimeoutMs goes with path");
    expect(() => sqliteStore({ database, table: "a; DROP" })).toThrow("sqliteStore: table must be a plain SQL name");
    expect(() => sqliteStore({ database, now: 1 as unknown as () => number })).toThrow("sqliteStore: now is a function");
    for (const busyTimeoutMs of [-1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => sqliteStore({ path: join(folder, "x"), busyTimeoutMs })).toThrow(
        "busyTimeoutMs is a whole number of milliseconds",
      );
    }
    database.close();
  });
});

function once(work: () => unknown): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
