import { resolve } from "node:path";
import { serialize } from "node:v8";
import type { Settings } from "../settings/settings.ts";
import { readTlsFiles } from "./tls-files.ts";
import type { WorkerLaunch } from "./worker-process.ts";

/** A generation: what its workers are started with. */
export interface Plan {
  readonly settings: Settings;
  readonly launch: WorkerLaunch;
}

/**
 * Reads what workers with these settings need.
 *
 * @param directory the folder that the command was started in.
 * @throws {StartError} when a file cannot be read.
 */
export function planOf(settings: Settings, directory: string): Plan {
  const workersDirectory = resolve(directory, settings.chdir);
  return {
    settings,
    launch: {
      settings: serialize(settings).toString("base64"),
      tls: readTlsFiles(settings),
      listening: [],
      execArgv: settings.nodeOptions,
      directory: workersDirectory,
      environment: { ...process.env, PWD: workersDirectory, ...settings.env },
      withoutInput: settings.bind.some(({ host }) => host === "fd://0"),
    },
  };
}
