import { describe, expect, it } from "vitest";
import { MemoryCache, type Cached } from "./memory-cache.ts";

const item = (cost: number): Cached => ({ cost, wasUsed: false });

describe("MemoryCache", () => {
  it("gives up what was not used, oldest first", () => {
    const cache = new MemoryCache(30);
    for (const key of ["a", "b", "c"]) cache.set(key, item(10));
    const a = cache.get("a");
    if (a !== undefined) a.wasUsed = true;
    cache.set("d", item(10));
    expect(["a", "b", "c", "d"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true, true]);
    expect(cache.cost).toBe(30);
    // Its second chance is used up.
    cache.set("e", item(20));
    expect(["a", "c", "d", "e"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, false, true]);
  });

  it("makes room also where everything was used", () => {
    const cache = new MemoryCache(30);
    for (const key of ["a", "b", "c"]) cache.set(key, { cost: 10, wasUsed: true });
    cache.set("d", item(10));
    expect(cache.cost).toBe(30);
    expect(cache.get("d")).toBeDefined();
  });

  it("does not keep what is too much, nor count what was replaced", () => {
    const cache = new MemoryCache(30);
    cache.set("a", item(31));
    expect([cache.size, cache.cost]).toEqual([0, 0]);
    cache.set("a", item(20));
    cache.set("a", item(25));
    expect([cache.size, cache.cost]).toEqual([1, 25]);
    cache.set("a", item(31));
    expect([cache.size, cache.cost]).toEqual([0, 0]);
    cache.delete("a");
    cache.set("b", item(1));
    cache.clear();
    expect([cache.size, cache.cost]).toEqual([0, 0]);
  });
});
