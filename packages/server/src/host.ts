import { isIPv6 } from "node:net";
import { allIn, hexOctets, hostOctets } from "./octets.ts";

let lastGood = "";

/** Is it `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2)? An empty one is. */
export function isHost(value: string): boolean {
  if (value === lastGood) return true;
  const good = value.startsWith("[") ? isBracketed(value) : isNamed(value);
  if (good) lastGood = value;
  return good;
}

function isNamed(value: string): boolean {
  const colon = value.indexOf(":");
  const name = colon === -1 ? value : value.slice(0, colon);
  return isRegName(name) && (colon === -1 || (name !== "" && isPort(value.slice(colon + 1))));
}

function isBracketed(value: string): boolean {
  const end = value.indexOf("]");
  if (end === -1) return false;
  const literal = value.slice(1, end);
  const rest = value.slice(end + 1);
  return (isIPv6(literal) && !literal.includes("%")) || isFuture(literal)
    ? rest === "" || (rest.startsWith(":") && isPort(rest.slice(1)))
    : false;
}

/** `IPvFuture`: `v`, a version in hex, a dot, and an address. */
function isFuture(literal: string): boolean {
  const dot = literal.indexOf(".");
  if (dot < 2 || (literal[0] !== "v" && literal[0] !== "V")) return false;
  const address = literal.slice(dot + 1);
  return allIn(hexOctets, literal.slice(1, dot)) && address !== "" && allIn(hostOctets, address.replaceAll(":", ""));
}

function isRegName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const octet = name.charCodeAt(i);
    if (hostOctets[octet] === 1) continue;
    if (octet !== 0x25 || i + 2 >= name.length || !allIn(hexOctets, name.slice(i + 1, i + 3))) return false;
    i += 2;
  }
  return true;
}

function isPort(digits: string): boolean {
  if (digits.length > 5) return false;
  let port = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}
