import { makeServer, type GatewayServer, type ServerAddress } from "@gateway/server";
import { listenFailure, type Bind } from "../bind.ts";
import type { ErrorLog } from "../logs/error-log.ts";
import type { Companion } from "../manager/manager.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import { Collector } from "./collector.ts";
import type { ExpositionFormat } from "./exposition.ts";
import { metricsApp } from "./metrics-app.ts";

/** Serves `/metrics` and the two health paths, in the parent of the workers, which answers also when they are all blocked. */
export interface MetricsCompanion extends Companion {
  /** Where it listens; `undefined` before. */
  address(): ServerAddress | undefined;
}

/**
 * @param settings with a `metricsBind`.
 * @param errors where it reports its own errors.
 * @param whenAlone where an old parent has the address: calls its argument when that has ended (default: there is none).
 */
export function metricsCompanion(
  settings: Pick<Settings, "livePath" | "readyPath"> & { readonly metricsBind: Bind },
  errors: Pick<ErrorLog, "stream">,
  whenAlone?: (begin: () => void) => void,
): MetricsCompanion {
  const { metricsBind, livePath, readyPath } = settings;
  let server: GatewayServer | undefined;
  let address: ServerAddress | undefined;
  let collector: Collector | undefined;

  return {
    isEarly: true,
    address: () => address,
    async start(manager) {
      const collecting = new Collector(manager);
      collector = collecting;
      const metrics = (format: ExpositionFormat): Promise<string> => collecting.page(format);
      const app = metricsApp({ livePath, readyPath, status: () => manager.status(), metrics });
      // Those who ask are few, and they are let go at once when all ends.
      const options = { errors: errors.stream, shutdownSeconds: 1, stopIdleSeconds: 0, maxConnections: 100, maxBodyBytes: 0 };
      const listen = async (): Promise<void> => {
        const made = makeServer(metricsBind.host, metricsBind.port, app, options);
        server = made;
        try {
          address = await made.listen();
        } catch (error) {
          if (whenAlone === undefined || !isInUse(error))
            throw new StartError(`--metrics-bind: ${listenFailure(metricsBind, error, "--metrics-bind")}`);
          // Until then that one answers, for both.
          whenAlone(() => void listen().catch((failure: unknown) => errors.stream.write(`${String(failure)}\n`)));
          whenAlone = undefined;
          return;
        }
        void made.serveForever();
      };
      await listen();
    },
    async stop() {
      collector?.close();
      await server?.shutdown();
    },
  };
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
