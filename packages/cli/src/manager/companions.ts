import { dirname } from "node:path";
import { controlSocket } from "../control/control-socket.ts";
import { defaultControlPath } from "../control/control-path.ts";
import { removeDeadSockets } from "../control/dead-sockets.ts";
import type { ProcessLog } from "../process-log.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import type { Companion } from "./manager.ts";
import { onPromoted } from "./upgrade.ts";

/** Where the companions of a manager live. */
export interface CompanionWorld {
  readonly log: ProcessLog;
  readonly environment: NodeJS.ProcessEnv;
  /** The folder that the command was started in. */
  readonly directory: string;
  /** Takes over from an old parent. */
  readonly takeOver: boolean;
}

/** What goes along with a manager: the control socket, the metrics, the watcher of files. What nobody asked for is not even loaded. */
export async function companionsFor(settings: Settings, world: CompanionWorld): Promise<readonly Companion[]> {
  const { log, takeOver } = world;
  const companions: Companion[] = [];
  const control = controlCompanion(settings, world);
  if (control !== undefined) companions.push(control);
  const { metricsBind } = settings;
  if (metricsBind !== undefined) {
    const { metricsCompanion } = await import("../metrics/metrics-companion.ts");
    companions.push(
      metricsCompanion(
        { ...settings, metricsBind },
        { stream: log.stream ?? standardErrors(log) },
        takeOver ? onPromoted : undefined,
      ),
    );
  }
  if (settings.reload) {
    const { reloadCompanion } = await import("../reload/reload-companion.ts");
    companions.push(reloadCompanion({ target: settings.target, log, extra: settings.reloadExtra }));
  }
  return companions;
}

function controlCompanion(settings: Settings, { environment, directory, takeOver, log }: CompanionWorld): Companion | undefined {
  const { controlSocket: path, controlSocketMode: mode } = settings;
  if (path === undefined) return undefined;
  if (path !== "auto") return controlSocket({ path, mode, takeOver });
  // Nobody asked for it: a second site that is started in the same folder goes without.
  let companion: Companion | undefined;
  return {
    async start(manager) {
      try {
        const ownPath = defaultControlPath({ directory, environment, make: true });
        const own = controlSocket({ path: ownPath, mode, takeOver });
        await own.start(manager);
        companion = own;
        void removeDeadSockets(dirname(ownPath));
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        log.info(`there is no control socket: ${error.message}`);
      }
    },
    async stop() {
      await companion?.stop();
    },
  };
}

function standardErrors(log: ProcessLog): NonNullable<ProcessLog["stream"]> {
  const write = (text: string): void => log.error(text.trimEnd());
  return {
    write,
    writelines: (lines) => write([...lines].join("")),
    flush() {},
  };
}
