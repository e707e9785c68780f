import { checkOptionNames } from "@gateway/core";
import type { Environ } from "@gateway/core";

/** Settings of {@link byAddress}. */
export interface ByAddressOptions {
  /** How many bits of an IPv6 address tell clients apart (default 64, which is what one customer has at least; many have 56 or 48). */
  readonly ipv6Bits?: number | undefined;
}

/**
 * A key function: the address of the client, `REMOTE_ADDR`; of an IPv6 address the network, because one machine has 18 quintillion of them. Without an address
 * (a Unix socket) all clients are one: put `forwarded()` of `@gateway/forwarded` outside.
 *
 * @throws {RangeError} for a number of bits that is none.
 */
export function byAddress(options: ByAddressOptions = {}): (environ: Environ) => string {
  checkOptionNames("byAddress", options, { ipv6Bits: true });
  const { ipv6Bits = 64 } = options;
  if (!Number.isInteger(ipv6Bits) || ipv6Bits < 1 || ipv6Bits > 128)
    throw new RangeError(`byAddress: ipv6Bits is 1 to 128, not ${String(ipv6Bits)}`);
  return (environ) => networkOf(environ.REMOTE_ADDR ?? "", ipv6Bits);
}

/** The address, or its first bits where it is an IPv6 address: `2001:db8:0:1::/64`. IPv4 within IPv6 is IPv4. What is no address stays as it is. */
export function networkOf(address: string, ipv6Bits: number): string {
  if (!address.includes(":")) return address === "" ? "unknown" : address;
  const [bare = ""] = address.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped?.[1] !== undefined) return mapped[1];
  const groups = expand(bare);
  if (groups === undefined) return address;
  // As dual-stack sockets may also write it.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [groups[6] ?? 0, groups[7] ?? 0].flatMap((group) => [group >> 8, group & 0xff]).join(".");
  }
  const kept = groups.map((group, i) => {
    const bits = Math.min(16, Math.max(0, ipv6Bits - 16 * i));
    return (group & (0xffff << (16 - bits)) & 0xffff).toString(16);
  });
  return `${kept.join(":")}/${ipv6Bits}`;
}

/** The eight groups of an IPv6 address; `undefined` for what is none. */
function expand(address: string): readonly number[] | undefined {
  const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  const [, start = "", a = "", b = "", c = "", d = ""] = dotted ?? [];
  const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted === null ? address : `${start}${hex(a, b)}:${hex(c, d)}`;
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined) return undefined;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}
