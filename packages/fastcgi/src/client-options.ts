import { clientSettings, type ClientOptions, type ClientSettings } from "@gateway/sockets";

/** Settings of {@link makeClient}. */
export interface FastcgiClientOptions extends ClientOptions, Partial<OfFastcgi> {}

/** What only this client has. */
interface OfFastcgi {
  /**
   * Whether connections are kept for the next request (`FCGI_KEEP_CONN`, default true). In PHP-FPM each connection has a worker: one is kept
   * only while no other has still to get the first byte of its answer, for that may be waiting for a worker.
   */
  keepAlive: boolean;
  /** How long a connection may wait for its next request, in seconds (default 30). */
  keepAliveSeconds: number;
  /**
   * How many requests may run on one connection at once (default 1). Few servers can do more (`FCGI_MPXS_CONNS`), and a response that is not
   * read holds up the others on its connection: the protocol has no flow control.
   */
  multiplex: number;
  /** Told of what the server writes to its standard error, unless a request has its own (default: nobody is). Latin-1. */
  onErrors: (text: string) => void;
}

/** The settings with their defaults. */
export type FastcgiClientSettings = ClientSettings & Readonly<OfFastcgi>;

/** @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense. */
export function clientSettingsOf(options: FastcgiClientOptions): FastcgiClientSettings {
  const settings = clientSettings<OfFastcgi>(options, {
    defaults: { keepAlive: true, keepAliveSeconds: 30, multiplex: 1, onErrors() {} },
    numbers: { keepAliveSeconds: "number", multiplex: "whole" },
  });
  if (typeof settings.keepAlive !== "boolean") throw new TypeError("keepAlive is true or false");
  if (typeof settings.onErrors !== "function") throw new TypeError("onErrors is a function");
  if (settings.multiplex === 0) throw new RangeError("multiplex is a number from 1");
  if (settings.multiplex > 65_535) throw new RangeError("multiplex is at most 65535: a request has an id of two bytes");
  return settings;
}
