import { describe, expect, it } from "vitest";
import { listenerDefaults, listenerNumbers, settle } from "./settings.ts";

const defaults = { ...listenerDefaults, silentSeconds: 10 };
const numbers = { ...listenerNumbers, silentSeconds: "number" } as const;

describe("settle", () => {
  it("fills in the defaults, also for what is given as undefined", () => {
    const settings = settle("makeServer", defaults, { backlog: 5, silentSeconds: undefined }, numbers);
    expect(settings).toEqual({ ...defaults, backlog: 5 });
  });

  it.each([
    [{ backlog: -1 }, "backlog is a whole number from 0, not -1"],
    [{ backlog: 1.5 }, "backlog is a whole number from 0, not 1.5"],
    [{ backlog: "5" }, 'backlog is a whole number from 0, not the string "5"'],
    [{ maxConnections: -Infinity }, "maxConnections is a whole number from 0, or Infinity, not -Infinity"],
    [{ silentSeconds: NaN }, "silentSeconds is a number from 0, not NaN"],
  ])("refuses %o", (options, message) => {
    expect(() => settle("makeServer", defaults, options, numbers)).toThrow(new RangeError(message));
  });

  it("takes what has no end where that makes sense", () => {
    expect(settle("makeServer", defaults, { maxConnections: Infinity, silentSeconds: Infinity }, numbers).silentSeconds).toBe(
      Infinity,
    );
  });

  it("names an option that does not exist", () => {
    expect(() => settle("makeServer", defaults, { silentSecond: 1 }, numbers)).toThrow("makeServer has no option silentSecond");
  });

  it("wants a function to be told of refused requests", () => {
    expect(() => settle("makeServer", defaults, { onRefused: true }, numbers)).toThrow(new TypeError("onRefused is a function"));
  });

  it("wants a whole error stream", () => {
    expect(() => settle("makeServer", defaults, { errors: { write() {} } }, numbers)).toThrow("writelines is missing");
  });
});
