import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openSqlite } from "./open-sqlite.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-guestbook-"));
  path = join(folder, "made/guestbook.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

const hasBuiltin = process.getBuiltinModule?.("node:sqlite") !== undefined;

describe("openSqlite", () => {
  it("keeps what was written, and says which it is", async () => {
    const first = await openSqlite(path);
    expect(first.driver).toBe(hasBuiltin ? "node:sqlite" : "node-sqlite3-wasm");
    first.exec("CREATE TABLE numbers (n INTEGER, t TEXT UNIQUE)");
    expect(first.all("INSERT INTO numbers VALUES (?, ?) RETURNING n", [1, "one"])).toEqual([{ n: 1 }]);
    first.close();
    // No log of writes, and no lock.
    expect(readdirSync(join(folder, "made"))).toEqual(["guestbook.db"]);

    const again = await openSqlite(path);
    expect(again.all("SELECT * FROM numbers", [])).toEqual([{ n: 1, t: "one" }]);
    again.close();
  });

  it("goes on after a statement that failed", async () => {
    const sqlite = await openSqlite(path);
    sqlite.exec("CREATE TABLE numbers (t TEXT UNIQUE)");
    const insert = (text: string): unknown => sqlite.all("INSERT INTO numbers VALUES (?)", [text]);
    insert("one");
    expect(() => insert("one")).toThrow(/UNIQUE/);
    insert("two");
    expect(sqlite.all("SELECT count(*) AS count FROM numbers", [])).toEqual([{ count: 2 }]);
    sqlite.close();
  });

  it("takes over from a process that was killed, and from none that lives", async () => {
    mkdirSync(join(folder, "made"));
    mkdirSync(`${path}.lock`);
    writeFileSync(`${path}.owner`, "999999999");
    const sqlite = await openSqlite(path);
    sqlite.exec("CREATE TABLE numbers (n INTEGER)");
    sqlite.close();
    expect(existsSync(`${path}.owner`)).toBe(hasBuiltin);

    // The parent of this test lives.
    writeFileSync(`${path}.owner`, `${process.ppid}`);
    const opened = openSqlite(path, 0).then(
      (each) => each.close(),
      (error: unknown) => String(error),
    );
    expect(await opened).toEqual(hasBuiltin ? undefined : expect.stringMatching(/is in use by process \d+.* remove .*\.owner/));
    // Nothing else is left of the attempt.
    expect(readdirSync(join(folder, "made")).filter((name) => name.endsWith(`.${process.pid}`))).toEqual([]);
  });

  it("waits for a process that is about to end", async () => {
    mkdirSync(join(folder, "made"));
    writeFileSync(`${path}.owner`, `${process.ppid}`);
    const opening = openSqlite(path, 60);
    await vi.waitUntil(() => hasBuiltin || existsSync(`${path}.owner.${process.pid}`));
    rmSync(`${path}.owner`);
    (await opening).close();
  });
});
