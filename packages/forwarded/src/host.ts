import { isIPv4, isIPv6 } from "node:net";
import { isPort } from "./ip-address.ts";

/** A host, and the port if there is one. */
export interface Host {
  /** An IPv6 address in brackets. */
  readonly name: string;
  readonly port: string | undefined;
}

/** Reads the value of a `Host` header (RFC 9110, section 7.2): a name of letters, digits, `.`, `-` and `_`, or an address. */
export function parseHost(text: string): Host | undefined {
  // The longest name there is, and a port.
  if (text.length > 261) return undefined;
  const end = text.startsWith("[") ? text.indexOf("]") + 1 : text.includes(":") ? text.indexOf(":") : text.length;
  const name = text.slice(0, end);
  const rest = text.slice(end);
  if (rest !== "" && !(rest.startsWith(":") && isPort(rest.slice(1)))) return undefined;
  const isHost = name.startsWith("[") ? isIPv6(name.slice(1, -1)) && !name.includes("%") : isName(name);
  return isHost ? { name, port: rest === "" ? undefined : rest.slice(1) } : undefined;
}

function isName(text: string): boolean {
  if (!/^[A-Za-z\d_](?:[\w.-]*[\w.])?$/.test(text) || text.includes("..")) return false;
  // Clients take a name that ends in a number for an IPv4 address (URL Standard, "ends in a number").
  const labels = (text.endsWith(".") ? text.slice(0, -1) : text).split(".");
  return !/^(?:\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? "") || isIPv4(text);
}
