import { redisStore as rateLimitStore, type RateLimitStore } from "@gateway/rate-limit";
import type { SessionStore } from "@gateway/sessions";

/** What the guestbook keeps in Redis. */
export interface Redis {
  readonly sessionStore: SessionStore;
  readonly rateStore: RateLimitStore;
  close(): Promise<void>;
}

/** Connects to Redis: `redis://host:6379`, `rediss://…`, or `unix:///path/of/socket`. */
export async function connectRedis(url: string): Promise<Redis> {
  const [{ createClient }, { redisStore }] = await Promise.all([import("redis"), import("@gateway/sessions/redis-store")]);
  const target = url.startsWith("unix:") ? { socket: { path: new URL(url).pathname, tls: false as const } } : { url };
  const client = createClient({ ...target, disableOfflineQueue: true });
  client.on("error", (error: unknown) => {
    process.stderr.write(`guestbook: Redis: ${error instanceof Error ? error.message : String(error)}\n`);
  });
  await client.connect();
  return {
    sessionStore: redisStore({ client, prefix: "guestbook:session:" }),
    rateStore: rateLimitStore({ client, prefix: "guestbook:rate:" }),
    close: () => client.close(),
  };
}
