import { spawn } from "node:child_process";
import type { ProcessLog } from "../process-log.ts";

/**
 * Tells systemd what this process does, where it wants to know (`Type=notify`): by its command `systemd-notify`, since Node.js cannot send datagrams to Unix
 * sockets. The unit needs `NotifyAccess=all`, since it is a process of its own that speaks.
 *
 * @returns sends assignments such as `READY=1`.
 */
export function notifySystemd(
  environment: NodeJS.ProcessEnv,
  log: Pick<ProcessLog, "warning">,
): (...assignments: string[]) => void {
  const { NOTIFY_SOCKET: socket, PATH: path } = environment;
  if (socket === undefined || socket === "") return () => {};
  // One after the other: two processes at a time could speak in any order.
  let said: Promise<void> = Promise.resolve();
  return (...assignments) => {
    said = said.then(() => tell(assignments, { NOTIFY_SOCKET: socket, PATH: path }, log));
  };
}

/** What `Type=notify-reload` wants to know when a reload begins. */
export function reloadingSince(nanoseconds: bigint = process.hrtime.bigint()): string[] {
  return ["RELOADING=1", `MONOTONIC_USEC=${nanoseconds / 1000n}`];
}

function tell(assignments: readonly string[], env: NodeJS.ProcessEnv, log: Pick<ProcessLog, "warning">): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("systemd-notify", assignments, { stdio: "ignore", env });
    child.once("error", (error) => {
      log.warning(`cannot tell systemd: systemd-notify: ${error.message}`);
      resolve();
    });
    child.once("exit", () => resolve());
  });
}
