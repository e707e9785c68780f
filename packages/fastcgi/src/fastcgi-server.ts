import type { Server } from "node:net";
import { toApplication, type ApplicationLike } from "@gateway/core";
import { GatewayServer, parseListening } from "@gateway/sockets";
import { FastcgiConnection } from "./connection.ts";
import { settingsOf, type FastcgiOptions } from "./options.ts";

/**
 * Makes a FastCGI server for one application. It listens when it is told to serve.
 *
 * @param host a name or address, `""` for all interfaces, `unix:/path` for a Unix socket, `fd://0` for a listening socket that was
 *   inherited (from mod_fcgid, or lighttpd's `bin-path`), or a `net.Server` that listens already.
 * @param port 0 lets the system choose one; of meaning only where the host is a name or an address.
 * @throws {TypeError|RangeError} for a host, port, application or option that makes no sense.
 */
export function makeServer(host: string | Server, port: number, app: ApplicationLike, options: FastcgiOptions = {}): GatewayServer {
  const listening = parseListening(host, port);
  const application = toApplication(app);
  const settings = settingsOf(options, process.env);
  return new GatewayServer(
    listening,
    { open: (socket, accepted) => new FastcgiConnection(socket, application, settings, accepted), turnAway: undefined },
    { ...settings, tls: undefined, handshakeSeconds: 0 },
  );
}
