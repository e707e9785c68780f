import type { Manager, WorkerReport } from "../manager/manager.ts";
import type { ManagerStatus, ReloadResult, UpgradeResult, WorkerStatus } from "../manager/status.ts";
import type { Settings } from "../settings/settings.ts";

/** A worker that is ready. */
export function worker(given: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    id: 1,
    pid: 4711,
    index: 0,
    generation: 1,
    state: "ready",
    since: 1_000,
    startedAt: 1_000,
    numbers: {
      requests: 12,
      inFlight: 1,
      connections: 3,
      memory: 50_000_000,
      heapUsed: 10_000_000,
      loopUtilization: 0.25,
      loopDelay: 0.001,
    },
    ...given,
  };
}

/** A manager without workers, for its companions. */
export class FakeManager implements Manager {
  workers: readonly WorkerStatus[] = [worker(), worker({ id: 2, pid: 4712, index: 1 })];
  answers: readonly WorkerReport[] = [];
  /** How often the workers were asked. */
  asked = 0;
  /** What was called, in order. */
  readonly calls: string[] = [];
  reloaded: ReloadResult = { ok: true, generation: 2, message: "2 workers run generation 2" };
  upgraded: UpgradeResult = { ok: true, pid: 4800, message: "4800 serves now" };
  #status: Partial<ManagerStatus> = {};
  readonly #last = new Set<(report: WorkerReport) => void>();
  readonly #imported = new Set<(files: readonly string[]) => void>();

  /** Who listens to it. */
  get listeners(): number {
    return this.#last.size + this.#imported.size;
  }

  change(status: Partial<ManagerStatus>): void {
    this.#status = { ...this.#status, ...status };
  }

  status(): ManagerStatus {
    return {
      pid: 4700,
      version: "0.1.0",
      generation: 1,
      state: "serving",
      ready: true,
      startedAt: 1_000,
      settings: { target: "app.js" } as Settings,
      addresses: ["http://127.0.0.1:8000"],
      listening: [],
      waiting: 0,
      wanted: 2,
      workers: this.workers,
      restarts: { crash: 2, boot: 0, timeout: 0, "max-requests": 0, "max-memory": 0, reload: 1, asked: 0 },
      reloads: { tried: 3, failed: 1 },
      lastReload: undefined,
      ...this.#status,
    };
  }

  async reports(): Promise<readonly WorkerReport[]> {
    this.asked++;
    await new Promise((resolve) => setImmediate(resolve));
    return this.answers;
  }

  async reload(): Promise<ReloadResult> {
    this.calls.push("reload");
    return this.reloaded;
  }

  async stop(graceful: boolean): Promise<void> {
    this.calls.push(graceful ? "stop" : "quit");
  }

  setWorkers(wanted: number): void {
    if (!Number.isInteger(wanted) || wanted < 1) throw new RangeError(`workers is a whole number from 1, not ${wanted}`);
    this.calls.push(`workers ${wanted}`);
    this.change({ wanted });
  }

  async reopenLogs(): Promise<void> {
    this.calls.push("reopen");
  }

  async upgrade(replace = false): Promise<UpgradeResult> {
    this.calls.push(replace ? "upgrade and replace" : "upgrade");
    return this.upgraded;
  }

  onChange(): () => void {
    return () => {};
  }

  onLastReport(listener: (report: WorkerReport) => void): () => void {
    this.#last.add(listener);
    return () => this.#last.delete(listener);
  }

  onImported(listener: (files: readonly string[]) => void): () => void {
    this.#imported.add(listener);
    return () => this.#imported.delete(listener);
  }

  lastReport(report: WorkerReport): void {
    for (const listener of this.#last) listener(report);
  }

  imported(files: readonly string[]): void {
    for (const listener of this.#imported) listener(files);
  }
}
