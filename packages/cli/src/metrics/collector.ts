import type { Manager, WorkerReport } from "../manager/manager.ts";
import { acceptQueues } from "./accept-queue.ts";
import type { ExpositionFormat } from "./exposition.ts";
import { metricsText } from "./metrics-text.ts";
import type { MetricsSnapshot } from "./snapshot.ts";
import { Adder } from "./totals.ts";

/** Asks the workers what they counted, and adds it up. */
export class Collector {
  readonly #manager: Manager;
  readonly #adder = new Adder();
  readonly #stopListening: () => void;
  #asking: Promise<readonly WorkerReport[]> | undefined;

  constructor(manager: Manager) {
    this.#manager = manager;
    this.#stopListening = manager.onLastReport((report) => this.#add(report));
  }

  /** The page as it is now. The workers are asked once for all who ask at the same time. */
  async page(format: ExpositionFormat): Promise<string> {
    this.#asking ??= this.#manager.reports().finally(() => (this.#asking = undefined));
    for (const report of await this.#asking) this.#add(report);
    const status = this.#manager.status();
    this.#adder.keepOnly(new Set(status.workers.map(({ id }) => id)));
    return metricsText(format, this.#adder.totals(), status, acceptQueues(status.listening), Date.now());
  }

  close(): void {
    this.#stopListening();
  }

  #add({ worker, observers }: WorkerReport): void {
    const snapshot = observers["metrics"];
    // The manager and its workers are of the same version, so it is what `measure` made.
    if (snapshot !== undefined) this.#adder.report(worker.id, worker.index, snapshot as unknown as MetricsSnapshot);
  }
}
