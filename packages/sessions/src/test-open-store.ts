import type { PostgresAddress } from "@gateway/testing/programs";
import { Pool } from "pg";
import { postgresStore } from "./postgres-store.ts";
import { redisStore } from "./redis-store.ts";
import { sqliteStore } from "./sqlite-store.ts";
import type { SessionStore } from "./store.ts";
import { redisClients, type RedisAddress } from "./test-redis-clients.ts";

/** Where the data of a store is: for a process that opens it by itself. */
export type StoreAddress =
  | { readonly kind: "redis 6" | "ioredis 5"; readonly at: RedisAddress }
  | { readonly kind: "PostgreSQL"; readonly at: PostgresAddress }
  | { readonly kind: "SQLite"; readonly at: { readonly path: string } };

/** A store and what it rests on. */
export interface OpenStore {
  readonly store: SessionStore;
  /** Resolves when it can be used, also after a restart of the server. */
  ready(): Promise<void>;
  end(): Promise<void>;
}

/** Opens a store whose calls fail at once while the server is down. */
export function openStore(address: StoreAddress): OpenStore {
  if (address.kind === "SQLite") {
    const store = sqliteStore(address.at);
    return { store, ready: async () => {}, end: async () => store.close?.() };
  }
  if (address.kind === "PostgreSQL") {
    const pool = new Pool({ ...address.at, max: 8 });
    // It tells of every lost connection.
    pool.on("error", () => {});
    return { store: postgresStore({ pool, createTable: true }), ready: async () => {}, end: () => pool.end() };
  }
  const redis = redisClients[address.kind](address.at);
  return { store: redisStore({ client: redis.client }), ready: () => redis.ready(), end: async () => redis.end() };
}
