import { execFileSync } from "node:child_process";
import { StartError } from "../start-error.ts";

/** Who a worker is to be. */
export interface Identity {
  /** By name or number. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly umask: number | undefined;
}

/**
 * Gives up the rights of the manager for those of a user and a group. Without a group it is that of the user.
 *
 * @throws {StartError} where there is none of that name, or no right to become it.
 */
export function assume({ user, group, umask }: Identity): void {
  if (umask !== undefined) process.umask(umask);
  if (user === undefined && group === undefined) return;
  const { setuid, setgid, setgroups } = process;
  const initgroups: unknown = Reflect.get(process, "initgroups");
  if (setuid === undefined || setgid === undefined || setgroups === undefined || typeof initgroups !== "function") {
    throw new StartError("this system has no users and groups that a process could change to");
  }
  try {
    const gid = group === undefined ? lookUp("-g", user ?? "") : numberOrName(group);
    // Groups first: whoever is not the administrator any more cannot change them.
    setgid.call(process, gid);
    if (user === undefined) {
      setgroups.call(process, [gid]);
      return;
    }
    const uid = lookUp("-u", user);
    initgroups.call(process, nameOf(user), gid);
    setuid.call(process, uid);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const wanted = [user, group].filter((name) => name !== undefined).join(":");
    throw new StartError(`cannot become ${JSON.stringify(wanted)}: ${message}`);
  }
}

/** The numbers of who it is to be; `undefined`: who it is now. @throws {StartError} where there is no such user. */
export function accountOf({ user, group }: Identity): { readonly uid: number; readonly gid: number } | undefined {
  if (user === undefined) return undefined;
  try {
    const gid = group === undefined ? lookUp("-g", user) : numberOrName(group);
    return typeof gid === "number" ? { uid: lookUp("-u", user), gid } : { uid: lookUp("-u", user), gid: lookUp("-g", user) };
  } catch (error) {
    throw new StartError(`cannot find ${JSON.stringify(user)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Node.js cannot ask for another user than its own; `id` knows those of LDAP too. */
function lookUp(what: "-u" | "-g", user: string): number {
  return Number(ask(what, user));
}

function nameOf(user: string): string {
  return /^[0-9]+$/.test(user) ? ask("-un", user) : user;
}

function ask(what: string, user: string): string {
  try {
    return execFileSync("id", [what, "--", user], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    throw new Error("there is no such user");
  }
}

function numberOrName(text: string): number | string {
  return /^[0-9]+$/.test(text) ? Number(text) : text;
}
