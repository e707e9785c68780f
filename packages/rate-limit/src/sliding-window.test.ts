import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlidingWindow, stepMilliseconds } from "./sliding-window.ts";

describe("SlidingWindow", () => {
  it("allows as much as the limit, and more when a window has passed since", () => {
    const window = new SlidingWindow();
    const take = (now: number, cost = 1) => window.take(cost, 3, 60_000, now);
    expect(take(1000)).toEqual({ isAllowed: true, used: 1, freesInMilliseconds: 61_000, retryInMilliseconds: 0 });
    expect(take(1999).used).toBe(2);
    expect(take(30_500)).toMatchObject({ isAllowed: true, used: 3, freesInMilliseconds: 31_500 });
    expect(take(31_000)).toEqual({ isAllowed: false, used: 3, freesInMilliseconds: 31_000, retryInMilliseconds: 31_000 });
    expect(take(61_999).isAllowed).toBe(false);
    expect(take(62_000)).toMatchObject({ isAllowed: true, used: 2 });
    expect(take(62_000, 2)).toMatchObject({ isAllowed: false, retryInMilliseconds: 29_000 });
    expect(take(62_000, 3)).toMatchObject({ isAllowed: false, retryInMilliseconds: 61_000 });
    expect(take(62_000, 4)).toMatchObject({ isAllowed: false, retryInMilliseconds: Infinity });
    expect(take(62_000, 0)).toMatchObject({ isAllowed: true, used: 2 });
    expect(window.isEmpty(122_999, 60_000)).toBe(false);
    expect(window.isEmpty(123_000, 60_000)).toBe(true);
    expect(take(200_000, 0)).toEqual({ isAllowed: true, used: 0, freesInMilliseconds: 0, retryInMilliseconds: 0 });
  });

  it("never lets more through than the limit, in no window, and is at most a step too strict", () => {
    const requests = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 40 }), cost: fc.integer({ min: 0, max: 4 }) }), {
      minLength: 20,
      maxLength: 200,
    });
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 200 }), (requests, limit, length) => {
        const window = new SlidingWindow();
        const step = stepMilliseconds(length);
        const taken: { at: number; cost: number }[] = [];
        let now = 1_000_000;
        for (const { gap, cost } of requests) {
          now += gap;
          const verdict = window.take(cost, limit, length, now);
          const within = (reach: number) => taken.filter(({ at }) => at > now - reach).reduce((sum, { cost }) => sum + cost, 0);
          if (verdict.isAllowed) taken.push({ at: now, cost });
          else {
            expect(within(length + step) + cost).toBeGreaterThan(limit);
            if (cost <= limit) expect(verdict.retryInMilliseconds).toBeLessThanOrEqual(length + step);
          }
          expect(within(length)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it("lets a request through when it said it would", () => {
    const requests = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 400 }), cost: fc.integer({ min: 1, max: 4 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(requests, (requests) => {
        const window = new SlidingWindow();
        let now = 5_000;
        for (const { gap, cost } of requests) {
          now += gap;
          const verdict = window.take(cost, 7, 1000, now);
          if (verdict.isAllowed) continue;
          expect(window.take(cost, 7, 1000, now + verdict.retryInMilliseconds - 1).isAllowed).toBe(false);
          now += verdict.retryInMilliseconds;
          expect(window.take(cost, 7, 1000, now).isAllowed).toBe(true);
        }
      }),
    );
  });

  it("takes a clock that was set back without letting more through", () => {
    const window = new SlidingWindow();
    for (const now of [10_000, 5_000, 1_000]) expect(window.take(1, 3, 1000, now).isAllowed).toBe(true);
    expect(window.take(1, 3, 1000, 1_000).isAllowed).toBe(false);
    expect(window.take(1, 3, 1000, 10_500).isAllowed).toBe(false);
  });
});
