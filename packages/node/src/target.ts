/** A request target, taken apart (RFC 9112, section 3.2). */
export interface Target {
  /** The raw path; `"*"` for the asterisk form. */
  readonly path: string;
  readonly query: string;
  /** The host of an absolute target, which goes before the Host header (RFC 9112, section 3.2.2). */
  readonly host: string | undefined;
}

/** All that is no visible ASCII, and `#`: a fragment is never sent. The parser of Node lets them through. */
const notTarget = /[^!-"$-~]/;
const hostAndPort = /^(?:\[[0-9A-Za-z:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?$/;

/** Is it a host with an optional port (RFC 9110, section 7.2)? */
export function isHost(value: string): boolean {
  return hostAndPort.test(value);
}

/** `undefined` for what is no target of an origin server. */
export function parseTarget(method: string, target: string): Target | undefined {
  if (target === "" || notTarget.test(target)) return undefined;
  if (target.startsWith("/")) return split(target, 0, undefined);
  if (target === "*") return method === "OPTIONS" ? { path: "*", query: "", host: undefined } : undefined;
  const start = /^https?:\/\//i.exec(target)?.[0].length ?? -1;
  if (start === -1) return undefined;
  let end = start;
  while (end < target.length && target[end] !== "/" && target[end] !== "?") end++;
  const host = target.slice(start, end);
  if (!isHost(host)) return undefined;
  // OPTIONS with neither path nor query means the server as a whole, as * does (RFC 9112, section 3.2.4).
  if (end === target.length && method === "OPTIONS") return { path: "*", query: "", host };
  return split(target, end, host);
}

function split(target: string, from: number, host: string | undefined): Target {
  const mark = target.indexOf("?", from);
  const path = mark === -1 ? target.slice(from) : target.slice(from, mark);
  return { path: path === "" ? "/" : path, query: mark === -1 ? "" : target.slice(mark + 1), host };
}
