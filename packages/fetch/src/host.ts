/** What the second argument of a handler tells of the client, where the host is one that we know. */
export interface Peer {
  readonly address: string;
  readonly port: string | undefined;
}

/**
 * Who sent the request: Bun hands its handlers the server, which can be asked, and Deno an object that says it. `undefined` on other
 * hosts.
 */
export function peerOf(request: Request, host: readonly unknown[]): Peer | undefined {
  const second = host[0];
  if (typeof second !== "object" || second === null) return undefined;
  if ("requestIP" in second && typeof second.requestIP === "function") return bunPeer((second as BunServer).requestIP(request));
  if ("remoteAddr" in second) return denoPeer(second.remoteAddr);
  return undefined;
}

interface BunServer {
  requestIP(request: Request): unknown;
}

/** `null` where the request is over, or came through a Unix socket. */
function bunPeer(found: unknown): Peer | undefined {
  if (typeof found !== "object" || found === null || !("address" in found) || typeof found.address !== "string") return undefined;
  return { address: withoutMapping(found.address), port: portOf(found) };
}

function denoPeer(address: unknown): Peer | undefined {
  if (typeof address !== "object" || address === null) return undefined;
  if ("hostname" in address && typeof address.hostname === "string")
    return { address: withoutMapping(address.hostname), port: portOf(address) };
  // A Unix socket has no address.
  return "transport" in address && (address.transport === "unix" || address.transport === "unixpacket")
    ? { address: "", port: undefined }
    : undefined;
}

function portOf(found: object): string | undefined {
  return "port" in found && typeof found.port === "number" ? `${found.port}` : undefined;
}

/** An IPv4 address that came through an IPv6 socket is an IPv4 address: `::ffff:127.0.0.1` is `127.0.0.1`. */
function withoutMapping(address: string): string {
  if (!address.startsWith(":")) return address;
  const mapped = address.slice(7);
  return address.toLowerCase().startsWith("::ffff:") && /^[0-9.]+$/.test(mapped) ? mapped : address;
}

interface Waiting {
  waitUntil(promise: Promise<unknown>): void;
}

/** Keeps a worker alive until this has settled: their hosts give handlers a context for that. */
export function keepAlive(host: readonly unknown[], done: () => Promise<void>): void {
  for (const given of host) {
    if (typeof given === "object" && given !== null && "waitUntil" in given && typeof given.waitUntil === "function") {
      (given as Waiting).waitUntil(done());
      return;
    }
  }
}
