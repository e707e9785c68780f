import { isIP, Server, type AddressInfo, type ListenOptions } from "node:net";
import { HandedConnections } from "./handed-connections.ts";

/** What the system has room for (`sun_path`), but for the NUL at its end. */
const maxPathBytes = process.platform === "linux" ? 107 : 103;

/** Where a server listens. */
export type ServerAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** What the first two arguments of `makeServer` mean to the system. */
export type Listening =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "fd"; readonly fd: number }
  | { readonly kind: "server"; readonly server: Server }
  | { readonly kind: "handed"; readonly server: HandedConnections };

/**
 * Reads `host` and `port` of `makeServer`: a host name or address (`""` is all interfaces), `unix:/path`, `fd://N` for a
 * listening socket that was inherited, a server that listens already, or {@link HandedConnections}.
 *
 * @throws {TypeError|RangeError} for what is none of these.
 */
export function parseListening(host: string | Server, port: number): Listening {
  if (host instanceof HandedConnections) return { kind: "handed", server: host };
  if (host instanceof Server) return { kind: "server", server: host };
  if (typeof host !== "string") throw new TypeError(`makeServer: the host is a string or a net.Server, not a ${typeof host}`);
  if (host.startsWith("unix:")) {
    const path = host.slice(5);
    if (path === "" || path.includes("\0")) throw new TypeError("makeServer: unix: is followed by the path of a socket");
    // The runtime would cut a longer path off, and listen somewhere else.
    if (Buffer.byteLength(path) > maxPathBytes) {
      throw new TypeError(
        `makeServer: the path of a Unix socket has at most ${maxPathBytes} bytes, not ${Buffer.byteLength(path)}`,
      );
    }
    return { kind: "unix", path };
  }
  if (host.startsWith("fd://")) {
    const fd = /^[0-9]{1,9}$/.test(host.slice(5)) ? Number(host.slice(5)) : -1;
    if (fd === -1) throw new TypeError("makeServer: fd:// is followed by the number of a descriptor");
    return { kind: "fd", fd };
  }
  if (typeof port !== "number") throw new TypeError(`makeServer: the second argument is the port, a number, not a ${typeof port}`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`makeServer: ${port} is no port (0 to 65535)`);
  if (/^[^:]+:[0-9]+$/.test(host)) throw new TypeError("makeServer: the host has no port in it, that is the second argument");
  // An address in brackets is how URIs write it; the system wants it bare.
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return { kind: "tcp", host: bare, port };
}

/** What `net.Server.listen` takes. */
export function listenOptions(listening: Exclude<Listening, { server: Server }>, backlog: number): ListenOptions | { fd: number } {
  switch (listening.kind) {
    case "unix":
      return { path: listening.path, backlog };
    case "fd":
      return { fd: listening.fd };
    case "tcp":
      return listening.host === "" ? { port: listening.port, backlog } : { host: listening.host, port: listening.port, backlog };
  }
}

/** What the system says of a listening socket. Node.js does not know the path of a Unix socket that was inherited: then it is `""`. */
export function serverAddress(info: string | AddressInfo | null): ServerAddress {
  if (info === null) return { kind: "unix", path: "" };
  if (typeof info === "string") return { kind: "unix", path: info };
  return { kind: "tcp", host: withoutMapping(info.address), port: info.port };
}

/** An IPv4 address that came through an IPv6 socket is an IPv4 address: `::ffff:127.0.0.1` is `127.0.0.1`. */
export function withoutMapping(address: string): string {
  if (!address.toLowerCase().startsWith("::ffff:")) return address;
  const mapped = address.slice(7);
  return isIP(mapped) === 4 ? mapped : address;
}
