import { expect, it } from "vitest";
import { fileStore, type FileStoreOptions } from "./file-store.ts";
import { sessions } from "./index.ts";
import { keyvStore, type KeyvStoreOptions } from "./keyv-store.ts";
import { memoryStore } from "./memory-store.ts";
import { postgresStore, type PostgresStoreOptions } from "./postgres-store.ts";
import { redisStore, type RedisStoreOptions } from "./redis-store.ts";
import { sqliteStore } from "./sqlite-store.ts";

it.each<[string, () => unknown]>([
  ["sessions", () => sessions({ nonsense: 1 } as never)],
  ["memoryStore", () => memoryStore({ nonsense: 1 } as object)],
  ["fileStore", () => fileStore({ nonsense: 1 } as object as FileStoreOptions)],
  ["sqliteStore", () => sqliteStore({ nonsense: 1 } as object)],
  ["redisStore", () => redisStore({ nonsense: 1 } as object as RedisStoreOptions)],
  ["postgresStore", () => postgresStore({ nonsense: 1 } as object as PostgresStoreOptions)],
  ["keyvStore", () => keyvStore({ nonsense: 1 } as object as KeyvStoreOptions)],
])("%s refuses an option that there is not", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${name}: there is no option nonsense: there are `);
});
