import type { RedisScript } from "./redis-scripts.ts";

/** What {@link redisStore} uses of a client, cluster or pool of `redis` (node-redis 5 and 6). */
export interface NodeRedisClient {
  hmGet(key: string, fields: string[]): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(source: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** What {@link redisStore} uses of a client or cluster of `ioredis` (5 and 6). */
export interface IoredisClient {
  hmget(key: string, ...fields: string[]): Promise<unknown>;
  del(key: string): Promise<unknown>;
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** The few commands of the store, the same for both clients. */
export interface RedisCommands {
  /** The fields of a hash, in this order; `null` for what is missing. */
  fields(key: string, names: readonly string[]): Promise<readonly unknown[]>;
  remove(key: string): Promise<unknown>;
  /** Runs a script on one key. It is sent once to each server, and again where the server has forgotten it. */
  run(script: RedisScript, key: string, values: readonly string[]): Promise<unknown>;
}

/** @throws {TypeError} if the client is none of the two kinds. */
export function redisCommands(client: NodeRedisClient | IoredisClient): RedisCommands {
  if (isNodeRedis(client)) {
    return {
      fields: async (key, names) => (await client.hmGet(key, [...names])) as unknown[],
      remove: (key) => client.del(key),
      run: (script, key, values) => {
        const options = { keys: [key], arguments: [...values] };
        return orWhole(client.evalSha(script.sha1, options), () => client.eval(script.source, options));
      },
    };
  }
  if (isIoredis(client)) {
    return {
      fields: async (key, names) => (await client.hmget(key, ...names)) as unknown[],
      remove: (key) => client.del(key),
      run: (script, key, values) =>
        orWhole(client.evalsha(script.sha1, 1, key, ...values), () => client.eval(script.source, 1, key, ...values)),
    };
  }
  throw new TypeError("redisStore: client is a client of redis (with hmGet and evalSha) or of ioredis (with hmget and evalsha)");
}

/** By shape, so that any version and any copy of the package will do. */
function isNodeRedis(client: NodeRedisClient | IoredisClient): client is NodeRedisClient {
  return has(client, "hmGet") && has(client, "evalSha") && has(client, "eval") && has(client, "del");
}

function isIoredis(client: NodeRedisClient | IoredisClient): client is IoredisClient {
  return has(client, "hmget") && has(client, "evalsha") && has(client, "eval") && has(client, "del");
}

function has(client: object, name: string): boolean {
  return typeof (client as Record<string, unknown>)[name] === "function";
}

async function orWhole(byName: Promise<unknown>, whole: () => Promise<unknown>): Promise<unknown> {
  try {
    return await byName;
  } catch (error) {
    // It was restarted, or is a server that has not seen the script yet. Nothing was done.
    if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return whole();
    throw error;
  }
}
