import { checkOptionNames } from "@gateway/core";
import { hash } from "node:crypto";
import { stepMilliseconds, type Verdict } from "./sliding-window.ts";
import type { RateLimitStore } from "./store.ts";

/** What is used of a client, cluster or pool of `redis` (node-redis 5 and 6). */
export interface NodeRedisClient {
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(source: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** What is used of a client or cluster of `ioredis` (5 and 6). */
export interface IoredisClient {
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** Settings of {@link redisStore}. */
export interface RedisStoreOptions {
  /** A connected client of `redis` or `ioredis`. It stays yours: nobody closes it here. */
  readonly client: NodeRedisClient | IoredisClient;
  /** What the names of the keys begin with (default `"gateway:rate-limit:"`). */
  readonly prefix?: string | undefined;
}

/**
 * The sliding window in Redis, one hash for a key: the end of each step (in milliseconds), and what was used in it. The clock is that of Redis, the same for all who
 * share it. KEYS: the hash. ARGV: cost, limit, window, step. Returns whether it is allowed, what is used, and the milliseconds until some of it is free
 * and until the request would be allowed (-1: never).
 */
export const script = `
local cost, limit, window, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call("HGETALL", KEYS[1])
local steps, sum, latest = {}, 0, 0
for i = 1, #found, 2 do
  local ending, used = tonumber(found[i]), tonumber(found[i + 1])
  if ending + window <= now then
    redis.call("HDEL", KEYS[1], found[i])
  else
    steps[#steps + 1] = { ending, used }
    sum = sum + used
    latest = math.max(latest, ending)
  end
end
local allowed = sum + cost <= limit
if allowed and cost > 0 then
  local ending = (math.floor(now / step) + 1) * step
  redis.call("HINCRBY", KEYS[1], string.format("%.0f", ending), cost)
  redis.call("PEXPIREAT", KEYS[1], string.format("%.0f", math.max(latest, ending) + window))
  steps[#steps + 1] = { ending, cost }
  sum = sum + cost
end
table.sort(steps, function (one, other) return one[1] < other[1] end)
local frees = 0
if #steps > 0 then frees = steps[1][1] + window - now end
local retry = 0
if not allowed then
  retry = -1
  local left = sum
  for _, each in ipairs(steps) do
    left = left - each[2]
    if left + cost <= limit then
      retry = each[1] + window - now
      break
    end
  end
end
return { allowed and 1 or 0, sum, frees, retry }
`;

const sha1 = hash("sha1", script, "hex");

/**
 * Counts in Redis (5 or later), for all processes that share it: one script in one round trip a request, so that no two of them let more through than one would.
 *
 * Keys are hashed: what they were made of (addresses, tokens) is not in Redis. A cluster will do, since a request touches one key. What a Redis loses
 * when it fails over to another is forgotten.
 *
 * @throws {TypeError} if the client is none of the two kinds.
 */
export function redisStore(options: RedisStoreOptions): RateLimitStore {
  checkOptionNames("redisStore", options, { client: true, prefix: true });
  const { client, prefix = "gateway:rate-limit:" } = options;
  if (typeof prefix !== "string") throw new TypeError("redisStore: prefix is a text");
  const run = runnerOf(client);
  return {
    async take(key, cost, limit, windowMilliseconds) {
      const values = [cost, limit, windowMilliseconds, stepMilliseconds(windowMilliseconds)].map(String);
      return verdictOf(await run(prefix + hash("sha256", key, "base64url").slice(0, 22), values));
    },
  };
}

function runnerOf(client: NodeRedisClient | IoredisClient): (key: string, values: string[]) => Promise<unknown> {
  if (has(client, "evalSha")) {
    const redis = client as NodeRedisClient;
    return (key, values) => {
      const options = { keys: [key], arguments: values };
      return orWhole(redis.evalSha(sha1, options), () => redis.eval(script, options));
    };
  }
  if (has(client, "evalsha")) {
    const redis = client as IoredisClient;
    return (key, values) => orWhole(redis.evalsha(sha1, 1, key, ...values), () => redis.eval(script, 1, key, ...values));
  }
  throw new TypeError("redisStore: client is a client of redis (with evalSha) or of ioredis (with evalsha)");
}

function has(client: unknown, name: string): boolean {
  return typeof client === "object" && client !== null && typeof (client as Record<string, unknown>)[name] === "function";
}

/** The script is sent whole to a server that does not know it: one that is new, or was restarted. */
async function orWhole(byName: Promise<unknown>, whole: () => Promise<unknown>): Promise<unknown> {
  try {
    return await byName;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return whole();
    throw error;
  }
}

function verdictOf(answer: unknown): Verdict {
  const [isAllowed = NaN, used = NaN, frees = NaN, retry = NaN] = Array.isArray(answer) ? (answer as unknown[]).map(Number) : [];
  if (Number.isNaN(isAllowed + used + frees + retry))
    throw new TypeError("redisStore: Redis gave an answer that the script does not give");
  return { isAllowed: isAllowed === 1, used, freesInMilliseconds: frees, retryInMilliseconds: retry === -1 ? Infinity : retry };
}
