import { describe, expect, it } from "vitest";
import { ProcessProbe } from "./process-probe.ts";

/** Keeps the loop from turning. */
function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

describe("ProcessProbe", () => {
  it("tells of a delay in its window and in the next, however often it is asked", async () => {
    let now = 0;
    const probe = new ProcessProbe(() => now);
    // Until it has seen one: the first look may come after the block.
    while (probe.take().loopDelay.max < 0.15) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      block(200);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    now += 10_000;
    expect(probe.take().loopDelay.max).toBeGreaterThan(0.15);
    expect(probe.take().loopDelay.p99).toBeGreaterThan(0.15);
    now += 10_000;
    expect(probe.take().loopDelay.max).toBeGreaterThan(0.15);
    expect(probe.take().loopDelay.max).toBeLessThan(0.15);
    probe.close();
  });

  it("says how busy the loop was since it was asked last", async () => {
    const probe = new ProcessProbe();
    probe.take();
    block(50);
    await new Promise((resolve) => setImmediate(resolve));
    const busy = probe.take();
    expect(busy.loopUtilization).toBeGreaterThan(0.5);
    expect(busy.loopUtilization).toBeLessThanOrEqual(1);
    expect(busy.cpuUser).toBeGreaterThan(0);
    probe.close();
  });
});
