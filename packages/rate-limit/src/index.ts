export { rateLimit, type RateLimitOptions } from "./rate-limit.ts";
export { byAddress, type ByAddressOptions } from "./by-address.ts";
export { memoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { redisStore, type IoredisClient, type NodeRedisClient, type RedisStoreOptions } from "./redis-store.ts";
export type { RateLimitStore } from "./store.ts";
export type { Verdict } from "./sliding-window.ts";
