import { isIPv4, isIPv6, SocketAddress } from "node:net";

/** An address in its one spelling: an IPv4 address in IPv6 is IPv4, IPv6 in lower case and shortened. `undefined` for what is none. */
export function normalizeAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  // A zone (fe80::1%eth0) means something on one machine only.
  if (text.length > 45 || text.includes("%") || !isIPv6(text)) return undefined;
  const { address } = new SocketAddress({ address: text, family: "ipv6" });
  const mapped = address.startsWith("::ffff:") ? address.slice(7) : "";
  return isIPv4(mapped) ? mapped : address;
}

/** Who sent something: an address, perhaps with the port. */
export interface Sender {
  readonly address: string;
  readonly port: string | undefined;
}

/**
 * Reads an address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`; where it says so, also an
 * IPv6 address without brackets, which has no port.
 */
export function parseSender(text: string, isBareAllowed: boolean): Sender | undefined {
  // The longest address with brackets and port.
  if (text.length > 54) return undefined;
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    const inside = end === -1 ? "" : text.slice(1, end);
    const address = inside.includes(":") ? normalizeAddress(inside) : undefined;
    const rest = text.slice(end + 1);
    if (address === undefined || (rest !== "" && !rest.startsWith(":"))) return undefined;
    return withPort(address, rest === "" ? undefined : rest.slice(1));
  }
  const colon = text.indexOf(":");
  if (colon !== -1 && colon !== text.lastIndexOf(":")) {
    const address = isBareAllowed ? normalizeAddress(text) : undefined;
    return address === undefined ? undefined : { address, port: undefined };
  }
  const address = colon === -1 ? text : text.slice(0, colon);
  return isIPv4(address) ? withPort(address, colon === -1 ? undefined : text.slice(colon + 1)) : undefined;
}

function withPort(address: string, port: string | undefined): Sender | undefined {
  return port === undefined || isPort(port) ? { address, port } : undefined;
}

/** A port in digits, from 1 to 65535. */
export function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
