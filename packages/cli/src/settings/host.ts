import { accessSync, constants, readFileSync, statSync, type Stats } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { loadConfigModule } from "./load-config-module.ts";
import { cgroupCpus } from "./cgroup.ts";

/** What is looked up outside of the arguments and the environment; tests give their own. */
export interface Host {
  /** Whether there is such a file. */
  isFile(path: string): boolean;
  /** Whether there is such a folder. */
  isFolder(path: string): boolean;
  /** Whether this process may read it. */
  isReadable(path: string): boolean;
  /** The text of a config file in JSON. */
  readText(path: string): string;
  /** The exports of a config file in JavaScript or TypeScript, as it is now. */
  load(path: string): Promise<Readonly<Record<string, unknown>>>;
  /** How many CPUs this process may use, by its affinity and the quota of its container. */
  readonly cpus: number;
  /** How many bytes of memory it may use: those of the machine, or of its container. */
  readonly memoryBytes: number;
  readonly isRoot: boolean;
  readonly pid: number;
}

/** The machine that this runs on. */
export const thisHost: Host = {
  isFile: (path) => statsOf(path)?.isFile() ?? false,
  isFolder: (path) => statsOf(path)?.isDirectory() ?? false,
  isReadable(path) {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  },
  readText: (path) => readFileSync(path, "utf8"),
  load: loadConfigModule,
  get cpus() {
    return Math.max(1, Math.min(availableParallelism(), cgroupCpus(readIfThere)));
  },
  get memoryBytes() {
    // Without a limit it says 0, or a number that no machine has (2^63 and the like).
    const limit = process.constrainedMemory() || Infinity;
    return Math.min(limit, totalmem());
  },
  isRoot: process.geteuid?.() === 0,
  pid: process.pid,
};

/** Nothing also where it cannot be looked at, or where the path is none. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
