import type { Server } from "node:net";
import type { TlsOptions } from "node:tls";
import type { ApplicationLike, ErrorStream } from "@gateway/core";
import type { GatewayServer, RefusedRequest } from "@gateway/server";
import type { ProtocolName } from "./settings/setting.ts";

/** What the servers have in common. */
interface Gateway {
  makeServer(host: string | Server, port: number, app: ApplicationLike, options: GatewayOptions): GatewayServer;
}

/** Their options, as the command gives them. */
export interface GatewayOptions {
  readonly onRefused: (refused: RefusedRequest) => void;
  readonly maxConnections: number;
  readonly tls?: TlsOptions;
  readonly errors?: ErrorStream;
}

/** Loaded when they are asked for. */
export const gateways: Readonly<Record<ProtocolName, () => Promise<Gateway>>> = {
  http: () => import("@gateway/server"),
  fastcgi: () => import("@gateway/fastcgi"),
  scgi: () => import("@gateway/scgi"),
  uwsgi: () => import("@gateway/uwsgi"),
};
