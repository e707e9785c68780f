import { describe, expect, it } from "vitest";
import { processSettings } from "../settings/process-settings.ts";
import { mostWorkers, workerCount, workersText } from "./worker-count.ts";

describe("workerCount", () => {
  it("takes what the setting workers takes, but 0", () => {
    expect([workerCount("1"), workerCount("1024"), workerCount(7)]).toEqual([1, 1024, 7]);
    expect(processSettings.workers.kind.what).toContain(`a whole number up to ${mostWorkers}`);
  });

  it.each(["0", "1025", "9999", "1e3", "-1", "auto", "", 0, 1025, 1.5, Number.NaN, Infinity])("refuses %j", (given) => {
    expect(() => workerCount(given)).toThrow(RangeError);
    expect(() => workerCount(given)).toThrow(/^workers is .*, which is not a whole number from 1 to 1024$/);
  });
});

describe("workersText", () => {
  it("knows one from many", () => {
    expect([1, 2].map((count) => workersText(count))).toEqual(["1 worker", "2 workers"]);
  });
});
