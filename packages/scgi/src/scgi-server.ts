import type { Server } from "node:net";
import type { ApplicationLike } from "@gateway/core";
import { cgiHead } from "@gateway/core/gateway";
import {
  makeSingleRequestServer,
  type GatewayServer,
  type SingleRequestOptions,
  type SingleRequestProtocol,
} from "@gateway/sockets";
import { ScgiReader } from "./packet.ts";

const scgi: SingleRequestProtocol = {
  reader: (maxBytes) => new ScgiReader(maxBytes),
  head: cgiHead,
};

/**
 * Makes an SCGI server for one application. It listens when it is told to serve.
 *
 * @param host a name or address, `""` for all interfaces, `unix:/path` for a Unix socket, `fd://0` for a listening socket that was
 *   inherited, or a `net.Server` that listens already.
 * @param port 0 lets the system choose one; of meaning only where the host is a name or an address.
 * @throws {TypeError|RangeError} for a host, port, application or option that makes no sense.
 */
export function makeServer(
  host: string | Server,
  port: number,
  app: ApplicationLike,
  options: SingleRequestOptions = {},
): GatewayServer {
  return makeSingleRequestServer(scgi, host, port, app, options);
}
