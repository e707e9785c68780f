import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeStaleSocket } from "@gateway/sockets";

/** As {@link defaultControlPath} names them, and as they are called until they listen. */
const ownName = /^[0-9a-f]{16}\.ctl(?:\.[0-9]+)?$/;

/** More are not looked at: the next command goes on. */
const mostLooks = 100;

/** A younger one may be about to be listened on. */
const youngMilliseconds = 60_000;

/**
 * Removes the control sockets that commands left behind which were killed, from the folder of the default ones. Nothing that answers is touched, and nothing
 * that is no socket. Never rejects.
 */
export async function removeDeadSockets(folder: string): Promise<void> {
  try {
    const names = await readdir(folder);
    const before = Date.now() - youngMilliseconds;
    for (const name of names.filter((each) => ownName.test(each)).slice(0, mostLooks)) {
      const path = join(folder, name);
      const { mtimeMs } = await lstat(path).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < before) await removeStaleSocket(path);
    }
  } catch {
    // It cannot be read: whoever made it may clean it.
  }
}
