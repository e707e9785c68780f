import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { toApplication } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { ServerAddress } from "@gateway/server";
import { listenFailure, readableAddress, type Bind } from "./bind.ts";
import { loadSite, type Lifespan } from "./load-application.ts";
import { ownLogs } from "./manager/own-logs.ts";
import { PidFile } from "./manager/pid-file.ts";
import { readTlsFiles } from "./manager/tls-files.ts";
import { unservedSockets, unservedText } from "./manager/unserved-sockets.ts";
import { makeWay, putInPlace, removeSocketFile, temporaryPath } from "./manager/unix-path.ts";
import { openProcessLog } from "./process-log.ts";
import type { Settings } from "./settings/settings.ts";
import { interruptedStatus, onStopSignals, stoppingText } from "./signals.ts";
import { StartError } from "./start-error.ts";
import { assume } from "./worker/identity.ts";
import type { WorkerObserver } from "./worker/observer.ts";
import { observed, workerObservers } from "./worker/observers.ts";
import { drain, Serving, startUp, surviveFailures, validated, type Place } from "./worker/serving.ts";

/**
 * Serves in this very process, without a parent that watches it: for front servers that start and watch it themselves, and for debuggers.
 *
 * @returns the exit status, when all is over.
 * @throws {StartError} when it cannot start, and for settings that only a manager can keep.
 */
export async function serveHere(settings: Settings, environment: NodeJS.ProcessEnv): Promise<number> {
  checkHere(settings);
  ownLogs(settings, undefined);
  const log = openProcessLog(settings);
  const pidFile = new PidFile(settings.pidFile, false);
  pidFile.write();
  process.once("exit", () => pidFile.remove());
  let serving: Serving | undefined;
  let drained: Lifespan | undefined;
  let observers: readonly WorkerObserver[] = [];
  const stop = (): void => {
    // Nothing is served while the application loads: nothing has to be finished.
    if (serving === undefined) process.exit(0);
    log.info(stoppingText);
    drain(drained, settings.target, log);
    const made = serving;
    if (settings.drainDelay === 0) void made.shutdown();
    else setTimeout(() => void made.shutdown(), settings.drainDelay * 1000);
  };
  onStopSignals(environment, stop, () => process.exit(interruptedStatus));
  // Node.js would start its inspector.
  process.on("SIGUSR1", () => {
    void log.reopen();
    for (const observer of observers) void observer.reopen?.();
  });

  const unserved = unservedSockets(settings.bind, environment);
  if (unserved.length > 0) log.warning(unservedText(unserved));
  Object.assign(process.env, settings.env);
  const tls = readTlsFiles(settings);
  const site = await loadSite(settings.target);
  const app = settings.validate ? await validated(site.application) : site.application;
  await startUp(site.startup, settings.target);
  drained = site.drain;
  observers = await workerObservers({ ...settings, metricsBind: undefined });
  const places = await Promise.all(settings.bind.map((bind) => reported(bind, () => placeOf(bind, settings))));
  const made = await Serving.make(settings, observed(toApplication(app), observers), places, {
    tls: tls && { ...tls, requestCert: tls.ca !== undefined },
    maxConnections: settings.workerConnections,
    log,
  });
  const addresses = await Promise.all(
    places.map(({ bind, publish }, at) =>
      reported(bind, async () => {
        const address = await made.servers[at]?.listen();
        return publish?.() ?? address;
      }),
    ),
  );
  // Sockets first: ports below 1024 are for the administrator.
  assume(settings);
  serving = made;
  surviveFailures(log);
  for (const address of addresses.filter((listensOn) => listensOn !== undefined))
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

/** @throws {StartError} for settings that only a manager can keep. */
export function checkHere({ metricsBind, reload }: Pick<Settings, "metricsBind" | "reload">): void {
  for (const [name, isGiven] of [
    ["metricsBind", metricsBind !== undefined],
    ["reload", reload],
  ] as const) {
    if (isGiven) throw new StartError(`${name} is for a manager and its workers, and workers is 0: write 1`);
  }
}

/** Where a server listens. */
interface OwnPlace extends Place {
  readonly bind: Bind;
  /** Lets clients find it, when it is served. @returns where that is. */
  readonly publish: (() => ServerAddress) | undefined;
}

/** A Unix socket is made beside its place: it has its mode and owner before anybody can connect. */
async function placeOf(bind: Bind, { backlog, unixMode, unixOwner }: Settings): Promise<OwnPlace> {
  if (!bind.host.startsWith("unix:")) return { bind, host: bind.host, port: bind.port, publish: undefined };
  const path = bind.host.slice(5);
  await makeWay(path);
  const temporary = temporaryPath(path);
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen({ path: temporary, backlog });
  await once(server, "listening");
  return {
    bind,
    host: server,
    port: 0,
    publish() {
      const file = putInPlace(temporary, path, unixMode, unixOwner);
      process.once("exit", () => removeSocketFile(file));
      return { kind: "unix", path };
    },
  };
}

async function reported<Result>(bind: Bind, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof StartError ? error : new StartError(listenFailure(bind, error));
  }
}
