import type { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import type { ErrorStream, ExchangeAborted } from "@gateway/core";
import type { TlsFacts } from "./tls.ts";

/** A protocol that a {@link GatewayServer} speaks on the connections it accepts. */
export interface Protocol {
  /** Takes over a socket, which is paused; it is resumed afterwards. Half-closed sockets stay open for writing. */
  open(socket: Socket, accepted: Accepted): OpenConnection;
  /** One connection too many: says so, if the protocol can, and closes it. `undefined` closes it without a word. */
  readonly turnAway: ((socket: Socket, reason: string) => void) | undefined;
}

/** What a protocol is told of a connection that was accepted. */
export interface Accepted {
  readonly host: ConnectionHost;
  readonly facts: SocketFacts;
  /** On the clock of the host; before the handshake, where there is one. */
  readonly at: number;
  /** One request only, then it closes. */
  readonly serveOne: boolean;
}

/** What is the same for every request of a connection. */
export interface SocketFacts {
  /** The name or address that the server listens on. */
  readonly serverName: string;
  readonly serverPort: string;
  /** `""` on a Unix socket. */
  readonly remoteAddress: string;
  /** `undefined` on a Unix socket. */
  readonly remotePort: string | undefined;
  /** What TLS knows of the client; `undefined` where there is none. */
  readonly tls: TlsFacts | undefined;
}

/** What a connection asks of its server. */
export interface ConnectionHost {
  /** No further request is to be served on any connection. */
  readonly stopping: boolean;
  /** Milliseconds on the clock of `performance.now()`, as of the last second: nobody asks the system once a request. */
  readonly now: number;
  /** A request was refused: tells whoever wants to know. */
  refused(request: RefusedRequest): void;
  /** An error that nobody else can be told of goes to the log. */
  report(error: unknown): void;
  /** The socket has closed. */
  closed(connection: OpenConnection): void;
}

/** A connection, as its server sees it. */
export interface OpenConnection {
  /** Once a second: the time for deadlines. @param sinceLast milliseconds since it was called last. */
  tick(sinceLast: number): void;
  /** The server stops: what is idle may go on for so many seconds. */
  stop(idleSeconds: number): void;
  /** Ends it now; a response under way is given up. */
  cut(reason: ExchangeAborted): void;
}

/** A request that the server answered itself, for the log. Nothing in it was chosen by the client but its address. */
export interface RefusedRequest {
  /** The status it was answered with (for HTTP: 400, 408, 413, 414, 417, 431, 501, 503 or 505); 0 where none could be. */
  readonly code: number;
  /** What was wrong, with the section of the standard where there is one. */
  readonly reason: string;
  readonly remoteAddress: string;
}

/** The settings that every server has. */
export interface ListenerOptions {
  /** How many connections may be open (default `Infinity`); one more is turned away. */
  maxConnections?: number;
  /** How long a stopping server lets idle connections send one more request, in seconds (default 0.5). */
  stopIdleSeconds?: number;
  /** How long {@link GatewayServer.shutdown} waits for requests under way, in seconds (default 30), before it cuts them. */
  shutdownSeconds?: number;
  /** How many connections may wait to be accepted (default 511); the system may take fewer. */
  backlog?: number;
  /** Where `wsgi.errors` goes (default: the standard error of the process). */
  errors?: ErrorStream;
  /** Told of each request that the server answered itself (default: nobody is). */
  onRefused?: (refused: RefusedRequest) => void;
}

/** The same with their defaults, and what only some protocols have. */
export interface ListenerSettings extends Readonly<Required<ListenerOptions>> {
  readonly tls: TlsOptions | undefined;
  /** What the handshake of TLS may take, in seconds. */
  readonly handshakeSeconds: number;
}
