import { describe, expect, it } from "vitest";
import { BlockCache } from "./block-cache.ts";

describe("BlockCache", () => {
  const bytes = Buffer.alloc(1000, 1);

  it("keeps nothing of what is sent once, and then what it is given", () => {
    const cache = new BlockCache(100_000);
    const version = {};
    expect(cache.of(version, "/a", 1000)).toBeUndefined();
    const kept = cache.of(version, "/a", 1000);
    expect(kept?.get(0)).toBeUndefined();
    kept?.keep(0, bytes);
    expect(cache.of(version, "/a", 1000)?.get(0)).toBe(bytes);
    expect(kept?.get(1)).toBeUndefined();
    cache.clear();
    expect(kept?.get(0)).toBeUndefined();
  });

  it("has nothing of another version, nor of another file", () => {
    const cache = new BlockCache(100_000);
    const [one, two] = [{}, {}];
    for (const version of [one, two]) cache.of(version, "/a", 1000);
    cache.of(one, "/a", 1000)?.keep(0, bytes);
    expect(cache.of(two, "/a", 1000)?.get(0)).toBeUndefined();
    expect(cache.of(one, "/b", 1000)?.get(0)).toBeUndefined();
    expect(cache.of(one, "/a", 1000)?.get(0)).toBe(bytes);
  });

  it("keeps nothing of a file that would take more than half of it, and no more than it may", () => {
    const cache = new BlockCache(10_000);
    const version = {};
    cache.of(version, "/a", 5001);
    expect(cache.of(version, "/a", 5001)).toBeUndefined();
    cache.of(version, "/a", 5000);
    const kept = cache.of(version, "/a", 5000);
    for (let i = 0; i < 20; i++) kept?.keep(i, bytes);
    const held = Array.from({ length: 20 }, (_, i) => kept?.get(i)).filter((block) => block !== undefined);
    expect(held.length).toBe(7);
  });
});
