import { BlockList, isIPv4 } from "node:net";
import { normalizeAddress } from "./ip-address.ts";

/** Who is believed. */
export interface Trust {
  /** @param address `""` for a Unix socket. @param depth how many proxies were believed already: 0 for the peer. */
  isTrusted(address: string | undefined, depth: number): boolean;
}

/** Checking an address against a list costs about a microsecond, and proxies are few. */
const maxRemembered = 1000;

/**
 * Makes what decides who is believed.
 *
 * @param trust addresses, networks (`10.0.0.0/8`) and `"unix"`, or how many proxies stand in front.
 * @throws {TypeError} for an entry that is none, {@link RangeError} for a number that is no count.
 */
export function compileTrust(trust: readonly string[] | number): Trust {
  if (typeof trust === "number") {
    if (!Number.isInteger(trust) || trust < 0)
      throw new RangeError(`forwarded: trust is a whole number of proxies from 0 on, not ${trust}`);
    return { isTrusted: (_, depth) => depth < trust };
  }
  if (!Array.isArray(trust)) throw new TypeError("forwarded: trust is a list of addresses and networks, or a number of proxies");
  const list = new BlockList();
  for (const entry of trust as readonly unknown[]) if (entry !== "unix") add(list, entry);
  const isUnixTrusted = trust.includes("unix");
  const remembered = new Map<string, boolean>();
  return {
    isTrusted(address) {
      if (address === undefined || address === "") return address === "" && isUnixTrusted;
      let known = remembered.get(address);
      if (known === undefined) {
        known = check(list, address);
        if (remembered.size >= maxRemembered) remembered.clear();
        remembered.set(address, known);
      }
      return known;
    },
  };
}

function check(list: BlockList, given: string): boolean {
  const zone = given.indexOf("%");
  const address = normalizeAddress(zone === -1 ? given : given.slice(0, zone));
  return address !== undefined && list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

function add(list: BlockList, entry: unknown): void {
  const fail = (why: string): never => {
    throw new TypeError(`forwarded: ${JSON.stringify(entry)} in trust ${why}`);
  };
  if (typeof entry !== "string") return fail("is no text");
  const slash = entry.indexOf("/");
  const text = slash === -1 ? entry : entry.slice(0, slash);
  const address = normalizeAddress(text) ?? fail('is no address, no network such as 10.0.0.0/8, and not "unix"');
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  if (slash === -1) return list.addAddress(address, family);
  if (family === "ipv4" && !isIPv4(text)) fail("is IPv4 written as IPv6: write it as IPv4");
  const length = entry.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > (family === "ipv4" ? 32 : 128)) fail("has a prefix length that is none");
  list.addSubnet(address, Number(length), family);
}
