import type { Socket } from "node:net";
import { connect } from "node:net";
import type { NumberKind } from "./settings.ts";
import { checkNumbers } from "./settings.ts";

/** Where a server listens. */
export type ConnectTo = { readonly host?: string; readonly port: number } | { readonly path: string };

/** How long a client waits, how much it takes, and how many connections it opens. Times are looked at once a second. */
export interface ClientLimits {
  /** How long a connection may take to be made, in seconds (default 10). */
  connectSeconds?: number;
  /** How long the server may take for the head of its response once it has the whole request, in seconds (default 60). */
  answerSeconds?: number;
  /** How long the server may take and give nothing while the client waits for it, in seconds (default 60). */
  idleSeconds?: number;
  /** The head of a response, in bytes (default 64 KiB); more is an error. */
  headBytes?: number;
  /** How many headers a response may have (default 256); more is an error. */
  headerCount?: number;
  /** How many connections may be open at once (default `Infinity`; 128 for applications); what is more waits for one. */
  maxConnections?: number;
  /** How many requests may wait for a connection (default 1024); more are rejected. */
  maxQueued?: number;
  /** How long a request may wait for a connection, in seconds (default 30). */
  queueSeconds?: number;
}

/** Settings of every client. */
export interface ClientOptions extends ClientLimits {
  /** Where the server listens: `{ host, port }` (the host is 127.0.0.1 by default), or `{ path }` for a Unix socket. */
  connect: ConnectTo;
}

/** The same with their defaults. */
export type ClientSettings = Readonly<Required<ClientOptions>>;

/** The defaults of the limits. */
export const clientLimitDefaults: Readonly<Required<ClientLimits>> = {
  connectSeconds: 10,
  answerSeconds: 60,
  idleSeconds: 60,
  headBytes: 64 * 1024,
  headerCount: 256,
  maxConnections: Infinity,
  maxQueued: 1024,
  queueSeconds: 30,
};

/** What kind of number each of them is. */
export const clientLimitNumbers: Readonly<Record<string, NumberKind>> = {
  connectSeconds: "number",
  answerSeconds: "number",
  idleSeconds: "number",
  headBytes: "whole",
  headerCount: "whole",
  maxConnections: "whole or endless",
  maxQueued: "whole or endless",
  queueSeconds: "number",
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
  const known: object = { connect: undefined, ...clientLimitDefaults, ...more.defaults };
  for (const name of Object.keys(options)) if (!Object.hasOwn(known, name)) throw new TypeError(`makeClient has no option ${name}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings = { ...clientLimitDefaults, ...more.defaults, ...Object.fromEntries(given) } as ClientSettings & Readonly<More>;
  checkNumbers({ ...clientLimitNumbers, ...more.numbers }, settings);
  if (settings.maxConnections === 0) throw new RangeError("maxConnections is a number from 1");
  checkAddress(settings.connect);
  return settings;
}

/**
 * Where a server listens, written as one text: `"127.0.0.1:9000"`, `"[::1]:9000"`, `"/run/app.sock"` or `"unix:/run/app.sock"`. What is an
 * address already is given back.
 *
 * @throws {TypeError} for what is neither.
 */
export function parseConnectTo(given: string | ConnectTo): ConnectTo {
  if (typeof given !== "string") {
    checkAddress(given);
    return given;
  }
  const path = given.startsWith("unix:") ? given.slice(5) : given;
  if (path.startsWith("/")) return { path };
  const [, address, name, port = ""] = /^(?:\[([\w.:%]+)\]|([\w.-]+)):([0-9]{1,5})$/.exec(given) ?? [];
  const to = { host: address ?? name ?? "", port: Number(port) };
  if (to.host === "" || to.port === 0 || to.port > 65_535)
    throw new TypeError(`a socket is "host:port", or the path of a Unix socket, not ${JSON.stringify(given)}`);
  return to;
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
