import { explainKey, type Application, type ExplainHook } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { memoryStore, rateLimit, type RateLimitStore } from "./index.ts";

const app: Application = () => [];
const shared: RateLimitStore = { take: (...args) => memoryStore().take(...args) };

function remarks(store: RateLimitStore | undefined, processes: number): string[] {
  const whole = rateLimit({ limit: 10, windowSeconds: 60, ...(store && { store }) })(app);
  const hook = Reflect.get(whole, explainKey) as ExplainHook;
  return [...hook({ processes, isTls: false, stated: new Set() })];
}

describe("what rateLimit() says to gateway --explain", () => {
  it("warns that each process counts for itself", () => {
    expect(remarks(undefined, 3)).toEqual([expect.stringContaining("3 times as much is let through")]);
    expect(remarks(undefined, 1)).toEqual([]);
    expect(remarks(shared, 3)).toEqual([]);
  });
});
