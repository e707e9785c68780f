import type { Server } from "node:net";
import { statusLine, toApplication, type Application, type ApplicationLike } from "@gateway/core";
import { GatewayServer, parseListening, type Protocol } from "@gateway/sockets";
import { Connection } from "./connection.ts";
import { settingsOf, type ServerOptions, type Settings } from "./options.ts";
import { refusalText } from "./response-head.ts";

/**
 * Makes an HTTP/1.1 server for one application, as `wsgiref.simple_server.make_server` does. It listens when it is told to serve.
 *
 * @param host a name or address, `""` for all interfaces, `unix:/path` for a Unix socket, `fd://N` for a listening socket that was
 *   inherited, or a `net.Server` (or `tls.Server`) that listens already.
 * @param port 0 lets the system choose one; of meaning only where the host is a name or an address.
 * @throws {TypeError|RangeError} for a host, port, application or option that makes no sense.
 */
export function makeServer(host: string | Server, port: number, app: ApplicationLike, options: ServerOptions = {}): GatewayServer {
  const listening = parseListening(host, port);
  const settings = settingsOf(options);
  return new GatewayServer(listening, http(toApplication(app), settings), {
    ...settings,
    handshakeSeconds: settings.headerSeconds,
  });
}

function http(app: Application, settings: Settings): Protocol {
  return {
    open: (socket, accepted) => new Connection(socket, app, settings, accepted),
    turnAway(socket, reason) {
      socket.end(refusalText(statusLine(503), reason, settings.serverHeader), "latin1", () => socket.destroy());
    },
  };
}
