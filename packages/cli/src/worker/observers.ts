import { toApplication, type Application } from "@gateway/core";
import { opened } from "../process-log.ts";
import type { Settings } from "../settings/settings.ts";
import type { WorkerObserver } from "./observer.ts";

/**
 * What watches the requests of a worker, from the outside in. What nobody asked for is not even loaded.
 *
 * @throws {StartError} when the access log cannot be opened, or its format is none.
 */
export async function workerObservers(
  settings: Pick<Settings, "accessLog" | "accessLogFormat" | "metricsBind">,
): Promise<readonly WorkerObserver[]> {
  const observers: WorkerObserver[] = [];
  if (settings.metricsBind !== undefined) observers.push(await measured());
  if (settings.accessLog !== undefined) observers.push(await logged(settings.accessLog, settings.accessLogFormat));
  return observers;
}

/** The application with everything that watches it around it. */
export function observed(app: Application, observers: readonly WorkerObserver[]): Application {
  let whole = app;
  for (const observer of observers.toReversed()) whole = observer.wrap?.(whole) ?? whole;
  return whole;
}

async function measured(): Promise<WorkerObserver> {
  const { measure } = await import("../metrics/measure.ts");
  const measurements = measure();
  return {
    name: measurements.name,
    wrap: (app) => measurements.wrap(app),
    report: () => measurements.report(),
    close: () => measurements.close(),
  };
}

async function logged(target: string, format: string): Promise<WorkerObserver> {
  const { accessLogLayer } = await import("../logs/access-log.ts");
  const log = opened(target);
  const layer = accessLogLayer(format, log);
  return {
    name: "access log",
    wrap: (app) => toApplication(layer(app)),
    reopen: () => log.reopen(),
    close: () => log.close(),
  };
}
