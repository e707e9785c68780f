import { isIPv6 } from "node:net";
import type { ServerAddress } from "@gateway/server";
import type { ProtocolName } from "./settings/setting.ts";
import { StartError } from "./start-error.ts";

/** What fits into `sun_path` of Linux with its NUL. Node.js 20 cuts a longer path without a word, and listens elsewhere. */
export const unixPathBytes = 107;

/** Where to listen: the first two arguments of `makeServer`, and how the person wrote it. */
export interface Bind {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/**
 * Reads `HOST:PORT`, `:PORT` (all interfaces), `[IPv6]:PORT`, `unix:PATH` or `fd://N`.
 *
 * @throws {StartError} for what is none of these; the message says what to write instead.
 */
export function parseBind(text: string): Bind {
  if (text.startsWith("unix:")) {
    if (text.length === 5 || text.includes("\0")) throw new StartError(`cannot bind ${quote(text)}: unix: is followed by a path`);
    if (Buffer.byteLength(text.slice(5)) > unixPathBytes) {
      throw new StartError(`cannot bind ${quote(text)}: the path of a Unix socket has at most ${unixPathBytes} bytes`);
    }
    return { host: text, port: 0, text };
  }
  if (text.startsWith("fd:")) {
    if (!/^fd:\/\/[0-9]{1,9}$/.test(text)) throw new StartError(`cannot bind ${quote(text)}: a descriptor is written fd://3`);
    return { host: text, port: 0, text };
  }
  const colon = text.lastIndexOf(":");
  if (colon === -1) throw new StartError(`cannot bind ${quote(text)}: ${missingHalf(text)}`);
  const host = text.slice(0, colon);
  const port = parsePort(text.slice(colon + 1));
  if (port === undefined) {
    throw new StartError(`cannot bind ${quote(text)}: ${quote(text.slice(colon + 1))} is not a port (0 to 65535)`);
  }
  checkHost(text, host);
  return { host, port, text };
}

/** A port in digits; `undefined` for anything else. */
export function parsePort(text: string): number | undefined {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  return port >= 0 && port <= 65_535 ? port : undefined;
}

/**
 * Where the server listens: for HTTP as something to open (a wildcard is no address, so it names one that leads to it), for other protocols
 * as front servers are told of it.
 */
export function readableAddress(address: ServerAddress, protocol: ProtocolName, isTls = false): string {
  const suffix = protocol === "http" ? "" : ` for ${protocol}`;
  if (address.kind === "unix") return `unix:${address.path}${suffix}`;
  const scheme = protocol === "http" ? (isTls ? "https://" : "http://") : "";
  if (isWildcard(address.host)) return `${scheme}127.0.0.1:${address.port} and all other addresses of this machine${suffix}`;
  return `${scheme}${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}${suffix}`;
}

/**
 * Why the system refused to listen, in one line.
 *
 * @param flag what chooses the address (default `"--bind"`).
 */
export function listenFailure(bind: Bind, error: unknown, flag = "--bind"): string {
  const { code = "", message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  const reason = code === "EACCES" && bind.text.startsWith("unix:") ? unixRefusal : reasons[code]?.replace("FLAG", flag);
  return `cannot listen on ${bind.text}: ${reason === undefined ? message : `${reason} (${code})`}`;
}

/** libuv says EACCES for a folder that does not exist, too. */
const unixRefusal = "its folder does not exist, or may not be written to";

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "it is in use already: stop the other server, or choose another address with FLAG",
  EACCES: "no permission: ports under 1024 are for the administrator",
  EPERM: "no permission",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "there is no host of that name",
  EBADF: "no such descriptor is open",
  EINVAL: "that is not a socket that listens",
  ENOTSOCK: "that is not a socket that listens",
};

function isWildcard(host: string): boolean {
  return host === "" || host === "::" || host === "0.0.0.0";
}

function missingHalf(text: string): string {
  return parsePort(text) === undefined
    ? `a port is missing: ${text === "" ? "127.0.0.1" : text}:8000`
    : `a host is missing: 127.0.0.1:${text}, or :${text} for all interfaces`;
}

function checkHost(text: string, host: string): void {
  if (host === "" || /^[\w.-]+$/.test(host)) return;
  const bracketed = /^\[(.*)\]$/.exec(host)?.[1];
  if (bracketed !== undefined && isIPv6(bracketed)) return;
  if (isIPv6(host)) throw new StartError(`cannot bind ${quote(text)}: an IPv6 address stands in brackets: [::1]:8000`);
  throw new StartError(`cannot bind ${quote(text)}: ${quote(host)} is not a host name or address`);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
