import { toApplication } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { listenFailure, readableAddress } from "./bind.ts";
import { loadSite, type Lifespan } from "./load-application.ts";
import { PidFile } from "./manager/pid-file.ts";
import { readTlsFiles } from "./manager/tls-files.ts";
import { openProcessLog } from "./process-log.ts";
import type { Settings } from "./settings/settings.ts";
import { interruptedStatus, onOrphaned, onStopSignals, stoppingText } from "./signals.ts";
import { StartError } from "./start-error.ts";
import { observed, workerObservers } from "./worker/observers.ts";
import { assume } from "./worker/identity.ts";
import { drain, Serving, startUp, surviveFailures, validated } from "./worker/serving.ts";

/**
 * Serves in this very process, without a parent that watches it: for front servers that start and watch it themselves, and for debuggers.
 *
 * @returns the exit status, when all is over.
 * @throws {StartError} when it cannot start, and for settings that only a manager can keep.
 */
export async function serveHere(settings: Settings, environment: NodeJS.ProcessEnv): Promise<number> {
  for (const [name, isGiven] of [
    ["metricsBind", settings.metricsBind !== undefined],
    ["reload", settings.reload],
  ] as const) {
    if (isGiven) throw new StartError(`${name} is for a manager and its workers, and workers is 0: write 1`);
  }
  const log = openProcessLog(settings);
  const pidFile = new PidFile(settings.pidFile, false);
  pidFile.write();
  process.once("exit", () => pidFile.remove());
  let serving: Serving | undefined;
  let drained: Lifespan | undefined;
  const stop = (): void => {
    // Nothing is served while the application loads: nothing has to be finished.
    if (serving === undefined) process.exit(0);
    log.info(stoppingText);
    drain(drained, settings.target, log);
    const made = serving;
    if (settings.drainDelay === 0) void made.shutdown();
    else setTimeout(() => void made.shutdown(), settings.drainDelay * 1000);
  };
  onStopSignals(stop, () => process.exit(interruptedStatus));
  onOrphaned(environment, stop);

  Object.assign(process.env, settings.env);
  const tls = readTlsFiles(settings);
  const site = await loadSite(settings.target);
  const app = settings.validate ? await validated(site.application) : site.application;
  await startUp(site.startup, settings.target);
  drained = site.drain;
  const observers = await workerObservers({ ...settings, metricsBind: undefined });
  process.on("SIGUSR1", () => {
    void log.reopen();
    for (const observer of observers) void observer.reopen?.();
  });
  const made = await Serving.make(settings, observed(toApplication(app), observers), settings.bind, {
    tls: tls && { ...tls, requestCert: tls.ca !== undefined },
    maxConnections: settings.workerConnections,
    log,
  });
  const addresses = await Promise.all(
    made.servers.map(async (server, at) => {
      const bind = settings.bind[at];
      try {
        return await server.listen();
      } catch (error) {
        throw bind === undefined ? error : new StartError(listenFailure(bind, error));
      }
    }),
  );
  // Sockets first: ports below 1024 are for the administrator.
  assume(settings);
  serving = made;
  surviveFailures(log);
  for (const address of addresses)
    log.info(`listening on ${readableAddress(address, settings.protocol, settings.tlsKey !== undefined)} (press Ctrl+C to stop)`);
  await serving.serve();
  await serving.shutdown();
  try {
    await site.shutdown?.();
  } catch (error) {
    log.error(`shutdown() of ${settings.target} failed`, errorText(error));
    return 1;
  }
  for (const observer of observers) await observer.close?.();
  await log.close();
  return 0;
}
