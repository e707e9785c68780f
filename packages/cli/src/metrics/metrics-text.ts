import type { ServerAddress } from "@gateway/server";
import type { ManagerStatus, WorkerState } from "../manager/status.ts";
import type { AcceptQueue } from "./accept-queue.ts";
import { Exposition, type ExpositionFormat } from "./exposition.ts";
import { durationBounds, sizeBounds, type ActiveSeries, type ProcessNumbers, type RequestSeries } from "./snapshot.ts";
import type { Totals } from "./totals.ts";

const workerStates: readonly WorkerState[] = ["booting", "ready", "draining", "stopping", "blocked"];

/**
 * The page of `/metrics`. Names, units and labels of requests and processes are those of OpenTelemetry's semantic conventions as Prometheus writes them; what they do not name
 * begins with `gateway_`.
 *
 * @param now in milliseconds since 1970.
 */
export function metricsText(
  format: ExpositionFormat,
  { requests, active, processes }: Totals,
  status: ManagerStatus,
  queues: readonly AcceptQueue[],
  now: number,
): string {
  const page = new Exposition(format);

  page.histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP server requests.",
    requests.map((series) => [requestLabels(series), { bounds: durationBounds, counts: series.durations, sum: series.seconds }]),
  );
  page.gauge(
    "http_server_active_requests",
    "Number of active HTTP server requests.",
    active.map((series) => [placeLabels(series), series.count]),
  );
  page.histogram(
    "http_server_response_body_size_bytes",
    "Size of HTTP server response bodies that were handed to the system.",
    requests.map((series) => [requestLabels(series), { bounds: sizeBounds, counts: series.sizes, sum: series.bytes }]),
  );

  const each = (read: (numbers: ProcessNumbers) => number): [{ worker: number }, number][] =>
    processes.map(({ worker, numbers }) => [{ worker }, read(numbers)]);
  const split = (
    label: string,
    kinds: Readonly<Record<string, (numbers: ProcessNumbers) => number>>,
  ): [Record<string, string | number>, number][] =>
    processes.flatMap(({ worker, numbers }) =>
      Object.entries(kinds).map(([kind, read]): [Record<string, string | number>, number] => [
        { worker, [label]: kind },
        read(numbers),
      ]),
    );
  page.gauge(
    "nodejs_eventloop_utilization_ratio",
    "Part of the time since the last look that the event loop was busy.",
    each((of) => of.loopUtilization),
  );
  page.counter(
    "nodejs_eventloop_time_seconds",
    "Time that the event loop was in this state.",
    split("nodejs_eventloop_state", { active: (of) => of.loopActive, idle: (of) => of.loopIdle }),
  );
  page.gauge(
    "nodejs_eventloop_delay_p50_seconds",
    "Median of the delay of the event loop.",
    each((of) => of.loopDelay.p50),
  );
  page.gauge(
    "nodejs_eventloop_delay_p99_seconds",
    "99th percentile of the delay of the event loop.",
    each((of) => of.loopDelay.p99),
  );
  page.gauge(
    "nodejs_eventloop_delay_max_seconds",
    "Longest delay of the event loop.",
    each((of) => of.loopDelay.max),
  );
  page.counter(
    "process_cpu_time_seconds",
    "Processor time of the worker.",
    split("cpu_mode", { user: (of) => of.cpuUser, system: (of) => of.cpuSystem }),
  );
  page.gauge(
    "process_memory_usage_bytes",
    "Resident memory of the worker.",
    each((of) => of.memory),
  );
  page.gauge(
    "process_uptime_seconds",
    "Time for which the worker has run.",
    each((of) => of.uptime),
  );
  page.gauge(
    "v8js_memory_heap_used_bytes",
    "Heap of the worker in use.",
    each((of) => of.heapUsed),
  );
  page.gauge(
    "v8js_memory_heap_limit_bytes",
    "Heap of the worker.",
    each((of) => of.heapTotal),
  );
  page.gauge(
    "gateway_worker_external_memory_bytes",
    "Memory of the worker outside its heap, such as buffers.",
    each((of) => of.external),
  );

  aboutManager(page, status, queues, now);
  return page.end();
}

function aboutManager(page: Exposition, status: ManagerStatus, queues: readonly AcceptQueue[], now: number): void {
  page.gauge("gateway_build_info", "What runs.", [[{ version: status.version, nodejs: process.versions.node }, 1]]);
  page.gauge("gateway_ready", "Whether requests should be sent here: 1 or 0.", [[{}, status.ready ? 1 : 0]]);
  page.gauge("gateway_uptime_seconds", "Time for which the parent of the workers has run.", [
    [{}, Math.max(0, now - status.startedAt) / 1000],
  ]);
  page.gauge("gateway_workers_wanted", "How many workers there should be.", [[{}, status.wanted]]);
  page.gauge(
    "gateway_workers",
    "How many workers are in each state.",
    workerStates.map((state) => [{ state }, status.workers.filter((worker) => worker.state === state).length]),
  );
  page.counter(
    "gateway_worker_restarts",
    "How many workers were replaced, by cause.",
    Object.entries(status.restarts).map(([cause, count]) => [{ cause }, count]),
  );
  page.counter("gateway_reloads", "How many reloads were tried, by what became of them.", [
    [{ result: "failed" }, status.reloads.failed],
    [{ result: "succeeded" }, status.reloads.tried - status.reloads.failed],
  ]);
  page.gauge("gateway_generation", "The reload whose code is served, from 1.", [[{}, status.generation]]);
  page.gauge(
    "gateway_worker_connections",
    "Open connections of the worker.",
    status.workers.flatMap(({ id, index, numbers }) =>
      numbers === undefined || isReplaced(status, id, index) ? [] : [[{ worker: index }, numbers.connections]],
    ),
  );
  page.gauge("gateway_connections_waiting", "Connections that were accepted and that no worker has taken yet.", [
    [{}, status.waiting],
  ]);
  page.gauge(
    "gateway_accept_queue_length",
    "Connections that wait to be accepted.",
    queues.map(({ address, waiting }) => [{ address: shown(address) }, waiting]),
  );
}

/** Is there a newer worker of the same place? A label may come only once. */
function isReplaced({ workers }: ManagerStatus, id: number, index: number): boolean {
  return workers.some((other) => other.index === index && other.id > id && other.numbers !== undefined);
}

function requestLabels(series: RequestSeries): Record<string, string | number> {
  const { status, error } = series;
  return {
    ...placeLabels(series),
    ...(status === 0 ? {} : { http_response_status_code: status }),
    ...(error === "" ? {} : { error_type: error }),
  };
}

function placeLabels({ method, scheme }: Pick<ActiveSeries, "method" | "scheme">): Record<string, string> {
  return { http_request_method: method, url_scheme: scheme };
}

function shown(address: ServerAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
