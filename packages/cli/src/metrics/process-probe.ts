import { monitorEventLoopDelay, performance, type EventLoopUtilization, type IntervalHistogram } from "node:perf_hooks";
import type { ProcessNumbers } from "./snapshot.ts";

/** How often the loop is looked at, in milliseconds: what Node.js reports includes it. */
const resolution = 20;
const windowMilliseconds = 10_000;

type Delay = ProcessNumbers["loopDelay"];

/** Watches the loop and the memory of this process. */
export class ProcessProbe {
  readonly #now: () => number;
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution });
  #before: Delay = { p50: 0, p99: 0, max: 0 };
  #windowSince: number;
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();

  /** @param now a clock in milliseconds (default: `performance.now`). */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowSince = now();
    this.#histogram.enable();
  }

  take(): ProcessNumbers {
    const utilization = performance.eventLoopUtilization();
    const since = performance.eventLoopUtilization(utilization, this.#utilization);
    this.#utilization = utilization;
    const cpu = process.cpuUsage();
    const memory = process.memoryUsage();
    return {
      loopUtilization: since.utilization,
      loopActive: utilization.active / 1000,
      loopIdle: utilization.idle / 1000,
      loopDelay: this.#delay(),
      cpuUser: cpu.user / 1e6,
      cpuSystem: cpu.system / 1e6,
      memory: memory.rss,
      heapUsed: memory.heapUsed,
      heapTotal: memory.heapTotal,
      external: memory.external,
      uptime: process.uptime(),
    };
  }

  close(): void {
    this.#histogram.disable();
  }

  /** The worse of this window and the one before, whoever asks and how often: what was bad must not vanish because another asked first. */
  #delay(): Delay {
    const histogram = this.#histogram;
    const now: Delay =
      histogram.count === 0
        ? { p50: 0, p99: 0, max: 0 }
        : { p50: seconds(histogram.percentile(50)), p99: seconds(histogram.percentile(99)), max: seconds(histogram.max) };
    const worse: Delay = {
      p50: Math.max(now.p50, this.#before.p50),
      p99: Math.max(now.p99, this.#before.p99),
      max: Math.max(now.max, this.#before.max),
    };
    if (this.#now() - this.#windowSince >= windowMilliseconds) {
      this.#windowSince = this.#now();
      this.#before = now;
      histogram.reset();
    }
    return worse;
  }
}

/** @param nanoseconds between two looks, the pause between them included. */
function seconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolution / 1000);
}
