import type { Socket } from "node:net";
import { connect } from "node:net";
import type { NumberKind } from "./settings.ts";
import { checkNumbers } from "./settings.ts";

/** Where a server listens. */
export type ConnectTo = { readonly host?: string; readonly port: number } | { readonly path: string };

/** Settings of every client. */
export interface ClientOptions {
  /** Where the server listens: `{ host, port }` (the host is 127.0.0.1 by default), or `{ path }` for a Unix socket. */
  connect: ConnectTo;
  /** How long a connection may take to be made, in seconds (default 10). */
  connectSeconds?: number;
  /** How long the server may take and give nothing while the client waits for it, in seconds (default 60). */
  idleSeconds?: number;
  /** The head of a response, in bytes (default 64 KiB); more is an error. */
  headBytes?: number;
  /** How many headers a response may have (default 256); more is an error. */
  headerCount?: number;
}

/** The same with their defaults. */
export type ClientSettings = Readonly<Required<ClientOptions>>;

const defaults = { connectSeconds: 10, idleSeconds: 60, headBytes: 64 * 1024, headerCount: 256 };

const numbers: Readonly<Record<string, NumberKind>> = {
  connectSeconds: "number",
  idleSeconds: "number",
  headBytes: "whole",
  headerCount: "whole",
};

/**
 * The options of a client with their defaults filled in, and checked.
 *
 * @param more what only this client has, with its defaults, and what kind its numbers are.
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function clientSettings<More extends object>(
  options: ClientOptions & Partial<More>,
  more: { readonly defaults: More; readonly numbers: Readonly<Record<string, NumberKind>> },
): ClientSettings & Readonly<More> {
  const known: object = { connect: undefined, ...defaults, ...more.defaults };
  for (const name of Object.keys(options)) if (!Object.hasOwn(known, name)) throw new TypeError(`makeClient has no option ${name}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings = { ...defaults, ...more.defaults, ...Object.fromEntries(given) } as ClientSettings & Readonly<More>;
  checkNumbers({ ...numbers, ...more.numbers }, settings);
  checkAddress(settings.connect);
  return settings;
}

/** Begins to connect. A half-closed socket stays open for writing. */
export function open(to: ConnectTo): Socket {
  const options = "path" in to ? { path: to.path } : { host: to.host ?? "127.0.0.1", port: to.port };
  return connect({ ...options, allowHalfOpen: true, noDelay: true });
}

function checkAddress(to: unknown): void {
  const { host, port, path } = (typeof to === "object" && to !== null ? to : {}) as Record<string, unknown>;
  const isUnix = typeof path === "string" && path !== "" && port === undefined;
  const isTcp = Number.isInteger(port) && Number(port) > 0 && Number(port) <= 65_535 && path === undefined;
  if (!isUnix && !(isTcp && (host === undefined || (typeof host === "string" && host !== ""))))
    throw new TypeError("connect is { host, port } or { path }: where the server listens");
}
