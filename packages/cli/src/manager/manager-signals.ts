import type { ProcessManager } from "./process-manager.ts";

/** What a shell reports for a process that SIGQUIT ended. */
const quitStatus = 131;

/**
 * The signals beside those that stop, with gunicorn's meanings: QUIT ends at once, HUP reloads, TTIN and TTOU are one worker more or less, USR1 opens
 * the logs again, USR2 starts a new parent with the same sockets, WINCH ends the workers only.
 */
export function onManagerSignals(manager: ProcessManager, quit: (status: number) => void): void {
  process.on("SIGQUIT", () => quit(quitStatus));
  process.on("SIGHUP", () => void manager.reload());
  process.on("SIGTTIN", () => manager.setWorkers(manager.status().wanted + 1));
  process.on("SIGTTOU", () => {
    const { wanted } = manager.status();
    if (wanted > 1) manager.setWorkers(wanted - 1);
  });
  // Node.js keeps this one to start its inspector, unless somebody listens.
  process.on("SIGUSR1", () => void manager.reopenLogs());
  process.on("SIGUSR2", () => void manager.upgrade());
  // Terminals send it when their size changes, which must not stop the site.
  process.on("SIGWINCH", () => {
    if (![process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) void manager.pause();
  });
}
