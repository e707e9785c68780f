import { sessionStoreConformance } from "@gateway/testing/session-store";
import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";

describe("memoryStore", () => {
  sessionStoreConformance(
    (now) => ({ store: memoryStore({ now }) }),
    { describe, it },
    {
      name: "memory",
      lacks: {
        another: "the memory of a process has no second handle",
        breakDown: "memory is always there",
        mend: "memory is always there",
      },
    },
  );

  const record = (data: string, version = 1): { data: string; version: number; expiresAt: number } => ({
    data,
    version,
    expiresAt: 2000,
  });

  it("drives out what was not used for the longest time", () => {
    const store = memoryStore({ maxEntries: 3, now: () => 1000 });
    for (const id of ["a", "b", "c"]) store.write(id, record(id));
    store.read("a");
    store.touch("b", 3000);
    store.write("d", record("d"));
    expect(store.size).toBe(3);
    expect(["a", "b", "c", "d"].filter((id) => store.read(id) !== undefined)).toEqual(["a", "b", "d"]);
    store.write("a", record("a", 2));
    store.write("e", record("e"));
    expect(["a", "b", "d", "e"].filter((id) => store.read(id) !== undefined)).toEqual(["a", "d", "e"]);
  });

  it("never holds more than it may, and lets go of everything when it is closed", () => {
    const store = memoryStore({ maxEntries: 10, now: () => 1000 });
    for (let i = 0; i < 1000; i++) {
      store.write(String(i), record("x"));
      expect(store.size).toBeLessThanOrEqual(10);
    }
    void store.close?.();
    expect(store.size).toBe(0);
  });

  it("answers everything at once", () => {
    const store = memoryStore({ now: () => 1000 });
    expect(store.synchronous).toBe(true);
    expect([store.read("a"), store.write("a", record("a")), store.touch("a", 1), store.delete("a"), store.prune()]).toEqual([
      undefined,
      true,
      undefined,
      undefined,
      0,
    ]);
  });

  it.each([0, -1, 1.5, Infinity, Number.NaN])("refuses %d entries", (maxEntries) => {
    expect(() => memoryStore({ maxEntries })).toThrow("maxEntries is a whole number above 0");
  });

  it("refuses a clock that is none", () => {
    expect(() => memoryStore({ now: 5 as unknown as () => number })).toThrow("now is a function");
  });
});
