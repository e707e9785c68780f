import type { Server } from "node:net";
import type { TlsOptions } from "node:tls";
import type { ApplicationLike } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { GatewayServer, RefusedRequest } from "@gateway/server";
import type { ProcessLog } from "../process-log.ts";
import { gateways, type GatewayOptions } from "../protocols.ts";
import type { Settings } from "../settings/settings.ts";
import { serverOptions } from "../settings/server-options.ts";
import { StartError } from "../start-error.ts";
import type { Lifespan } from "../load-application.ts";

/** Where a server of this process gets its connections from: the first two arguments of `makeServer`. */
export interface Place {
  readonly host: string | Server;
  readonly port: number;
}

/** The servers of one application in this process, one for each place. */
export class Serving {
  readonly servers: readonly GatewayServer[];

  private constructor(servers: readonly GatewayServer[]) {
    this.servers = servers;
  }

  /** Makes them; they do not listen yet. */
  static async make(
    settings: Settings,
    app: ApplicationLike,
    places: readonly Place[],
    { tls, maxConnections, log }: { tls: TlsOptions | undefined; maxConnections: number; log: ProcessLog },
  ): Promise<Serving> {
    const gateway = await gateways[settings.protocol]();
    const options: GatewayOptions = {
      ...serverOptions(settings),
      maxConnections,
      onRefused: (refused) => log.warning(refusedText(refused)),
      ...(tls && { tls }),
      ...(log.stream && { errors: log.stream }),
    };
    return new Serving(places.map(({ host, port }) => gateway.makeServer(host, port, app, options)));
  }

  get connections(): number {
    return this.servers.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Serves until {@link shutdown}. */
  async serve(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.serveForever()));
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.shutdown()));
  }
}

/** Runs the `startup` of a module. @throws {StartError} when that fails. */
export async function startUp(startup: Lifespan | undefined, target: string): Promise<void> {
  try {
    await startup?.();
  } catch (error) {
    throw new StartError(`startup() of ${target} failed`, { cause: error });
  }
}

/** Runs the `drain` of a module. Nobody waits for it: what it ends is waited for anyway. */
export function drain(drained: Lifespan | undefined, target: string, log: ProcessLog): void {
  if (drained === undefined) return;
  const failed = (error: unknown): void => log.error(`drain() of ${target} failed`, errorText(error));
  try {
    Promise.resolve(drained()).catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** The validator is a tool for development: loaded when it is asked for. */
export async function validated(app: ApplicationLike): Promise<ApplicationLike> {
  const { validator } = await import("@gateway/validate");
  return validator(app);
}

/** An error that nobody caught ends no request but its own: it is reported, and the others are served on. */
export function surviveFailures(log: ProcessLog): void {
  process.on("uncaughtException", (error, origin) => {
    const what = origin === "unhandledRejection" ? "a rejected promise that nobody handled" : "an error that nobody caught";
    const [first = "", ...more] = errorText(error).trimEnd().split("\n");
    log.error(`${what}: ${first}`, more.length === 0 ? undefined : more.join("\n"));
  });
  // A log that nobody reads any more (`gateway app | head`) must not come back as such an error, to be logged.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
}

function refusedText({ remoteAddress, code, reason }: RefusedRequest): string {
  const client = remoteAddress === "" ? "a client of the socket" : remoteAddress;
  // 0: it got no answer.
  return `refused ${client}: ${code === 0 ? "" : `${code}, `}${reason}`;
}
