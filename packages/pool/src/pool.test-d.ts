// Compiled, never run: a line that must not compile says so, and the compiler complains where it does.
import { compose, type AddsOf, type Application, type Environ } from "@gateway/core";
import type { Pool as GenericPool } from "generic-pool";
import type { Pool as MysqlPool, PoolConnection } from "mysql2/promise";
import type { Pool as MysqlCallbackPool } from "mysql2";
import type { Pool as PgPool, PoolClient } from "pg";
import type { Pool as TarnPool } from "tarn";
import { pool, type PoolEnviron } from "./index.ts";

/** Two types that are the same: each can stand for the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <A, B>(_proof: Same<A, B>): void => {};

declare const pg: PgPool;
declare const mysql: MysqlPool;
declare const mysqlCallback: MysqlCallbackPool;
declare const tarn: TarnPool<PoolClient>;
declare const generic: GenericPool<PoolClient>;
declare const custom: { acquire(): Promise<Date>; release(date: Date): void; destroy(date: Date): void };

// The connection is known by the pool.
const ofPg = pool(pg);
same<AddsOf<typeof ofPg>, PoolEnviron<PoolClient>>(true);
const ofMysql = pool(mysql);
same<AddsOf<typeof ofMysql>, PoolEnviron<PoolConnection>>(true);
const ofTarn = pool(tarn, { destroy: (client) => client.end() });
same<AddsOf<typeof ofTarn>, PoolEnviron<PoolClient>>(true);
const ofGeneric = pool(generic);
same<AddsOf<typeof ofGeneric>, PoolEnviron<PoolClient>>(true);
const ofCustom = pool(custom, { key: "my.dates", transaction: { begin: (date) => date.getTime() } });
same<AddsOf<typeof ofCustom>, PoolEnviron<Date, "my.dates">>(true);
// @ts-expect-error: a pool of callbacks
pool(mysqlCallback);
// @ts-expect-error: no pool
pool({ connect: 1 });

// In the onion.
const served = (app: Application): Application => app;
served(
  compose(
    pool(pg, { transaction: true }),
    pool(custom, { key: "my.dates" }),
  )(async (environ, startResponse) => {
    const client = await environ["gateway.connection"]();
    client satisfies PoolClient;
    const date = await environ["my.dates"]();
    date satisfies Date;
    startResponse("200 OK", []);
    return [];
  }),
);
declare const needy: Application<Environ & PoolEnviron<PoolClient>>;
served(pool(pg)(needy));
// @ts-expect-error: nothing outside adds the connection
served(needy);
// @ts-expect-error: it has another key
served(pool(pg, { key: "my.pool" })(needy));
