import { lchownSync, statSync } from "node:fs";
import { logFile } from "@gateway/logging";
import { DeviceLog } from "./device-log.ts";
import { complainOf, type Log, type OpenLogOptions } from "./log.ts";

export type { Log } from "./log.ts";

/**
 * Opens a log that several processes may write at the same time: a path, or `-`. What comes in one turn of the loop is written together, appended, in
 * whole entries; what is left when the process exits is written then.
 *
 * A log never ends the process, and holds up no request, unless it is a socket or the pipe of another user, which can only be waited for. When it cannot be written (a full disk, a reader that stalls) entries wait up to
 * `maxPendingBytes` and are tried again, then new ones are dropped. When nobody reads any more (EPIPE) all are.
 *
 * In a file no entry is torn, but by a disk that fills up in the middle of one. In a pipe, none of at most 4096 bytes is, which is what the system promises.
 *
 * @throws what the system says when the path cannot be opened.
 */
export function openLog(target: string, options: OpenLogOptions = {}): Log {
  const device = deviceOf(target, options.descriptor ?? 1);
  if (device !== undefined) return new DeviceLog(target, device, options);
  return openFile(target, options);
}

/** The descriptor, or the path of what is neither a file nor to become one. */
function deviceOf(target: string, descriptor: number): number | string | undefined {
  if (target === "-") return descriptor;
  // Where the standard output is a socket (systemd), that path cannot be opened.
  if (target === "/dev/stdout") return 1;
  if (target === "/dev/stderr") return 2;
  const before = statSync(target, { throwIfNoEntry: false });
  return before === undefined || before.isFile() || before.isDirectory() ? undefined : target;
}

function openFile(path: string, options: OpenLogOptions): Log {
  const { mode, owner, maxPendingBytes, onError = complainOf(path) } = options;
  const file = logFile(path, { flushSeconds: 0, mode, maxPendingBytes, onError });
  const own = (): void => {
    // Of a link itself, never of what somebody made it lead to.
    if (owner !== undefined) lchownSync(path, owner.uid, owner.gid);
  };
  own();
  const reopen = async (): Promise<void> => {
    file.reopen();
    try {
      own();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
    // A write that was under way ends in the old file.
    await file.flush();
  };
  let reopening: Promise<void> | undefined;
  return {
    target: path,
    get droppedLines() {
      return file.droppedLines;
    },
    write(entry) {
      file.write(entry);
    },
    reopen() {
      // Who asks while it is done may have renamed the file once more.
      reopening = (reopening ?? Promise.resolve()).then(reopen);
      return reopening;
    },
    async flush() {
      await reopening;
      await file.flush();
    },
    async close() {
      await reopening;
      await file.close();
    },
  };
}
