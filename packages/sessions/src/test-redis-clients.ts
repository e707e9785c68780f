import { Redis } from "ioredis";
import { Redis as Redis6 } from "ioredis-6";
import { createClient } from "redis";
import { createClient as createClient5 } from "redis-5";
import type { RedisStoreOptions } from "./redis-store.ts";

/** A client as a test needs it: it fails at once while the server is down, and comes back when it is there again. */
export interface OpenRedis {
  readonly client: RedisStoreOptions["client"];
  /** Resolves when it is connected. */
  ready(): Promise<void>;
  /** Runs a script on one key. */
  run(script: string, key: string): Promise<unknown>;
  /** Makes the server forget every script. */
  forget(): Promise<unknown>;
  end(): void;
}

export interface RedisAddress {
  readonly path: string;
}

const ignore = (): void => {};

function nodeRedis(create: typeof createClient): (address: RedisAddress) => OpenRedis {
  return ({ path }) => {
    const client = create({ socket: { path, reconnectStrategy: 5 }, disableOfflineQueue: true });
    // It tells of every lost connection.
    client.on("error", ignore);
    void client.connect().catch(ignore);
    return {
      client,
      ready: async () => {
        while (!client.isReady) await new Promise((resolve) => client.once("ready", resolve));
      },
      run: (script, key) => client.eval(script, { keys: [key] }),
      forget: () => client.scriptFlush(),
      end: () => client.destroy(),
    };
  };
}

function ioredis(Client: typeof Redis): (address: RedisAddress) => OpenRedis {
  return ({ path }) => {
    const client = new Client({ path, enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 5 });
    client.on("error", ignore);
    return {
      client,
      ready: async () => {
        while (client.status !== "ready") await new Promise((resolve) => client.once("ready", resolve));
      },
      run: (script, key) => client.eval(script, 1, key),
      forget: () => client.script("FLUSH"),
      end: () => client.disconnect(),
    };
  };
}

type RedisClientName = "redis 6" | "redis 5" | "ioredis 5" | "ioredis 6";

/** Both clients in the versions that are promised. */
export const redisClients: Readonly<Record<RedisClientName, (address: RedisAddress) => OpenRedis>> = {
  "redis 6": nodeRedis(createClient),
  "redis 5": nodeRedis(createClient5 as unknown as typeof createClient),
  "ioredis 5": ioredis(Redis),
  "ioredis 6": ioredis(Redis6 as unknown as typeof Redis),
};
