import { acceptQueues } from "../metrics/accept-queue.ts";
import type { Manager } from "../manager/manager.ts";
import type { ManagerStatus, WorkerStatus } from "../manager/status.ts";
import { workersText } from "../manager/worker-count.ts";
import type { ControlAnswer, ControlRequest, StatusReport, WorkerRow } from "./protocol.ts";

/** Does what is asked, and says what became of it. Never rejects. */
export async function answer(request: ControlRequest, manager: Manager, now: number = Date.now()): Promise<ControlAnswer> {
  try {
    return await obey(request, manager, now);
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

async function obey(request: ControlRequest, manager: Manager, now: number): Promise<ControlAnswer> {
  switch (request.command) {
    case "status": {
      const status = statusReport(manager.status(), now);
      return { ok: true, message: `${status.target} is ${status.state}`, status };
    }
    case "reload": {
      const { ok, message, detail } = await manager.reload();
      return { ok, message, detail };
    }
    case "stop":
      // The answer must go out before all ends: who asked sees the end by the connection.
      void manager.stop(!request.quick);
      return { ok: true, message: request.quick ? "stops at once" : "stops: requests under way may finish" };
    case "workers": {
      const before = manager.status().wanted;
      manager.setWorkers(request.count);
      return {
        ok: true,
        message:
          before === request.count ? `${workersText(before)} already` : `${workersText(request.count)} now, ${before} before`,
      };
    }
    case "reopen":
      await manager.reopenLogs();
      return { ok: true, message: "the log files are opened again" };
    case "upgrade": {
      const { ok, message } = await manager.upgrade(request.replace);
      return { ok, message };
    }
  }
}

/** What is shown of a status: nothing of the settings, which may hold secrets. */
function statusReport(status: ManagerStatus, now: number): StatusReport {
  const { pid, version, state, ready, generation, addresses, wanted, restarts, reloads, lastReload, workers } = status;
  const queued = acceptQueues(status.listening).reduce((sum, { waiting }) => sum + waiting, 0);
  return {
    pid,
    version,
    target: status.settings.target,
    state,
    ready,
    generation,
    uptimeSeconds: secondsSince(status.startedAt, now),
    addresses,
    wanted,
    waiting: status.waiting + queued,
    restarts,
    reloads,
    lastReload: lastReload === undefined ? null : { ok: lastReload.ok, message: lastReload.message },
    workers: workers.map((worker) => workerRow(worker, now)),
  };
}

function workerRow({ id, pid, index, generation, state, startedAt, numbers }: WorkerStatus, now: number): WorkerRow {
  return {
    id,
    pid: pid ?? null,
    index,
    generation,
    state,
    uptimeSeconds: secondsSince(startedAt, now),
    requests: numbers?.requests ?? null,
    inFlight: numbers?.inFlight ?? null,
    connections: numbers?.connections ?? null,
    memoryBytes: numbers?.memory ?? null,
    loopUtilization: numbers?.loopUtilization ?? null,
    loopDelaySeconds: numbers?.loopDelay ?? null,
  };
}

function secondsSince(then: number, now: number): number {
  return Math.max(0, Math.round((now - then) / 1000));
}
