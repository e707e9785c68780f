import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import type { Verdict } from "./sliding-window.ts";

describe("memoryStore", () => {
  const clock = () => {
    const time = { now: 1000 };
    return { time, now: () => time.now };
  };

  it("counts each key by itself, and answers at once", () => {
    const store = memoryStore({ now: clock().now });
    const first = store.take("a", 2, 2, 1000) as Verdict;
    expect(first).toMatchObject({ isAllowed: true, used: 2 });
    expect(store.take("a", 1, 2, 1000)).toMatchObject({ isAllowed: false });
    expect(store.take("b", 1, 2, 1000)).toMatchObject({ isAllowed: true });
    expect(store.take("__proto__", 1, 2, 1000)).toMatchObject({ isAllowed: true, used: 1 });
  });

  it("forgets the key that asked longest ago when there are too many", () => {
    const store = memoryStore({ now: clock().now, maxKeys: 3 });
    for (const key of ["a", "b", "c"]) void store.take(key, 1, 1, 1000);
    expect(store.take("a", 1, 1, 1000)).toMatchObject({ isAllowed: false });
    void store.take("d", 1, 1, 1000);
    expect(store.take("a", 1, 1, 1000)).toMatchObject({ isAllowed: false });
    expect(store.take("b", 1, 1, 1000)).toMatchObject({ isAllowed: true });
  });

  it("remembers nothing of keys that used nothing, and forgets what is over", () => {
    const { time, now } = clock();
    const store = memoryStore({ now, maxKeys: 2 });
    void store.take("a", 1, 1, 1000);
    for (let i = 0; i < 10; i++) void store.take(`idle${i}`, 0, 1, 1000);
    expect(store.take("a", 1, 1, 1000)).toMatchObject({ isAllowed: false });
    time.now += 2000;
    expect(store.take("a", 1, 1, 1000)).toMatchObject({ isAllowed: true, used: 1 });
  });

  it("begins anew where the length of the window is another", () => {
    const store = memoryStore({ now: clock().now });
    void store.take("a", 1, 1, 1000);
    expect(store.take("a", 1, 1, 2000)).toMatchObject({ isAllowed: true, used: 1 });
  });

  it("holds no more for a hundred thousand clients than for as many as it may remember", () => {
    const { time, now } = clock();
    const store = memoryStore({ now, maxKeys: 1000 });
    for (let i = 0; i < 100_000; i++) {
      time.now += 0.01;
      void store.take(`client${i}`, 1, 5, 60_000);
    }
    expect(store.take("client99000", 0, 5, 60_000)).toMatchObject({ used: 1 });
    expect(store.take("client98000", 0, 5, 60_000)).toMatchObject({ used: 0 });
  });

  it.each([{ maxKeys: 0 }, { maxKeys: 1.5 }, { maxKeys: Infinity }, { now: 1 as unknown as () => number }])(
    "refuses %j",
    (options) => {
      expect(() => memoryStore(options)).toThrow(/^memoryStore: /);
    },
  );
});
