import { checkOptionNames } from "@gateway/core";
import { checkClock } from "./check-clock.ts";
import { redisCommands, type IoredisClient, type NodeRedisClient } from "./redis-commands.ts";
import { touchScript, writeScript } from "./redis-scripts.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

export type { IoredisClient, NodeRedisClient } from "./redis-commands.ts";

/** Settings of {@link redisStore}. */
export interface RedisStoreOptions {
  /** A client of `redis` (5.12 or later, or 6) or of `ioredis` (5 or 6), also a cluster. It is yours to connect and to close. */
  readonly client: NodeRedisClient | IoredisClient;
  /** What keys begin with (default `"session:"`). The client may add a prefix of its own before it. */
  readonly prefix?: string | undefined;
  /**
   * How long an answer may take, in milliseconds (default 5000; `Infinity`: as long as the client waits). Clients keep commands while
   * they are not connected, and a request must not wait for ever: it rejects, and what was sent may still be done.
   */
  readonly timeoutMs?: number | undefined;
  /** The time in milliseconds since 1970 (default: `Date.now`). */
  readonly now?: (() => number) | undefined;
}

/**
 * Keeps sessions in Redis 4 or later (or Valkey), each in one hash, which Redis removes when its time is over. Versions are compared in
 * a script, so parallel writes from any number of processes do not lose each other. Needs `EVAL`, `EVALSHA`, `HMGET` and `DEL`.
 *
 * @throws {TypeError | RangeError} while it is made, if the options are wrong. Errors of the client pass through.
 */
export function redisStore(options: RedisStoreOptions): SessionStore {
  checkOptionNames("redisStore", options, { client: true, prefix: true, timeoutMs: true, now: true });
  const { client, prefix = "session:", timeoutMs = 5000, now = Date.now } = options;
  if (typeof client !== "object" || client === null) throw new TypeError("redisStore: client is a client of redis or ioredis");
  if (typeof prefix !== "string") throw new TypeError("redisStore: prefix is a string");
  if (!(timeoutMs > 0) || (timeoutMs > 2_147_483_647 && timeoutMs !== Infinity)) {
    throw new RangeError(`redisStore: timeoutMs is a number of milliseconds above 0, or Infinity, not ${timeoutMs}`);
  }
  checkClock("redisStore", now);
  const commands = redisCommands(client);
  const inTime = <T>(answer: Promise<T>): Promise<T> => (timeoutMs === Infinity ? answer : within(timeoutMs, answer));

  return {
    atomic: true,

    async read(id): Promise<SessionRecord | undefined> {
      const [data, version, expires] = await inTime(commands.fields(prefix + id, ["data", "version", "expires"]));
      if (typeof data !== "string" || typeof version !== "string" || typeof expires !== "string") {
        if (data === null && version === null && expires === null) return undefined;
        throw new TypeError(`redisStore: what Redis has under ${prefix} is no session, or the client does not give text`);
      }
      const expiresAt = Number(expires);
      return expiresAt > now() ? { data, version: Number(version), expiresAt } : undefined;
    },

    async write(id, { data, version, expiresAt }): Promise<boolean> {
      const values = [String(version), String(expiresAt), data, String(now())];
      return Number(await inTime(commands.run(writeScript, prefix + id, values))) === 1;
    },

    async touch(id, expiresAt): Promise<void> {
      await inTime(commands.run(touchScript, prefix + id, [String(expiresAt), String(now())]));
    },

    async delete(id): Promise<void> {
      await inTime(commands.remove(prefix + id));
    },
  };
}

function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`redisStore: Redis did not answer within ${milliseconds} ms`)), milliseconds);
    answer.then(
      (value) => {
        clearTimeout(late);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(late);
        reject(error);
      },
    );
  });
}
