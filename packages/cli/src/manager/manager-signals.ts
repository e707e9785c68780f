import type { ProcessLog } from "../process-log.ts";
import type { ProcessManager } from "./process-manager.ts";
import { workersText } from "./worker-count.ts";

/** What a shell reports for a process that SIGQUIT ended. */
const quitStatus = 131;

/**
 * The signals beside those that stop, with gunicorn's meanings: QUIT ends at once, HUP reloads, TTIN and TTOU are one worker more or less, USR1 opens
 * the logs again, USR2 starts a new parent with the same sockets, WINCH ends the workers only.
 */
export function onManagerSignals(manager: ProcessManager, log: Pick<ProcessLog, "warning">, quit: (status: number) => void): void {
  process.on("SIGQUIT", () => quit(quitStatus));
  process.on("SIGHUP", () => void manager.reload());
  const step = (by: 1 | -1): void => {
    try {
      manager.setWorkers(manager.status().wanted + by);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      log.warning(`${workersText(manager.status().wanted)} as before: ${error.message}`);
    }
  };
  process.on("SIGTTIN", () => step(1));
  process.on("SIGTTOU", () => step(-1));
  // Node.js keeps this one to start its inspector, unless somebody listens.
  process.on("SIGUSR1", () => void manager.reopenLogs());
  process.on("SIGUSR2", () => void manager.upgrade());
  // Terminals send it when their size changes, which must not stop the site.
  process.on("SIGWINCH", () => {
    if (![process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) void manager.pause();
  });
}
