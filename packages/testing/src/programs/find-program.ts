import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Where packages put servers beside the PATH of a user: Debian's and Homebrew's folders. */
const usualFolders: readonly string[] = [
  "/usr/local/bin",
  "/usr/local/sbin",
  "/usr/bin",
  "/usr/sbin",
  "/bin",
  "/sbin",
  "/opt/homebrew/bin",
  "/opt/homebrew/sbin",
];

/** Debian keeps PostgreSQL's programs in one folder for each of its versions, outside the PATH. */
const postgresFolder = "/usr/lib/postgresql";

/**
 * Where a program lies: in a folder of `PATH`, in the usual folders of servers, or in Debian's folder of the newest PostgreSQL.
 *
 * @param name without a folder; an absolute path is only looked up.
 * @returns the path, or `undefined` where there is none that may be executed.
 */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return isExecutable(name) ? name : undefined;
  const onPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...onPath, ...usualFolders, ...postgresFolders()].map((folder) => join(folder, name)).find(isExecutable);
}

/** Whether {@link findProgram} finds it: for `describe.skipIf(!hasProgram("redis-server"))`. */
export function hasProgram(name: string): boolean {
  return findProgram(name) !== undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function postgresFolders(): string[] {
  try {
    const versions = readdirSync(postgresFolder).toSorted((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(postgresFolder, version, "bin"));
  } catch {
    return [];
  }
}
