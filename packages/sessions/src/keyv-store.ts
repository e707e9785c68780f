import { checkOptionNames } from "@gateway/core";
import { checkClock } from "./check-clock.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** What {@link keyvStore} uses of an instance of Keyv 5. */
export interface KeyvLike {
  /** Must be `true`: otherwise Keyv says "no such key" for "I cannot reach the store". */
  readonly throwOnErrors: boolean;
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttlMilliseconds?: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
}

/** Settings of {@link keyvStore}. */
export interface KeyvStoreOptions {
  /** An instance of Keyv 5, made with `throwOnErrors: true`. It is yours to disconnect. */
  readonly keyv: KeyvLike;
  /** What keys begin with, after Keyv's own namespace (default `"session:"`). */
  readonly prefix?: string | undefined;
  /** The time in milliseconds since 1970 (default: `Date.now`). */
  readonly now?: (() => number) | undefined;
}

/**
 * Keeps sessions in any store that has an adapter for Keyv, which removes them when their time is over.
 *
 * **Not atomic**: Keyv has no way to compare and write in one step. Requests that are served by this process at the same time do not
 * lose each other's changes, since the store lets them through one by one; requests in other processes may, and a save there may undo
 * a `destroy` here. Use one of the other stores where that matters.
 *
 * @throws {TypeError} while it is made, if the options are wrong, or the instance swallows errors.
 */
export function keyvStore(options: KeyvStoreOptions): SessionStore {
  checkOptionNames("keyvStore", options, { keyv: true, prefix: true, now: true });
  const { keyv, prefix = "session:", now = Date.now } = options;
  if (typeof keyv?.get !== "function" || typeof keyv.set !== "function" || typeof keyv.delete !== "function") {
    throw new TypeError("keyvStore: keyv is an instance of Keyv, with get(), set() and delete()");
  }
  if (!keyv.throwOnErrors) {
    throw new TypeError(
      "keyvStore: this instance swallows errors, so that sessions would be lost while its store is down: new Keyv({ throwOnErrors: true })",
    );
  }
  if (typeof prefix !== "string") throw new TypeError("keyvStore: prefix is a string");
  checkClock("keyvStore", now);
  const inTurn = makeQueues();

  const read = async (id: string): Promise<SessionRecord | undefined> => {
    const found = await keyv.get(prefix + id);
    if (found === undefined || found === null) return undefined;
    if (!isRecord(found)) throw new TypeError(`keyvStore: what Keyv has under ${prefix} is no session`);
    const { data, version, expiresAt } = found;
    return expiresAt > now() ? { data, version, expiresAt } : undefined;
  };

  const put = async (id: string, record: SessionRecord): Promise<void> => {
    const ttl = record.expiresAt - now();
    // For Keyv a time of 0 is no limit at all.
    if (ttl <= 0) return void (await keyv.delete(prefix + id));
    const { data, version, expiresAt } = record;
    if ((await keyv.set(prefix + id, { data, version, expiresAt }, ttl)) === false)
      throw new Error("keyvStore: Keyv did not write the session");
  };

  return {
    atomic: false,
    read,

    write: (id, record) =>
      inTurn(id, async () => {
        if (record.version !== ((await read(id))?.version ?? 0) + 1) return false;
        await put(id, record);
        return true;
      }),

    touch: (id, expiresAt) =>
      inTurn(id, async () => {
        const record = await read(id);
        if (record !== undefined) await put(id, { ...record, expiresAt });
      }),

    delete: (id) => inTurn(id, async () => void (await keyv.delete(prefix + id))),
  };
}

function isRecord(value: unknown): value is SessionRecord {
  if (typeof value !== "object" || value === null) return false;
  const { data, version, expiresAt } = value as Record<string, unknown>;
  return typeof data === "string" && typeof version === "number" && typeof expiresAt === "number";
}

/** Runs the work on one id one after the other, in the order of the calls. */
function makeQueues(): <T>(id: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (id, work) => {
    const before = last.get(id);
    const result = before === undefined ? work() : before.then(work, work);
    last.set(id, result);
    const forget = (): void => {
      if (last.get(id) === result) last.delete(id);
    };
    result.then(forget, forget);
    return result;
  };
}
