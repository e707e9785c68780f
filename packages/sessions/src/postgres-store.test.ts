import { sessionStoreConformance, type MakeStore } from "@gateway/testing/session-store";
import { hasProgram, startPostgres, type RunningPostgres } from "@gateway/testing/programs";
import { Pool, type PoolConfig } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { postgresStore, type PostgresPool, type PostgresStore } from "./postgres-store.ts";

const id = "p".repeat(43);
const minute = 60_000;

function openPool(postgres: RunningPostgres, settings: PoolConfig = {}): Pool {
  const pool = new Pool({ ...postgres.address, ...settings });
  // It tells of every lost connection.
  pool.on("error", () => {});
  return pool;
}

describe.skipIf(!hasProgram("postgres"))("postgresStore", () => {
  let postgres: RunningPostgres;
  let pool: Pool;
  beforeAll(async () => {
    postgres = await startPostgres();
    pool = openPool(postgres);
  });
  afterAll(async () => {
    await pool.end();
    await postgres.stop();
  });

  const make: MakeStore = (now) => {
    const pools: Pool[] = [];
    const open = (): PostgresStore => {
      const pool = openPool(postgres, { max: 4 });
      pools.push(pool);
      return postgresStore({ pool, createTable: true, now });
    };
    return {
      store: open(),
      another: open,
      breakDown: () => postgres.kill(),
      mend: () => postgres.restart(),
      end: async () => {
        await Promise.all(pools.map((pool) => pool.end()));
        if (postgres.pid === undefined) await postgres.restart();
      },
    };
  };
  sessionStoreConformance(make, { describe, it }, { name: "PostgreSQL" });

  it("makes the table where it is missing, from many processes at the same time", async () => {
    const stores = Array.from({ length: 8 }, () => postgresStore({ pool, table: "made_together", createTable: true }));
    await Promise.all(stores.map(async (store) => store.read(id)));
    await Promise.all(stores.map((store) => store.createTable()));
    const { rows } = await pool.query("SELECT indexname FROM pg_indexes WHERE tablename = 'made_together' ORDER BY 1");
    expect(rows).toEqual([{ indexname: "made_together_expires_at" }, { indexname: "made_together_pkey" }]);
  });

  it("asks once for the table, and again after a failure", async () => {
    let isDown = true;
    const texts: string[] = [];
    const flaky: PostgresPool = {
      query: async (text, values) => {
        texts.push(text);
        if (isDown) throw new Error("down");
        return pool.query(text, values);
      },
    };
    const store = postgresStore({ pool: flaky, table: "made_once", createTable: true });
    await expect(store.read(id)).rejects.toThrow("down");
    isDown = false;
    await Promise.all([store.read(id), store.read(id), store.delete(id)]);
    await store.read(id);
    expect(texts.filter((text) => text.includes("to_regclass"))).toHaveLength(2);
  });

  it("says what to do where the table is missing", async () => {
    const store = postgresStore({ pool, table: "not_there" });
    await expect(store.read(id)).rejects.toThrow(/"not_there" does not exist: call createTable\(\) of the store once, or/);
    await store.createTable();
    expect(await store.read(id)).toBeUndefined();
  });

  it("needs no right to create where the table is there", async () => {
    await postgresStore({ pool, table: "granted" }).createTable();
    await pool.query("CREATE ROLE app LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON granted TO app");
    const poor = openPool(postgres, { user: "app" });
    const record = { data: "data", version: 1, expiresAt: Date.now() + minute };
    expect(await postgresStore({ pool: poor, table: "granted", createTable: true }).write(id, record)).toBe(true);
    await expect(postgresStore({ pool: poor, table: "refused", createTable: true }).read(id)).rejects.toThrow("permission denied");
    await poor.end();
  });

  it("uses the table and the schema that it is told, in quotes", async () => {
    await pool.query('CREATE SCHEMA "Select"');
    const store = postgresStore({ pool, schema: "Select", table: "User" });
    await store.createTable();
    const record = { data: "data", version: 1, expiresAt: Date.now() + minute };
    expect(await store.write(id, record)).toBe(true);
    const { rows } = await pool.query('SELECT id, version, expires_at, data FROM "Select"."User"');
    expect(rows).toEqual([{ id, version: "1", expires_at: String(record.expiresAt), data: "data" }]);
  });

  it("finds what has expired by an index", async () => {
    const store = postgresStore({ pool, table: "indexed" });
    await store.createTable();
    const { rows } = await pool
      .query("SET enable_seqscan = off; EXPLAIN DELETE FROM indexed WHERE expires_at <= 1; RESET enable_seqscan")
      .then((results) => (results as unknown as { rows: unknown[] }[])[1]!);
    expect(JSON.stringify(rows)).toContain("indexed_expires_at");
  });

  it("prunes by the clock of the caller", async () => {
    let now = Date.now();
    const store = postgresStore({ pool, table: "pruned", createTable: true, now: () => now });
    for (const one of ["a", "b"]) await store.write(one.repeat(43), { data: "", version: 1, expiresAt: now + minute });
    expect(await store.prune()).toBe(0);
    now += minute;
    expect(await store.prune()).toBe(2);
  });

  it("does not let data or ids into the statement", async () => {
    const texts = new Set<string>();
    const watched: PostgresPool = {
      query: (text, values) => {
        texts.add(text);
        return pool.query(text, values);
      },
    };
    const store = postgresStore({ pool: watched, table: "watched", createTable: true });
    const record = { data: "'); DROP TABLE watched; --", version: 1, expiresAt: Date.now() + minute };
    await store.write("'; DROP TABLE watched; --", record);
    expect(await store.read("'; DROP TABLE watched; --")).toEqual(record);
    expect([...texts].join("")).not.toContain("DROP");
  });
});

describe("postgresStore without a server", () => {
  const query = vi.fn<PostgresPool["query"]>(async () => ({ rows: [], rowCount: null }));

  it("takes numbers and big integers where a parser gives them", async () => {
    for (const of of [Number, BigInt, String]) {
      const rows = [{ data: "data", version: of(2), expires_at: of(5_000_000_000_000) }];
      const store = postgresStore({ pool: { query: async () => ({ rows, rowCount: 1 }) } });
      expect(await store.read(id)).toEqual({ data: "data", version: 2, expiresAt: 5_000_000_000_000 });
    }
  });

  it("takes no count for none", async () => {
    expect(await postgresStore({ pool: { query } }).prune()).toBe(0);
  });

  it("refuses wrong settings", () => {
    expect(() => postgresStore({} as { pool: PostgresPool })).toThrow("postgresStore: pool is one of pg");
    expect(() => postgresStore({ pool: { query }, now: 1 as unknown as () => number })).toThrow("postgresStore: now is a function");
    for (const table of ["", "a b", 'a"; DROP TABLE users; --', "1a", "a.b", "é", "x".repeat(51)]) {
      expect(() => postgresStore({ pool: { query }, table })).toThrow("table must be a plain SQL name");
      expect(() => postgresStore({ pool: { query }, schema: table })).toThrow("schema must be a plain SQL name");
    }
  });
});
