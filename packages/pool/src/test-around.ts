import assert from "node:assert/strict";
import type { Application, Environ } from "@gateway/core";
import { validator } from "@gateway/validate";
import { pool, type PoolEnviron, type PoolOptions } from "./index.ts";
import { FakeConnection, FakePool } from "./test-pool.ts";

/** An application that may ask for a connection of the pool in memory. */
export type App = Application<Environ & PoolEnviron<FakeConnection>>;

/** What the tests of one pool use; the pool may be another for each test. */
export interface Around {
  /** The layer with the validator on both sides. */
  readonly served: (app: App, options?: PoolOptions<FakeConnection>) => Application;
  readonly inTransaction: (app: App) => Application;
  /** Of all connections there are. */
  readonly states: () => readonly string[];
}

export function around(source: () => FakePool): Around {
  const served: Around["served"] = (app, options = {}) => validator(pool(source(), options)(validator(app as Application) as App));
  return {
    served,
    inTransaction: (app) => served(app, { transaction: true }),
    states: () => source().connections.map(({ state }) => state),
  };
}

/** Nothing is out, nothing went back twice, and nobody waits. */
export function assertAllBack({ out, mistakes, waiting }: FakePool): void {
  assert.deepEqual({ out, mistakes, waiting }, { out: 0, mistakes: [], waiting: 0 });
}

export const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

/** Lets everything that is ready run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Writes a row, and answers with an array. */
export const buffered =
  (status = "200 OK"): App =>
  async (environ, startResponse) => {
    const connection = await environ["gateway.connection"]();
    await connection.query("INSERT");
    startResponse(status, plain());
    return [Buffer.from("done")];
  };

/** Writes a row for each chunk of its stream. */
export const streamed = (chunks: readonly string[]): App =>
  async function* (environ, startResponse) {
    startResponse("200 OK", plain());
    for (const chunk of chunks) {
      const connection = await environ["gateway.connection"]();
      await connection.query("INSERT");
      yield Buffer.from(chunk);
    }
  };
