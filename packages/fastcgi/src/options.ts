import {
  cgiServerDefaults,
  settleCgiServer,
  type CgiServerOptions,
  type CgiServerParts,
  type CgiServerSettings,
  type NumberKind,
} from "@gateway/sockets";

/** Settings of {@link makeServer}. */
export interface FastcgiOptions extends CgiServerOptions {
  /** From a connection to its first record, in seconds (default 10): then it is closed. */
  silentSeconds?: number;
  /** How long a connection may wait for its next request, in seconds (default `Infinity`: front servers keep connections for later). */
  keepAliveSeconds?: number;
  /** How many requests may run on one connection at once (default 100); one more is answered with `FCGI_OVERLOADED`. */
  maxRequests?: number;
  /**
   * What `FCGI_MPXS_CONNS` says (default false). Requests that come multiplexed are served in any case; front servers that are told so
   * begin to multiplex, and HAProxy 2.6 then loses some.
   */
  multiplex?: boolean;
  /**
   * Front servers that may connect, as addresses or networks like `"10.0.0.0/8"` (default: those of the variable `FCGI_WEB_SERVER_ADDRS`
   * of the environment, or whoever can); Unix sockets have file modes.
   */
  allowedAddresses?: readonly string[];
}

/** The settings with their defaults. */
export interface Settings extends Given, CgiServerParts {}

type Own = "silentSeconds" | "keepAliveSeconds" | "maxRequests" | "multiplex";

interface Given extends CgiServerSettings, Readonly<Required<Pick<FastcgiOptions, Own>>> {}

const defaults: Given = {
  ...cgiServerDefaults,
  silentSeconds: 10,
  keepAliveSeconds: Infinity,
  maxRequests: 100,
  multiplex: false,
};

const numbers: Readonly<Record<string, NumberKind>> = {
  silentSeconds: "number",
  keepAliveSeconds: "number",
  maxRequests: "whole",
};

/**
 * The options with their defaults filled in.
 *
 * @param environment only `FCGI_WEB_SERVER_ADDRS` is read (FastCGI specification, section 3.2).
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function settingsOf(options: FastcgiOptions, environment: Readonly<Record<string, string | undefined>>): Settings {
  const settings = settleCgiServer(defaults, options, numbers, webServers(environment["FCGI_WEB_SERVER_ADDRS"]));
  if (settings.maxRequests === 0) throw new RangeError("maxRequests is a whole number from 1");
  if (typeof settings.multiplex !== "boolean") throw new TypeError("multiplex is true or false");
  return settings;
}

function webServers(value: string | undefined): readonly string[] | undefined {
  return value === undefined || value === "" ? undefined : value.split(",").map((address) => address.trim());
}
