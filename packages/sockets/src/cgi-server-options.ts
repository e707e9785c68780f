import { parseMounts } from "@gateway/core/gateway";
import { allowedPeers, type AllowedPeers } from "./allowed-peers.ts";
import { EnvironMakers } from "./environ-makers.ts";
import type { ListenerOptions } from "./protocol.ts";
import { listenerDefaults, listenerNumbers, settle, type NumberKind } from "./settings.ts";

/** Settings that the servers of all protocols have whose requests are variables of CGI: FastCGI, SCGI and uwsgi. */
export interface CgiServerOptions extends ListenerOptions {
  /** The variables of a request together, in bytes (default 64 KiB, the most that front servers send); more is answered with 431. */
  headerBytes?: number;
  /** From the beginning of a request to the end of its variables, in seconds (default 10); then it is answered with 408. */
  headerSeconds?: number;
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
  /** Front servers that may connect, as addresses or networks like `"10.0.0.0/8"` (default: whoever can); Unix sockets have file modes. */
  allowedAddresses?: readonly string[];
  /** Prefixes at which SCRIPT_NAME + PATH_INFO is split again, for front servers that cannot split it (default: as it comes). */
  mounts?: readonly string[];
  /** `wsgi.multiprocess` (default false): whether other processes serve the same application. */
  multiprocess?: boolean;
}

/** The same with their defaults. */
export interface CgiServerSettings extends Readonly<Required<Omit<CgiServerOptions, "mounts" | "allowedAddresses">>> {
  readonly mounts: readonly string[] | undefined;
  readonly allowedAddresses: readonly string[] | undefined;
}

/** The defaults of these settings. */
export const cgiServerDefaults: CgiServerSettings = {
  ...listenerDefaults,
  headerBytes: 64 * 1024,
  headerSeconds: 10,
  maxBodyBytes: Infinity,
  maxReadBytes: 16 * 1024 * 1024,
  bodyBytesPerSecond: 500,
  bodyGraceSeconds: 5,
  writeStallSeconds: 60,
  requestSeconds: 0,
  allowedAddresses: undefined,
  mounts: undefined,
  multiprocess: false,
};

const numbers: Readonly<Record<string, NumberKind>> = {
  ...listenerNumbers,
  headerBytes: "whole",
  headerSeconds: "number",
  maxBodyBytes: "whole or endless",
  maxReadBytes: "whole",
  bodyBytesPerSecond: "number",
  bodyGraceSeconds: "number",
  writeStallSeconds: "number",
  requestSeconds: "number",
};

/** What the settings of a server say of every connection: who may connect, and how environs are made. */
export interface CgiServerParts {
  readonly peers: AllowedPeers;
  readonly makers: EnvironMakers;
}

/**
 * The options of such a server with their defaults filled in, and checked.
 *
 * @param defaults with what only this server has.
 * @param ownNumbers what kind the numbers are that only this server has.
 * @param addresses that may connect where no option says so.
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function settleCgiServer<Settings extends CgiServerSettings>(
  defaults: Settings,
  options: object,
  ownNumbers: Readonly<Record<string, NumberKind>> = {},
  addresses?: readonly string[],
): Settings & CgiServerParts {
  const settings = settle("makeServer", defaults, options, { ...numbers, ...ownNumbers });
  const { errors, multiprocess, mounts, allowedAddresses } = settings;
  if (typeof multiprocess !== "boolean") throw new TypeError("multiprocess is true or false");
  return {
    ...settings,
    peers: allowedPeers(allowedAddresses ?? addresses),
    makers: new EnvironMakers({
      errors,
      multiprocess,
      runOnce: false,
      mounts: mounts === undefined ? undefined : parseMounts(mounts),
    }),
  };
}
