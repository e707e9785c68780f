import { connect as connectTo } from "node:net";
import type { Duplex } from "node:stream";
import type { ApplicationLike } from "@gateway/core";
import { exchangeOver } from "./http-client.ts";
import type { RunningTransport, Transport, TransportHooks } from "./types.ts";

/** Where a gateway listens: an address, or a function that makes a connection (TLS, say). */
export type ConnectTo =
  | { readonly host?: string; readonly port: number }
  | { readonly path: string }
  | (() => Duplex | Promise<Duplex>);

/** A gateway that listens. */
export interface Listening {
  readonly connect: ConnectTo;
  /** Stops it; resolves when nothing is left of it. */
  close(): Promise<void>;
}

/** Settings of {@link httpTransport}. */
export interface HttpTransportOptions {
  /** Shown in the names of the tests. */
  name: string;
  /** Cases that this gateway cannot carry, by name, each with the reason (default: none). */
  lacks?: Readonly<Record<string, string>>;
  /** Serves an application, on a port or socket of its own. What is written to `wsgi.errors` goes to `hooks.errors`. */
  listen(app: ApplicationLike, hooks: TransportHooks): Promise<Listening>;
}

/**
 * Runs the table over HTTP/1.1: any gateway that a client reaches so, directly or behind another server. Each request goes over a
 * connection of its own with `Connection: close`, as raw bytes, and the response is read strictly to the end of the connection.
 *
 * A client that leaves resets its connection on plain TCP, and closes it on Unix sockets and TLS, which have no reset. A gateway that
 * takes that close for half of one lacks the cases where the client leaves before the response begins.
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  return {
    name: options.name,
    lacks: options.lacks,
    async start(app, hooks): Promise<RunningTransport> {
      const listening = await options.listen(app, hooks);
      return {
        send: async (request) => exchangeOver(await open(listening.connect), request),
        stop: () => listening.close(),
      };
    },
  };
}

function open(target: ConnectTo): Duplex | Promise<Duplex> {
  if (typeof target === "function") return target();
  const socket = "path" in target ? connectTo(target.path) : connectTo(target.port, target.host ?? "127.0.0.1");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
