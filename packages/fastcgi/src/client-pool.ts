import {
  ClientClock,
  ClientError,
  WaitingQueue,
  type GatewayClient,
  type GatewayRequest,
  type GatewayResponse,
} from "@gateway/sockets";
import { ClientConnection, type ConnectionPool } from "./client-connection.ts";
import { ClientExchange } from "./client-exchange.ts";
import { clientSettingsOf, type FastcgiClientOptions, type FastcgiClientSettings } from "./client-options.ts";

/**
 * Makes a client of a FastCGI server, which keeps connections for the next request and, where it is told to, runs several on one.
 *
 * A request without a body and with a safe method is sent a second time, on a new connection, where one that was kept turns out to be closed
 * before a byte of the response came.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function makeClient(options: FastcgiClientOptions): GatewayClient {
  return new ClientPool(clientSettingsOf(options));
}

/** The connections to one server. */
class ClientPool implements GatewayClient, ConnectionPool {
  readonly settings: FastcgiClientSettings;
  readonly clock = new ClientClock();
  readonly #connections = new Set<ClientConnection>();
  /** What waits for a connection. */
  readonly #queue: WaitingQueue<ClientExchange>;
  #isClosed = false;
  /** The server has answered a second request on a connection. Some close each, whatever they are asked for, and just behind the answer. */
  keeps = false;

  constructor(settings: FastcgiClientSettings) {
    this.settings = settings;
    this.#queue = new WaitingQueue(settings, this.clock);
  }

  async request(request: GatewayRequest): Promise<GatewayResponse> {
    if (this.#isClosed) throw new ClientError("CLOSED", "the client was closed");
    const exchange = new ClientExchange(request, this);
    this.#place(exchange);
    return exchange.response;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.clear(new ClientError("CLOSED", "the client was closed"));
    for (const connection of this.#connections) connection.retire();
  }

  #place(exchange: ClientExchange): void {
    const free = this.#freeFor(exchange);
    if (free !== undefined) return free.begin(exchange);
    if (this.#connections.size >= this.settings.maxConnections) {
      const idle = Array.from(this.#connections).find((connection) => connection.isIdle);
      // It takes the place of one that it cannot have.
      if (idle === undefined) return this.#queue.add(exchange);
      idle.retire();
    }
    const connection = new ClientConnection(this);
    this.#connections.add(connection);
    connection.begin(exchange);
  }

  /** The one that was used last: the others may then grow old and be closed. What cannot be repeated goes only where that is safe. */
  #freeFor(exchange: ClientExchange): ClientConnection | undefined {
    let found: ClientConnection | undefined;
    for (const connection of this.#connections)
      if (connection.hasRoom && (this.keeps || exchange.mayRepeat || connection.isSure)) found = connection;
    return found;
  }

  // What connections and exchanges ask.

  again(exchange: ClientExchange): void {
    if (this.#isClosed) return exchange.fail(new ClientError("CLOSED", "the client was closed"));
    // The server has closed one that was kept, and so perhaps all of them.
    for (const connection of this.#connections) if (connection.isIdle) connection.retire();
    this.#place(exchange);
  }

  forget(exchange: ClientExchange): void {
    this.#queue.delete(exchange);
  }

  freed(connection: ClientConnection): void {
    if (this.#isClosed) return connection.retire();
    // A server with a worker for each connection may not have taken that other one, and would not while this one is kept.
    if (this.#queue.size === 0 && connection.isIdle && this.#isWaiting()) return connection.retire();
    // Its place is now behind those that have been idle for longer.
    this.#connections.delete(connection);
    this.#connections.add(connection);
    this.#goOn();
  }

  closed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#goOn();
  }

  #hasRoom(): boolean {
    for (const connection of this.#connections) if (connection.hasRoom) return true;
    return false;
  }

  /** Has a server not said anything yet on one of its connections? */
  #isWaiting(): boolean {
    for (const connection of this.#connections) if (connection.isUnproven) return true;
    return false;
  }

  /** Gives those that wait what has become free. */
  #goOn(): void {
    while (this.#queue.size > 0) {
      if (this.#connections.size >= this.settings.maxConnections && !this.#hasRoom()) return;
      const exchange = this.#queue.shift();
      if (exchange !== undefined) this.#place(exchange);
    }
  }
}
