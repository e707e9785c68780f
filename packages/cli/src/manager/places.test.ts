import { describe, expect, it } from "vitest";
import { Places } from "./places.ts";

describe("Places", () => {
  it("says when the next try is, whatever fraction of a millisecond the clock shows", () => {
    for (let fraction = 0; fraction < 1000; fraction++) {
      const now = 1234 + fraction / 997;
      const places = new Places();
      places.failed(0, now, false);
      expect(places.nextTry(0, now)).toBe("");
      places.failed(0, now, false);
      expect(places.nextTry(0, now)).toBe(" (the next try in 0.5 seconds)");
      places.failed(0, now, false);
      expect(places.nextTry(0, now)).toBe(" (the next try in 1 seconds)");
    }
  });
});
