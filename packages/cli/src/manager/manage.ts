import type { Settings } from "../settings/settings.ts";
import { openProcessLog } from "../process-log.ts";
import { interruptedStatus, onStopSignals, stoppingText } from "../signals.ts";
import { companionsFor } from "./companions.ts";
import { onManagerSignals } from "./manager-signals.ts";
import { ownLogs } from "./own-logs.ts";
import { PidFile } from "./pid-file.ts";
import { ProcessManager } from "./process-manager.ts";
import { notifySystemd, reloadingSince } from "./systemd.ts";
import { unservedSockets, unservedText } from "./unserved-sockets.ts";
import { inheritance, onPromoted, tellOldParent } from "./upgrade.ts";

/** What {@link manage} goes by. */
export interface ManageOptions {
  readonly settings: Settings;
  /** Reads them anew, for a reload. @throws {StartError} */
  readonly readSettings: () => Promise<Settings>;
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
  /** The folder that the command was started in. */
  readonly directory: string;
}

/**
 * Runs the application in workers until it is told to stop.
 *
 * @returns the exit status.
 * @throws {StartError} when it cannot start.
 */
export async function manage({ settings, readSettings, environment, version, directory }: ManageOptions): Promise<number> {
  ownLogs(settings, undefined);
  const log = openProcessLog(settings);
  const { sockets, parent } = inheritance(environment);
  const companions = await companionsFor(settings, { log, environment, directory, takeOver: parent !== undefined });
  const pidFile = new PidFile(settings.pidFile, parent !== undefined);
  const notify = notifySystemd(environment, log);
  let status = 0;

  // What an upgrade hands on has other numbers.
  const unserved = parent === undefined ? unservedSockets(settings.bind, environment) : [];
  if (unserved.length > 0) log.warning(unservedText(unserved));

  let failure: unknown;
  const onReady = (): void => {
    begin().catch((error: unknown) => {
      failure = error;
      void manager.stop(false);
    });
  };
  pidFile.write();
  const manager = await ProcessManager.open({
    settings,
    readSettings,
    log,
    version,
    directory,
    companions,
    inherited: sockets,
    oldParent: parent,
    onReady,
  }).catch((error: unknown) => {
    pidFile.remove();
    throw error;
  });
  if (parent !== undefined) onPromoted(() => manager.promote());
  let wasReloading = false;
  manager.onChange(() => {
    const isReloading = manager.status().state === "reloading";
    if (isReloading !== wasReloading) notify(...(isReloading ? reloadingSince() : ["READY=1"]));
    wasReloading = isReloading;
  });
  const stop = (): void => {
    if (manager.status().state !== "starting") log.info(stoppingText);
    notify("STOPPING=1");
    void manager.stop(true);
  };
  const quit = (exitStatus: number): void => {
    status = exitStatus;
    log.info("stopping at once: requests under way are cut off");
    void manager.stop(false);
  };
  // The end of an old parent is no reason to stop.
  onStopSignals(parent === undefined ? environment : {}, stop, () => quit(interruptedStatus));
  onManagerSignals(manager, log, quit);
  // A log that nobody reads any more (`gateway app | head`) must not end the site.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});

  const begin = async (): Promise<void> => {
    await manager.accept();
    for (const companion of companions) if (companion.isEarly !== true) await companion.start(manager);
    for (const address of manager.status().addresses) log.info(`listening on ${address} (press Ctrl+C to stop)`);
    notify("READY=1", `MAINPID=${process.pid}`);
    tellOldParent();
    if (parent !== undefined) onPromoted(() => pidFile.promote());
  };

  try {
    for (const companion of companions) if (companion.isEarly === true) await companion.start(manager);
    manager.start();
    if ((await manager.ended) !== undefined) status = 1;
    if (failure !== undefined) throw failure;
  } finally {
    // Where it did not even start the sockets are open still.
    await manager.stop(false);
    for (const companion of companions.toReversed()) await companion.stop();
    pidFile.remove();
    await log.close();
  }
  return status;
}
