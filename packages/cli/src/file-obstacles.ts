import { accessSync, constants, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, sep } from "node:path";

/** Who a process is to be, by numbers. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gids: ReadonlySet<number>;
}

/** Why this process cannot make a file in a folder; `undefined` where it can. Goes on after "is PATH, ". */
export function folderObstacle(folder: string): string | undefined {
  const facts = factsOf(folder);
  if (facts === undefined) return `and the folder ${folder} does not exist: make it first`;
  if (facts instanceof Error) return `and ${folder} cannot be looked at: ${facts.message}`;
  if (!facts.isDirectory()) return `and ${folder} is not a folder`;
  return isAllowed(folder, constants.W_OK | constants.X_OK) ? undefined : `and nothing may be made in ${folder} by ${whoThisIs()}`;
}

/** Why this process cannot open a file to append to it, and make it where it is missing; `undefined` where it can. */
export function appendObstacle(path: string): string | undefined {
  const facts = factsOf(path);
  if (facts === undefined || facts instanceof Error) return folderObstacle(dirname(path));
  if (facts.isDirectory()) return "which is a folder";
  return isAllowed(path, constants.W_OK) ? undefined : `which may not be written by ${whoThisIs()}`;
}

/** Why another user cannot get to what is in a folder, by the modes of the folders that lead to it, which exist; `undefined` where it can. */
export function entryObstacle(folder: string, account: Account): string | undefined {
  const parts = realpathSync(folder).split(sep);
  const shut = parts.map((_, at) => parts.slice(0, at + 1).join(sep) || sep).find((part) => !permits(statSync(part), account, 1));
  return shut === undefined ? undefined : `and the user ${account.name} may not enter ${shut} (chmod o+x, or another group)`;
}

/** Whether the mode lets somebody do that (4 reads, 2 writes, 1 executes or enters). */
export function permits({ uid, gid, mode }: Pick<Stats, "uid" | "gid" | "mode">, account: Account, what: number): boolean {
  if (account.uid === 0) return true;
  // The first that applies decides: an owner may have less than everybody else.
  const bits = account.uid === uid ? mode >> 6 : account.gids.has(gid) ? mode >> 3 : mode;
  return (bits & what) === what;
}

/** `undefined` where nothing is there. */
function factsOf(path: string): Stats | Error | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function whoThisIs(): string {
  return `the user ${process.geteuid?.() ?? ""} that starts the command`;
}
