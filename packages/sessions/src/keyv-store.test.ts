import { runStoreCase, sessionStoreCases, sessionStoreConformance, type MakeStore } from "@gateway/testing/session-store";
import { Keyv } from "keyv";
import { describe, expect, it, vi } from "vitest";
import { keyvStore, type KeyvLike } from "./keyv-store.ts";

/** What the adapters of Keyv are like: text under keys, and a way to fail. */
class Adapter extends Map<string, string> {
  isDown = false;

  override get(key: string): string | undefined {
    this.#check();
    return super.get(key);
  }

  override set(key: string, value: string): this {
    this.#check();
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    this.#check();
    return super.delete(key);
  }

  #check(): void {
    if (this.isDown) throw new Error("the store of Keyv is down");
  }
}

const make: MakeStore = (now) => {
  const adapter = new Adapter();
  const open = (): ReturnType<typeof keyvStore> => {
    const keyv = new Keyv({ store: adapter, throwOnErrors: true });
    keyv.on("error", () => {});
    return keyvStore({ keyv, now });
  };
  return { store: open(), another: open, breakDown: () => void (adapter.isDown = true), mend: () => void (adapter.isDown = false) };
};

sessionStoreConformance(
  make,
  { describe, it },
  { name: "Keyv", lacks: { atomic: "Keyv has no way to compare and write in one step", prune: "Keyv drops what has expired" } },
);

const id = "k".repeat(43);
const record = { data: "data", version: 1, expiresAt: Date.now() + 60_000 };

/** An instance whose answers are given. */
const fake = (answers: Partial<KeyvLike>): KeyvLike => ({
  throwOnErrors: true,
  get: async () => undefined,
  set: async () => true,
  delete: async () => true,
  ...answers,
});

describe("keyvStore", () => {
  const races = sessionStoreCases.filter(({ area, name }) => area === "races" && name.endsWith("through one handle"));
  it("has races to run", () => expect(races).toHaveLength(5));
  it.each(races)("in one process $name", (known) => runStoreCase(make, known));

  it("tells Keyv how long to keep a session", async () => {
    const set = vi.fn<KeyvLike["set"]>(async () => true);
    const remove = vi.fn<KeyvLike["delete"]>(async () => true);
    const store = keyvStore({ keyv: fake({ set, delete: remove, get: async () => record }), now: () => record.expiresAt - 1000 });
    await store.write(id, { ...record, version: 2 });
    expect(set).toHaveBeenLastCalledWith(`session:${id}`, { ...record, version: 2 }, 1000);
    await store.touch(id, record.expiresAt + 500);
    expect(set).toHaveBeenLastCalledWith(`session:${id}`, { ...record, expiresAt: record.expiresAt + 500 }, 1500);
    await store.touch(id, record.expiresAt - 1000);
    expect(remove).toHaveBeenLastCalledWith(`session:${id}`);
    expect(set).toHaveBeenCalledTimes(2);
  });

  it("keeps to its prefix and to the namespace of Keyv", async () => {
    const adapter = new Adapter();
    const keyv = new Keyv({ store: adapter, namespace: "app", throwOnErrors: true });
    await keyvStore({ keyv, prefix: "s/" }).write(id, record);
    expect([...adapter.keys()]).toEqual([`app:s/${id}`]);
  });

  it("rejects when Keyv did not write", async () => {
    const store = keyvStore({ keyv: fake({ set: async () => false }) });
    await expect(store.write(id, record)).rejects.toThrow("Keyv did not write the session");
  });

  it("rejects what is no session", async () => {
    for (const found of ["text", 7, {}, { ...record, data: 1 }, { ...record, version: "1" }]) {
      const store = keyvStore({ keyv: fake({ get: async () => found }) });
      await expect(store.read(id)).rejects.toThrow("what Keyv has under session: is no session");
    }
  });

  it("goes on with an id after a failure", async () => {
    const get = vi.fn<KeyvLike["get"]>(async () => undefined).mockRejectedValueOnce(new Error("once"));
    const store = keyvStore({ keyv: fake({ get }) });
    const writes = await Promise.allSettled([store.write(id, record), store.write(id, record)]);
    expect(writes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });

  it("refuses an instance that swallows errors, and what is no instance", () => {
    expect(() => keyvStore({ keyv: new Keyv() })).toThrow(/swallows errors.*new Keyv\(\{ throwOnErrors: true \}\)/);
    expect(() => keyvStore({ keyv: fake({}), now: 1 as unknown as () => number })).toThrow("keyvStore: now is a function");
    expect(() => keyvStore({ keyv: {} as KeyvLike })).toThrow("keyvStore: keyv is an instance of Keyv");
    expect(() => keyvStore({} as { keyv: KeyvLike })).toThrow("keyvStore: keyv is an instance of Keyv");
    expect(() => keyvStore({ keyv: fake({}), prefix: 1 as unknown as string })).toThrow("keyvStore: prefix is a string");
  });
});
