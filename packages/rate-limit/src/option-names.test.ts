import { expect, it } from "vitest";
import { byAddress, memoryStore, rateLimit, redisStore, type RateLimitOptions, type RedisStoreOptions } from "./index.ts";

it.each<[string, () => unknown]>([
  ["rateLimit", () => rateLimit({ limit: 1, windowSeconds: 1, nonsense: 1 } as RateLimitOptions)],
  ["byAddress", () => byAddress({ nonsense: 1 } as object)],
  ["memoryStore", () => memoryStore({ nonsense: 1 } as object)],
  ["redisStore", () => redisStore({ nonsense: 1 } as object as RedisStoreOptions)],
])("%s refuses an option that there is not", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${name}: there is no option nonsense: there are `);
});
