import type { ConnectionOptions } from "node:tls";
import { isIP } from "node:net";
import { ClientClock, ClientError, WaitingQueue, type ClientOf, type GatewayResponse } from "@gateway/sockets";
import { HttpConnection } from "./http-connection.ts";
import { HttpExchange, type HttpRequest } from "./http-exchange.ts";
import type { PoolSettings } from "./options.ts";
import type { Origin } from "./origin.ts";

/** The connections to one server. */
export class HttpPool implements ClientOf<HttpRequest> {
  readonly origin: Origin;
  readonly settings: PoolSettings;
  readonly tls: ConnectionOptions;
  readonly clock: ClientClock = new ClientClock();
  /** Those that wait for a request; the one that was used last is last. */
  readonly #idle: HttpConnection[] = [];
  readonly #queue: WaitingQueue<HttpExchange>;
  /** The server has answered a second request on a connection. Some close each just behind the answer, and do not say so before. */
  keeps = false;
  #open = 0;
  #isClosed = false;

  constructor(origin: Origin, settings: PoolSettings) {
    this.origin = origin;
    this.settings = settings;
    const { connect } = origin;
    // An address is no name that could be asked for (RFC 6066, section 3).
    const named = "host" in connect && isIP(connect.host) === 0 ? { servername: connect.host } : {};
    this.tls = { ...named, ...settings.tls };
    this.#queue = new WaitingQueue(settings, this.clock);
  }

  async request(request: HttpRequest): Promise<GatewayResponse> {
    if (this.#isClosed) throw new ClientError("CLOSED", "the client was closed");
    const exchange = new HttpExchange(request, this);
    this.#place(exchange);
    return exchange.response;
  }

  /** Those under way are finished. */
  close(): void {
    this.#isClosed = true;
    this.#queue.clear(new ClientError("CLOSED", "the client was closed"));
    this.#closeIdle();
  }

  #place(exchange: HttpExchange): void {
    const kept = this.#keptFor(exchange);
    if (kept !== undefined) return kept.begin(exchange);
    // It takes the place of one that it cannot have.
    if (this.#open >= this.settings.maxConnections) this.#idle[0]?.close();
    if (this.#open < this.settings.maxConnections) this.#connect(exchange);
    else this.#queue.add(exchange);
  }

  /** The one that was used last: the others may then grow old and be closed. What cannot be repeated goes only where that is safe. */
  #keptFor(exchange: HttpExchange): HttpConnection | undefined {
    if (this.keeps || exchange.mayRepeat) return this.#idle.pop();
    const at = this.#idle.findLastIndex((connection) => connection.isSure);
    return at === -1 ? undefined : this.#idle.splice(at, 1)[0];
  }

  #connect(exchange: HttpExchange): void {
    this.#open++;
    // It is heard of again when it has closed.
    void new HttpConnection(this, exchange);
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  // What connections and exchanges ask.

  /** Sends a request once more, on a new connection. */
  again(exchange: HttpExchange): void {
    if (this.#isClosed) return exchange.fail(new ClientError("CLOSED", "the client was closed"));
    // The server has closed one that was kept, and so perhaps all of them.
    this.#closeIdle();
    this.#place(exchange);
  }

  /** It waits for a connection no longer. */
  forget(exchange: HttpExchange): void {
    this.#queue.delete(exchange);
  }

  /** A connection can take another request. */
  freed(connection: HttpConnection): void {
    if (this.#isClosed) return connection.close();
    this.#idle.push(connection);
    const next = this.#queue.shift();
    if (next !== undefined) this.#place(next);
  }

  closed(connection: HttpConnection): void {
    this.#open--;
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (this.#isClosed) return;
    const next = this.#queue.shift();
    if (next !== undefined) this.#place(next);
  }
}
