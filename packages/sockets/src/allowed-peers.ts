import { BlockList, isIP } from "node:net";
import type { SocketFacts } from "./protocol.ts";

/** The front servers that may connect. */
export interface AllowedPeers {
  /** Whether this one may. On Unix sockets everybody may who could open the file. */
  includes(facts: SocketFacts): boolean;
}

const everybody: AllowedPeers = { includes: () => true };

/**
 * Reads an `allowedAddresses` option.
 *
 * @param addresses IPv4 and IPv6 addresses, and networks such as `10.0.0.0/8`; `undefined` allows all.
 * @throws {TypeError} for what is neither.
 */
export function allowedPeers(addresses: readonly string[] | undefined): AllowedPeers {
  if (addresses === undefined) return everybody;
  if (!Array.isArray(addresses)) throw new TypeError('allowedAddresses is an array of addresses, like ["127.0.0.1"]');
  const list = new BlockList();
  for (const address of addresses as readonly unknown[]) add(list, address);
  return {
    includes({ remoteAddress, remotePort }) {
      if (remotePort === undefined) return true;
      return list.check(remoteAddress, isIP(remoteAddress) === 6 ? "ipv6" : "ipv4");
    },
  };
}

function add(list: BlockList, address: unknown): void {
  const [host = "", prefix, ...more] = typeof address === "string" ? address.split("/") : [];
  const version = isIP(host);
  const family = version === 6 ? "ipv6" : "ipv4";
  const bits = prefix === undefined ? undefined : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  const isRight = version !== 0 && more.length === 0 && (bits === undefined || bits <= (version === 6 ? 128 : 32));
  if (!isRight) {
    throw new TypeError(`an allowed address is an IP address or a network like "10.0.0.0/8", not ${JSON.stringify(address)}`);
  }
  if (bits === undefined) list.addAddress(host, family);
  else list.addSubnet(host, bits, family);
}
