import { parseMounts } from "@gateway/core/gateway";
import {
  allowedPeers,
  EnvironMakers,
  listenerDefaults,
  listenerNumbers,
  settle,
  type AllowedPeers,
  type ListenerOptions,
  type NumberKind,
} from "@gateway/sockets";

/** Settings of {@link makeServer}. */
export interface FastcgiOptions extends ListenerOptions {
  /** The variables of a request together, in bytes (default 64 KiB); more is answered with 431. */
  headerBytes?: number;
  /** From the beginning of a request to the end of its variables, in seconds (default 10); then it is answered with 408. */
  headerSeconds?: number;
  /** From a connection to its first record, in seconds (default 10): then it is closed. */
  silentSeconds?: number;
  /** How long a connection may wait for its next request, in seconds (default `Infinity`: front servers keep connections for later). */
  keepAliveSeconds?: number;
  /** The largest request body, in bytes (default `Infinity`); more is answered with 413. */
  maxBodyBytes?: number;
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. */
  maxReadBytes?: number;
  /** How fast a body must come, in bytes a second (default 500), over the time the server waits for it; else the read fails with 408. */
  bodyBytesPerSecond?: number;
  /** For how long a body may come more slowly, in seconds (default 5). */
  bodyGraceSeconds?: number;
  /** How long the front server may take nothing of what waits for it, in seconds (default 60): then the connection is cut. */
  writeStallSeconds?: number;
  /** From the variables of a request to the end of its response, in seconds (default 0: no limit): then 503, or it breaks off. */
  requestSeconds?: number;
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
  /** Prefixes at which SCRIPT_NAME + PATH_INFO is split again, for front servers that cannot split it (default: as it comes). */
  mounts?: readonly string[];
  /** `wsgi.multiprocess` (default false): whether other processes serve the same application. */
  multiprocess?: boolean;
}

/** The settings with their defaults. */
export interface Settings extends Given {
  readonly peers: AllowedPeers;
  readonly makers: EnvironMakers;
}

interface Given extends Readonly<Required<Omit<FastcgiOptions, "mounts" | "allowedAddresses">>> {
  readonly mounts: readonly string[] | undefined;
  readonly allowedAddresses: readonly string[] | undefined;
}

const defaults: Given = {
  ...listenerDefaults,
  headerBytes: 64 * 1024,
  headerSeconds: 10,
  silentSeconds: 10,
  keepAliveSeconds: Infinity,
  maxBodyBytes: Infinity,
  maxReadBytes: 16 * 1024 * 1024,
  bodyBytesPerSecond: 500,
  bodyGraceSeconds: 5,
  writeStallSeconds: 60,
  requestSeconds: 0,
  maxRequests: 100,
  multiplex: false,
  allowedAddresses: undefined,
  mounts: undefined,
  multiprocess: false,
};

const numbers: Readonly<Record<string, NumberKind>> = {
  ...listenerNumbers,
  headerBytes: "whole",
  headerSeconds: "number",
  silentSeconds: "number",
  keepAliveSeconds: "number",
  maxBodyBytes: "whole or endless",
  maxReadBytes: "whole",
  bodyBytesPerSecond: "number",
  bodyGraceSeconds: "number",
  writeStallSeconds: "number",
  requestSeconds: "number",
  maxRequests: "whole",
};

/**
 * The options with their defaults filled in.
 *
 * @param environment only `FCGI_WEB_SERVER_ADDRS` is read (FastCGI specification, section 3.2).
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function settingsOf(options: FastcgiOptions, environment: Readonly<Record<string, string | undefined>>): Settings {
  const settings = settle("makeServer", defaults, options, numbers);
  if (settings.maxRequests === 0) throw new RangeError("maxRequests is a whole number from 1");
  for (const name of ["multiplex", "multiprocess"] as const) {
    if (typeof settings[name] !== "boolean") throw new TypeError(`${name} is true or false`);
  }
  const { errors, multiprocess, allowedAddresses } = settings;
  const mounts = settings.mounts === undefined ? undefined : parseMounts(settings.mounts);
  return {
    ...settings,
    peers: allowedPeers(allowedAddresses ?? webServers(environment["FCGI_WEB_SERVER_ADDRS"])),
    makers: new EnvironMakers({ errors, multiprocess, runOnce: false, mounts }),
  };
}

function webServers(value: string | undefined): readonly string[] | undefined {
  return value === undefined || value === "" ? undefined : value.split(",").map((address) => address.trim());
}
