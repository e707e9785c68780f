import type { ProcessLog } from "../process-log.ts";
import { opened } from "../process-log.ts";
import type { Settings } from "../settings/settings.ts";
import { accountOf } from "../worker/identity.ts";

/**
 * Makes the log files, and gives them to those who will write them: workers that give up their rights could neither make nor open them in a folder of the administrator.
 */
export function ownLogs(settings: Settings, log: Pick<ProcessLog, "error"> | undefined): void {
  const { accessLog, errorLog } = settings;
  try {
    const owner = accountOf(settings);
    if (owner === undefined) return;
    for (const target of [accessLog, errorLog]) {
      if (target !== undefined && target !== "-") void opened(target, owner).close();
    }
  } catch (error) {
    // At the start it is fatal; while it serves, the old files are better than none.
    if (log === undefined) throw error;
    log.error(error instanceof Error ? error.message : String(error));
  }
}
