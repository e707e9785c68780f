import { isToken } from "@gateway/core";
import { parseHost, type Host } from "./host.ts";
import { parseSender, type Sender } from "./ip-address.ts";

/** What one proxy said (RFC 7239, section 4). */
export interface ForwardedElement {
  /** Where it begins in the value. */
  readonly start: number;
  /** Who spoke to the proxy: an address, or what it says instead of one: `unknown`, `_hidden`. */
  readonly sender: Sender | string | undefined;
  /** The host that was asked for. */
  readonly host: Host | undefined;
  /** In lower case. */
  readonly proto: string | undefined;
}

/** More proxies than anybody has. */
const maxElements = 100;

/**
 * Reads a `Forwarded` header as strictly as RFC 7239 writes it: quoted strings, IPv6 in brackets and quotes, each parameter once.
 *
 * @returns the elements, that of the nearest proxy last; `undefined` where anything in it is malformed.
 */
export function parseForwarded(value: string): readonly ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = [];
  let i = 0;
  for (;;) {
    i = skipSpace(value, i);
    // A list may have empty elements (RFC 9110, section 5.6.1).
    if (i < value.length && value[i] !== ",") {
      const start = i;
      const parameters = new Map<string, string>();
      for (;;) {
        const pair = readPair(value, i);
        if (pair === undefined || parameters.has(pair.name)) return undefined;
        parameters.set(pair.name, pair.value);
        i = pair.end;
        if (value[i] !== ";") break;
        i++;
      }
      const element = elementOf(start, parameters);
      if (element === undefined || elements.length === maxElements) return undefined;
      elements.push(element);
      i = skipSpace(value, i);
    }
    if (i === value.length) return elements.length === 0 ? undefined : elements;
    if (value[i] !== ",") return undefined;
    i++;
  }
}

function skipSpace(text: string, from: number): number {
  let i = from;
  while (text[i] === " " || text[i] === "\t") i++;
  return i;
}

/** `token "=" ( token / quoted-string )`, without spaces. */
function readPair(text: string, from: number): { readonly name: string; readonly value: string; readonly end: number } | undefined {
  const equals = text.indexOf("=", from);
  const name = equals === -1 ? "" : text.slice(from, equals);
  if (name.length > 100 || !isToken(name)) return undefined;
  const begin = equals + 1;
  if (text[begin] === '"') {
    const quoted = readQuoted(text, begin + 1);
    return quoted === undefined ? undefined : { name: name.toLowerCase(), ...quoted };
  }
  let end = begin;
  while (end < text.length && text[end] !== ";" && text[end] !== "," && text[end] !== " " && text[end] !== "\t") end++;
  const value = text.slice(begin, end);
  return isToken(value) ? { name: name.toLowerCase(), value, end } : undefined;
}

/** The rest of a quoted string (RFC 9110, section 5.6.4). Control characters never get past a gateway. */
function readQuoted(text: string, from: number): { readonly value: string; readonly end: number } | undefined {
  let value = "";
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (character === '"') return { value, end: i + 1 };
    if (character === "\\") i++;
    value += text[i] ?? "";
  }
  return undefined;
}

function elementOf(start: number, parameters: ReadonlyMap<string, string>): ForwardedElement | undefined {
  const given = {
    for: parameters.get("for"),
    by: parameters.get("by"),
    host: parameters.get("host"),
    proto: parameters.get("proto"),
  };
  const sender = given.for === undefined ? undefined : parseNode(given.for);
  const host = given.host === undefined ? undefined : parseHost(given.host);
  if (given.for !== undefined && sender === undefined) return undefined;
  if (given.by !== undefined && parseNode(given.by) === undefined) return undefined;
  if (given.host !== undefined && host === undefined) return undefined;
  if (given.proto !== undefined && !/^[A-Za-z][\dA-Za-z+.-]*$/.test(given.proto)) return undefined;
  return { start, sender, host, proto: given.proto?.toLowerCase() };
}

/** A node (RFC 7239, section 6): an address, `unknown`, or a name that hides one; each perhaps with a port. */
function parseNode(text: string): Sender | string | undefined {
  const hidden = /^(unknown|_[\w.-]+)(?::(\d{1,5}|_[\w.-]+))?$/i.exec(text);
  if (hidden !== null) return hidden[1];
  // A port that is hidden says nothing.
  const port = text.lastIndexOf(":_");
  if (port === -1) return parseSender(text, false);
  return /^:_[\w.-]+$/.test(text.slice(port)) ? parseSender(text.slice(0, port), false) : undefined;
}
