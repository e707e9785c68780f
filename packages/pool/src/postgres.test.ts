import assert from "node:assert/strict";
import { request } from "node:http";
import type { Application, Environ } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { client } from "@gateway/testing";
import { eventually, scaled, seededRandom } from "@gateway/testing/campaign";
import { hasProgram, startPostgres, type RunningPostgres } from "@gateway/testing/programs";
import { importExample } from "@gateway/testing/readme";
import { validator } from "@gateway/validate";
import { createPool } from "generic-pool";
import { Client, Pool, type PoolClient } from "pg";
import { Pool as TarnPool } from "tarn";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { drain, pool, poolState, type PoolEnviron, type PoolOptions } from "./index.ts";
import { campaignTimeout, kinds, Witness, writingApplication } from "./test-campaign.ts";

type App = Application<Environ & PoolEnviron<PoolClient>>;

const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

describe.skipIf(!hasProgram("postgres"))("pool, over PostgreSQL", () => {
  let postgres: RunningPostgres;
  let admin: Client;
  let source: Pool;

  beforeAll(async () => {
    postgres = await startPostgres();
    admin = new Client(postgres.address);
    await admin.connect();
    await admin.query("CREATE TABLE rows (id text, other text UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  }, 60_000);

  afterAll(async () => {
    await admin?.end();
    await postgres?.stop();
  });

  beforeEach(async () => {
    await admin.query("TRUNCATE rows");
    source = new Pool({ ...postgres.address, max: 5 });
    // Of idle connections that the database ended.
    source.on("error", () => {});
  });

  afterEach(async () => {
    // Whatever happened: nothing is out, and nothing is open in the database.
    const { rows } = await admin.query("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'");
    const left = { out: source.totalCount - source.idleCount, waiting: source.waitingCount, open: rows.length };
    await source.end();
    assert.deepEqual(left, { out: 0, waiting: 0, open: 0 });
  });

  const table = async (): Promise<string[]> =>
    (await admin.query<{ id: string }>("SELECT id FROM rows ORDER BY id")).rows.map(({ id }) => id);
  const served = (app: App, options: PoolOptions<PoolClient> = { transaction: true }): Application =>
    validator(pool(source, options)(validator(app as Application) as App));
  const insert = (environ: Environ & PoolEnviron<PoolClient>, id: string, other?: string): Promise<unknown> =>
    environ["gateway.connection"]().then((connection) => connection.query("INSERT INTO rows VALUES ($1, $2)", [id, other]));

  it("commits what succeeds, and rolls back what fails", async () => {
    const app = served(async (environ, startResponse) => {
      await insert(environ, environ.PATH_INFO);
      if (environ.PATH_INFO === "/throws") throw new Error("no");
      startResponse(environ.PATH_INFO === "/500" ? "500 Internal Server Error" : "200 OK", plain());
      return [Buffer.from((await table()).join())];
    });
    expect((await client(app).get("/a")).text()).toBe("");
    await client(app).get("/throws", { errors: "expected" });
    await client(app).get("/500");
    expect(await table()).toEqual(["/a"]);
  });

  it("answers 500 when the database refuses the commit", async () => {
    await admin.query("INSERT INTO rows VALUES ('first', 'taken')");
    const app = served(async (environ, startResponse) => {
      await insert(environ, "second", "taken");
      startResponse("200 OK", plain());
      return [Buffer.from("done")];
    });
    const response = await client(app).get("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("duplicate key")]);
    expect(await table()).toEqual(["first"]);
  });

  it("breaks a stream off when the database refuses the commit", async () => {
    await admin.query("INSERT INTO rows VALUES ('first', 'taken')");
    const app = served(async function* (environ, startResponse) {
      startResponse("200 OK", plain());
      yield Buffer.from("a");
      await insert(environ, "second", "taken");
      yield Buffer.from("b");
    });
    await expect(client(app).get("/", { errors: "ignore" })).rejects.toThrow("duplicate key");
    expect(await table()).toEqual(["first"]);
  });

  it("answers 500 when a statement had failed and the application went on as if it had not", async () => {
    const app = served(async (environ, startResponse) => {
      await insert(environ, "row");
      await environ["gateway.connection"]()
        .then((connection) => connection.query("SELECT nonsense"))
        .catch(() => {});
      startResponse("200 OK", plain());
      return [Buffer.from("done")];
    });
    const response = await client(app).get("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("rolled back instead of committing")]);
    expect(await table()).toEqual([]);
  });

  it("sets the isolation", async () => {
    const app: App = async (environ, startResponse) => {
      const { rows } = await (
        await environ["gateway.connection"]()
      ).query<{ transaction_isolation: string }>("SHOW transaction_isolation");
      startResponse("200 OK", plain());
      return [Buffer.from(rows[0]?.transaction_isolation ?? "")];
    };
    for (const isolation of ["serializable", "repeatable read", "read committed"] as const) {
      expect((await client(served(app, { transaction: { isolation } })).get("/")).text()).toBe(isolation);
    }
  });

  it("replaces a connection that the database ended, idle in a request or busy", async () => {
    const ended: App = async (environ, startResponse) => {
      const connection = await environ["gateway.connection"]();
      const { rows } = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      const gone = new Promise((resolve) => connection.once("end", resolve));
      await admin.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
      await gone;
      startResponse("200 OK", plain());
      return [Buffer.from("done")];
    };
    expect((await client(served(ended)).get("/", { errors: "expected" })).status).toBe(500);
    expect((await client(served(ended, {})).get("/")).status).toBe(200);
    expect(source.totalCount).toBe(0);
    const fine = served(async (environ, startResponse) => {
      await insert(environ, "row");
      startResponse("204 No Content", []);
      return [];
    });
    expect((await client(fine).get("/")).status).toBe(204);
    expect(await table()).toEqual(["row"]);
  });

  it("answers 503 when no connection is free in time", async () => {
    const held = await Promise.all(Array.from({ length: 5 }, () => source.connect()));
    const app = served(
      async (environ, startResponse) => {
        await insert(environ, "row");
        startResponse("200 OK", plain());
        return [];
      },
      { acquireMilliseconds: 1 },
    );
    expect((await client(app).get("/")).status).toBe(503);
    for (const connection of held) connection.release();
    // The connection that came late is back, too.
    await eventually(() => source.waitingCount === 0 && source.idleCount === source.totalCount);
    expect(await table()).toEqual([]);
  });

  it("knows tarn and generic-pool", async () => {
    const connect = async (): Promise<Client> => {
      const connection = new Client(postgres.address);
      connection.on("error", () => {});
      await connection.connect();
      return connection;
    };
    const dead = new WeakSet<Client>();
    const tarn = new TarnPool<Client>({
      create: connect,
      destroy: (connection) => connection.end(),
      validate: (connection) => !dead.has(connection),
      min: 0,
      max: 2,
    });
    const generic = createPool<Client>({ create: connect, destroy: (connection) => connection.end() }, { max: 2 });
    const app: Application<Environ & PoolEnviron<Client>> = async (environ, startResponse) => {
      const connection = await environ["gateway.connection"]();
      await connection.query("INSERT INTO rows VALUES ($1)", [environ.PATH_INFO]);
      if (environ.PATH_INFO === "/fails") await connection.query("COMMIT; BEGIN; SELECT nonsense").catch(() => {});
      startResponse("200 OK", plain());
      return [Buffer.from("done")];
    };
    const destroy = async (connection: Client): Promise<void> => {
      dead.add(connection);
      await connection.end();
    };
    for (const layer of [pool(tarn, { transaction: true, destroy }), pool(generic, { transaction: true })]) {
      const http = client(layer(app));
      expect((await http.get("/a")).status).toBe(200);
      expect((await http.get("/fails", { errors: "expected" })).status).toBe(500);
      expect((await http.get("/b")).status).toBe(200);
      await drain(layer);
      expect(poolState(layer)).toEqual({ held: 0, waiting: 0 });
    }
    expect([tarn.numUsed(), generic.borrowed]).toEqual([0, 0]);
    await tarn.destroy();
    await generic.drain();
    await generic.clear();
    expect((await table()).filter((id) => id !== "/fails")).toEqual(["/a", "/a", "/b", "/b"]);
  });

  it("does in the README what the README says", async () => {
    const { host, port, user, database } = postgres.address;
    for (const [name, value] of Object.entries({ PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database }))
      vi.stubEnv(name, value);
    await admin.query("CREATE TABLE guests (name text)");
    const example = (await importExample(
      new URL("../README.md", import.meta.url),
      { "@gateway/pool": new URL("index.ts", import.meta.url) },
      { "export default app satisfies Application;": "export default { app: app satisfies Application, stop };" },
    )) as {
      app: Application;
      stop(): Promise<void>;
    };
    expect((await client(example.app).post("/", { query: { name: "Ada" } })).text()).toBe("1 guests\n");
    expect((await client(example.app).post("/", { query: { name: "Bob" } })).text()).toBe("2 guests\n");
    await example.stop();
    vi.unstubAllEnvs();
  });

  it(
    "leaks no connection and commits nothing that it should not, when sockets are destroyed at random points",
    async () => {
      const random = seededRandom(7);
      const witness = new Witness();
      const layer = pool(source, { transaction: { commit: witness.commit }, acquireMilliseconds: 60_000 });
      const app = layer(writingApplication<PoolClient>(witness, (id) => `INSERT INTO rows VALUES ('${id}')`));
      const errors = { write: () => {}, writelines: () => {}, flush: () => {} };
      const server = makeServer("127.0.0.1", 0, app, { shutdownSeconds: 10, errors });
      const address = await server.listen();
      const port = address.kind === "tcp" ? address.port : 0;
      void server.serveForever();
      const received = new Set<string>();
      const count = scaled(10_000);
      let next = 0;
      let left = 0;

      const visit = async (): Promise<void> => {
        while (next < count) {
          const id = String(next++);
          const kind = kinds[Math.floor(random() * kinds.length)] ?? "";
          const turns = random() < 0.9 ? Math.floor(random() * 40) : undefined;
          await new Promise<void>((resolve) => {
            const sent = request({ host: "127.0.0.1", port, path: `/${kind}/${id}`, agent: false }, (response) => {
              response.resume();
              response.on("end", () => response.complete && response.statusCode === 200 && received.add(id));
              response.on("error", () => {});
            });
            sent.on("error", () => {});
            sent.on("close", resolve);
            sent.end();
            if (turns === undefined) return;
            let turn = 0;
            const leave = (): void => {
              if (turn++ < turns) return void setImmediate(leave);
              if (!sent.destroyed) left++;
              sent.destroy();
            };
            leave();
          });
        }
      };
      await Promise.all(Array.from({ length: 16 }, visit));
      await server.shutdown();
      await drain(layer);

      const committed = await table();
      expect(poolState(layer)).toEqual({ held: 0, waiting: 0 });
      expect(committed.filter((id) => witness.failed.has(id) || witness.leftBefore.has(id))).toEqual([]);
      const there = new Set(committed);
      expect([...received].filter((id) => !there.has(id))).toEqual([]);
      expect(new Set(committed).size).toBe(committed.length);
      // It did what it was for.
      expect(left).toBeGreaterThan(count / 4);
      for (const seen of [witness.leftBefore, witness.failed, received, there]) expect(seen.size).toBeGreaterThan(0);
    },
    campaignTimeout,
  );
});
