import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/**
 * Takes away a socket file that a server left behind when it died, so that the path can be bound again. Touches nothing that
 * answers, and nothing that is not a socket.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isSocket()) return;
  } catch {
    return;
  }
  if (await isRefused(path)) await unlink(path).catch(() => {});
}

/** A socket file without a server behind it refuses; anything else may be alive. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
