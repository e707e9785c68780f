import { describe, expect, it } from "vitest";
import { requests } from "./requests.ts";
import { median, quantile } from "./statistics.ts";

describe("median", () => {
  it("is the middle value, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe("quantile", () => {
  it("is the value that a share of the others does not exceed", () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(quantile(values, 0.99)).toBe(100);
    expect(quantile(values, 0.5)).toBe(51);
    expect(quantile([7], 0.99)).toBe(7);
  });
});

describe("requests", () => {
  it("has one header or thirteen, and repeats the block or does not", () => {
    expect(requests("one")).toHaveLength(1);
    expect(requests("thirteen")[0]?.split("\r\n")).toHaveLength(16);
    expect(new Set(requests("fresh")).size).toBe(64);
  });
});
