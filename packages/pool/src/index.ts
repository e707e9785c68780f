export { drain, pool, poolState, type PoolEnviron, type PoolOptions, type PoolState } from "./pool.ts";
export type { ConnectionSource, MysqlSource, PgSource, PlainSource, TarnSource } from "./source.ts";
export type { IsolationLevel, TransactionOptions } from "./transaction.ts";
