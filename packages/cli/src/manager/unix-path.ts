import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, linkSync, lstatSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { removeStaleSocket } from "@gateway/sockets";
import { unixPathBytes } from "../bind.ts";
import { StartError } from "../start-error.ts";

/** What the file of a Unix socket is known by: another one at the same path is somebody else's. */
export interface SocketFile {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/**
 * A name beside the wanted one, to bind to. The socket is moved to its place afterwards: so it has its mode and owner before anybody can connect, a
 * stale one is replaced in one step, and libuv, which removes on closing what it bound, does not remove what a new parent goes on using.
 */
export function temporaryPath(path: string): string {
  const temporary = join(dirname(path), `.${process.pid.toString(36)}.${(counter++).toString(36)}`);
  // Short as it is it may not fit where the wanted one just does.
  if (Buffer.byteLength(temporary) > unixPathBytes) {
    throw new StartError(
      `cannot listen on unix:${path}: its path is too long to make the socket beside it: at most ${unixPathBytes} bytes`,
    );
  }
  return temporary;
}

let counter = 0;

/** Gives the socket its mode and owner, and its place. */
export function putInPlace(temporary: string, path: string, mode: number | undefined, owner: string | undefined): SocketFile {
  try {
    if (mode !== undefined) chmodSync(temporary, mode);
    if (owner !== undefined) chown(temporary, owner);
    const { dev, ino } = lstatSync(temporary);
    // Not rename: that would take the place of whoever was quicker.
    linkSync(temporary, path);
    return { path, device: dev, inode: ino };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw pathInUse(path);
    throw error;
  } finally {
    unlinkSync(temporary);
  }
}

/** Makes the place free, where nobody answers any more. @throws EADDRINUSE where somebody does. @throws {StartError} where something else is. */
export async function makeWay(path: string): Promise<void> {
  await removeStaleSocket(path);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSocket() === true) throw pathInUse(path);
  if (there !== undefined) {
    const what = there.isDirectory() ? "a folder" : "a file that is no socket";
    throw new StartError(`cannot listen on unix:${path}: there is ${what}: remove it, or choose another path with --bind`);
  }
}

function pathInUse(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`EADDRINUSE: ${path} is there already`), { code: "EADDRINUSE" });
}

/** Takes the file away, if it is still that one. */
export function removeSocketFile({ path, device, inode }: SocketFile): void {
  try {
    const { dev, ino } = lstatSync(path);
    if (dev === device && ino === inode) unlinkSync(path);
  } catch {
    // Somebody else took it away.
  }
}

function chown(path: string, owner: string): void {
  const [user = "", group = ""] = owner.split(":");
  try {
    const { uid, gid } = lstatSync(path);
    chownSync(path, user === "" ? uid : idOf("passwd", user), group === "" ? gid : idOf("group", group));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StartError(`cannot give the socket to ${JSON.stringify(owner)}: ${message}`);
  }
}

/** Of a user or a group, from wherever the system has them. */
export function idOf(database: "passwd" | "group", name: string): number {
  if (/^[0-9]+$/.test(name)) return Number(name);
  try {
    const line = execFileSync("getent", [database, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return Number(line.split(":")[2]);
  } catch {
    throw new Error(`there is no ${database === "passwd" ? "user" : "group"} ${JSON.stringify(name)}`);
  }
}
