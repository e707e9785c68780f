import type * as suite from "@gateway/testing/session-store";
import type { createClient, createClientPool, createCluster, createSentinel } from "redis";
import type { createClient as createClient5, createCluster as createCluster5 } from "redis-5";
import type { Cluster, Redis } from "ioredis";
import type { Cluster as Cluster6, Redis as Redis6 } from "ioredis-6";
import type { Keyv } from "keyv";
import type { Client, Pool } from "pg";
import type { KeyvLike } from "./keyv-store.ts";
import type { PostgresPool } from "./postgres-store.ts";
import type { IoredisClient, NodeRedisClient } from "./redis-store.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

type Assignable<From extends To, To> = From;
type Same<A, B> = [keyof A, keyof B] extends [keyof B, keyof A] ? true : false;
type Yes<T extends true> = T;

/** The contract is written here, and once more in the package of the suite, which cannot import this one. */
export type Contract = [
  Assignable<SessionStore, suite.SessionStore>,
  Assignable<suite.SessionStore, SessionStore>,
  Assignable<SessionRecord, suite.SessionRecord>,
  Assignable<suite.SessionRecord, SessionRecord>,
  // An optional member that is missing on one side would not show above.
  Yes<Same<SessionStore, suite.SessionStore>>,
  Yes<Same<SessionRecord, suite.SessionRecord>>,
];

/** What is taken by shape. */
export type Clients = [
  Assignable<ReturnType<typeof createClient>, NodeRedisClient>,
  Assignable<ReturnType<typeof createCluster>, NodeRedisClient>,
  Assignable<ReturnType<typeof createClientPool>, NodeRedisClient>,
  Assignable<ReturnType<typeof createSentinel>, NodeRedisClient>,
  Assignable<ReturnType<typeof createClient5>, NodeRedisClient>,
  Assignable<ReturnType<typeof createCluster5>, NodeRedisClient>,
  Assignable<Redis, IoredisClient>,
  Assignable<Cluster, IoredisClient>,
  Assignable<Redis6, IoredisClient>,
  Assignable<Cluster6, IoredisClient>,
  Assignable<Pool, PostgresPool>,
  Assignable<Client, PostgresPool>,
  Assignable<Keyv, KeyvLike>,
];
