import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Application, Environ, Middleware } from "@gateway/core";
import { hasProgram, startPostgres, startRedis } from "@gateway/testing/programs";
import { client } from "@gateway/testing";
import { Pool } from "pg";
import { describe, expect, it, vi } from "vitest";
import type { SessionEnviron, SessionStore } from "./index.ts";
import { postgresStore } from "./postgres-store.ts";
import { sqliteStore, type SqliteDatabase } from "./sqlite-store.ts";
import { wasmSqlite } from "./test-wasm-sqlite.ts";

const guide = new URL("../STORES.md", import.meta.url);

/** What each example of the guide exports. */
interface Example {
  readonly layer: Middleware<SessionEnviron>;
  readonly store: SessionStore;
  readonly client?: { disconnect?(): void; destroy?(): void };
  readonly pool?: { end(): Promise<void> };
}

/** The example of the guide with this import, its addresses replaced by those of the test, used by an application. */
async function tryExample(importing: string, replaced: Readonly<Record<string, string>>): Promise<void> {
  const blocks = (await readFile(guide, "utf8")).matchAll(/^```ts\n([^]*?)^```$/gm);
  let code = [...blocks].map(([, text]) => text ?? "").find((text) => text.includes(importing)) ?? "";
  expect(code).not.toBe("");
  for (const [from, to] of Object.entries(replaced)) {
    expect(code).toContain(from);
    code = code.replace(from, to);
  }
  const linked = code.replaceAll(/from "([^"]+)"/g, (_, from: string) => {
    const own = from.startsWith("@gateway/sessions")
      ? new URL(`./${from.slice(18) || "index"}.ts`, import.meta.url).href
      : undefined;
    return `from ${JSON.stringify(own ?? import.meta.resolve(from))}`;
  });
  vi.stubEnv("SESSION_SECRET", "a secret of thirty-two octets, and more");
  const folder = await mkdtemp(join(tmpdir(), "gateway-guide-"));
  try {
    await writeFile(join(folder, "example.ts"), linked);
    const example = (await import(pathToFileURL(join(folder, "example.ts")).href)) as Example;
    const counter: Application<Environ & SessionEnviron> = (environ, startResponse) => {
      const session = environ["gateway.session"];
      const count = Number(session.get("count") ?? 0) + 1;
      session.set("count", count);
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(String(count))];
    };
    const http = client(example.layer(counter));
    for (const count of ["1", "2", "3"]) expect((await http.get("/")).text()).toBe(count);
    await example.store.close?.();
    example.client?.disconnect?.();
    await example.pool?.end();
  } finally {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
}

describe("STORES.md", () => {
  it.skipIf(!hasProgram("redis-server"))("has an example with redis that runs", async () => {
    await using redis = await startRedis();
    await tryExample('from "redis"', { 'url: "redis://localhost:6379"': `socket: ${JSON.stringify(redis.address)}` });
  });

  it.skipIf(!hasProgram("redis-server"))("has an example with ioredis that runs", async () => {
    await using redis = await startRedis();
    await tryExample('from "ioredis"', { '"redis://localhost:6379"': JSON.stringify(redis.address.path) });
  });

  it.skipIf(!hasProgram("postgres"))("has an example with PostgreSQL that runs", async () => {
    await using postgres = await startPostgres();
    const address = JSON.stringify(postgres.address).slice(1, -1);
    await tryExample('from "pg"', { 'connectionString: process.env["DATABASE_URL"]': address });
  });

  it("has an example with Keyv that runs", () => tryExample('from "keyv"', {}));

  it("has an example with SQLite that runs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gateway-guide-"));
    // Whatever SQLite this runtime has or has not: it is opened by its name.
    const opened: string[] = [];
    const DatabaseSync = function (path: string): SqliteDatabase {
      opened.push(path);
      return wasmSqlite(path);
    };
    vi.spyOn(process, "getBuiltinModule").mockImplementation((name: string) =>
      name === "node:sqlite" ? { DatabaseSync } : undefined,
    );
    await tryExample("sqliteStore(", { '"sessions.db"': JSON.stringify(join(folder, "sessions.db")) });
    expect(opened).toEqual([join(folder, "sessions.db")]);
    await rm(folder, { recursive: true });
  });

  it("shows the table of SQLite as it is", async () => {
    const [shown, made] = [wasmSqlite(":memory:"), wasmSqlite(":memory:")];
    shown.exec(await sqlBehind("## SQLite"));
    sqliteStore({ database: made });
    const columns = (database: SqliteDatabase): unknown[] =>
      [0, 1, 2, 3, 4].map((cid) => database.prepare("SELECT * FROM pragma_table_info('sessions') WHERE cid = ?").get(cid));
    expect(columns(shown)).toEqual(columns(made));
    expect(columns(made)[3]).toMatchObject({ name: "data" });
    const index = "SELECT group_concat(name) AS names FROM pragma_index_list('sessions')";
    expect(shown.prepare(index).get()).toEqual(made.prepare(index).get());
    for (const database of [shown, made]) database.close();
  });

  it.skipIf(!hasProgram("postgres"))("shows the table of PostgreSQL as it is", async () => {
    await using postgres = await startPostgres();
    const pool = new Pool({ ...postgres.address, max: 1 });
    // The server may end before the goodbye of a connection has reached it.
    pool.on("error", () => {});
    await pool.query("CREATE SCHEMA shown; CREATE SCHEMA made; SET search_path = shown");
    await pool.query(await sqlBehind("## PostgreSQL"));
    await postgresStore({ pool, schema: "made" }).createTable();
    const describe = async (schema: string): Promise<unknown> => {
      const columns = "column_name, data_type, collation_name, is_nullable, column_default";
      const table = await pool.query(
        `SELECT ${columns} FROM information_schema.columns WHERE table_schema = $1 ORDER BY ordinal_position`,
        [schema],
      );
      const indexes = await pool.query(
        "SELECT indexname, replace(indexdef, $1, '') AS definition FROM pg_indexes WHERE schemaname = $1 ORDER BY 1",
        [schema],
      );
      return { columns: table.rows as unknown[], indexes: indexes.rows as unknown[] };
    };
    const shown = await describe("shown");
    expect(shown).toEqual(await describe("made"));
    expect(shown).toMatchObject({ columns: { length: 4 }, indexes: { length: 2 } });
    await pool.end();
  });
});

/** The SQL of one chapter. */
async function sqlBehind(heading: string): Promise<string> {
  const text = await readFile(guide, "utf8");
  return /^```sql\n([^]*?)^```$/m.exec(text.slice(text.indexOf(`\n${heading}\n`)))?.[1] ?? "";
}
