import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ClientError, resetConnection, SocketOutput, type BodyTarget, type Ticking } from "@gateway/sockets";
import type { HttpExchange } from "./http-exchange.ts";
import type { HttpPool } from "./http-pool.ts";

/** What may wait of a body that nobody reads: then the server has to wait. */
const maxWaitingBytes = 64 * 1024;
/** Chunks up to this length go out in one string with their framing. */
const joinBytes = 4 * 1024;

/** A connection to a back end: one request after the other. */
export class HttpConnection implements Ticking {
  readonly #pool: HttpPool;
  readonly #socket: Socket;
  readonly #output: SocketOutput;
  /** The end of a response is told by a reset from an orderly one only here. */
  readonly #isTcp: boolean;
  readonly #isTls: boolean;
  #exchange: HttpExchange | undefined;
  #isConnected = false;
  #isClosed = false;
  #hasServed = false;
  /** Milliseconds: since it was begun, until it is there; then those without a request. */
  #waited = 0;
  /** How long it may wait for a request. */
  #keptSeconds = 0;

  /** @param exchange the first that runs on it. */
  constructor(pool: HttpPool, exchange: HttpExchange) {
    this.#pool = pool;
    this.#exchange = exchange;
    const { origin, tls } = pool;
    this.#isTls = origin.tls;
    this.#isTcp = !origin.tls && "port" in origin.connect;
    const to = { ...origin.connect, allowHalfOpen: true, noDelay: true };
    const socket = origin.tls ? connectTls({ ...tls, ...to, ALPNProtocols: ["http/1.1"] }) : connect(to);
    this.#socket = socket;
    this.#output = new SocketOutput(socket, { now: 0 });
    socket.once(origin.tls ? "secureConnect" : "connect", () => this.#connected());
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.#lose(error));
    socket.on("close", () => this.#lose(undefined));
    pool.clock.add(this);
  }

  get isIdle(): boolean {
    return this.#exchange === undefined;
  }

  /** The server has not closed it so far, though it had the time to. */
  get isSure(): boolean {
    return this.#waited > 0;
  }

  /** The next request. It was kept, so it is connected. */
  begin(exchange: HttpExchange): void {
    this.#exchange = exchange;
    this.#socket.ref();
    this.#send(exchange);
  }

  #connected(): void {
    this.#isConnected = true;
    this.#waited = 0;
    if (this.#exchange !== undefined) this.#send(this.#exchange);
  }

  #send(exchange: HttpExchange): void {
    this.#output.send(exchange.request.head);
    exchange.placed(this, this.#bodyOf(exchange));
  }

  #bodyOf(exchange: HttpExchange): BodyTarget {
    const output = this.#output;
    const isChunked = exchange.request.length === undefined;
    return {
      send: (chunk) => {
        if (this.#isClosed || this.#exchange !== exchange) return;
        if (isChunked) output.sendChunk(`${chunk.byteLength.toString(16)}\r\n`, chunk, "\r\n", joinBytes);
        else output.sendChunk("", chunk, "", joinBytes);
        if (!output.isFull) return;
        return output.whenRoom().then(() => exchange.progressed());
      },
      sent: () => {
        if (this.#isClosed || this.#exchange !== exchange) return;
        if (isChunked) output.send("0\r\n\r\n");
        exchange.bodySent();
      },
      failed: (error) => exchange.giveUp(error),
    };
  }

  /** Nobody wants the response any more. */
  abandon(exchange: HttpExchange): void {
    if (this.#exchange === exchange) this.#leave();
  }

  /** Less waits to be read. */
  taken(): void {
    if (this.#socket.isPaused() && (this.#exchange?.waitingBytes ?? 0) <= maxWaitingBytes / 2) this.#socket.resume();
  }

  // The response.

  #received(chunk: Buffer): void {
    if (this.#isClosed) return;
    const exchange = this.#exchange;
    // Nobody asked for this: it must not become the beginning of the next response.
    if (exchange === undefined || !this.#isConnected) return this.#leave();
    if (this.#hasServed) this.#pool.keeps = true;
    let rest: Buffer;
    try {
      rest = exchange.push(chunk);
    } catch (error) {
      return exchange.giveUp(error);
    }
    // The body of a response can be given up by whoever is told of its head.
    if (this.#exchange !== exchange) return;
    if (exchange.isOver) return this.#finished(exchange, rest);
    if (exchange.waitingBytes > maxWaitingBytes) this.#socket.pause();
  }

  #finished(exchange: HttpExchange, rest: Buffer): void {
    this.#exchange = undefined;
    this.#hasServed = true;
    exchange.detached();
    const { keepAlive, keepAliveSeconds } = this.#pool.settings;
    this.#keptSeconds = Math.min(keepAliveSeconds, exchange.keptSeconds);
    if (!keepAlive || this.#keptSeconds <= 0 || rest.length > 0 || this.#socket.readableEnded) return this.#close();
    this.#waited = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
    // It must not keep a process that has nothing else to do.
    this.#socket.unref();
    this.#pool.freed(this);
  }

  /** The libuv of Node.js before 26 reports a reset that comes close behind the last bytes as an orderly end; a write of nothing fails then. */
  #ended(): void {
    const exchange = this.#exchange;
    if (this.#isClosed || exchange === undefined || !exchange.endsWithConnection || !this.#isTcp) return this.#endResponse();
    this.#socket.write("", (error) => {
      if (error) this.#lose(error);
      else this.#endResponse();
    });
  }

  #endResponse(): void {
    const exchange = this.#exchange;
    if (this.#isClosed) return;
    if (exchange === undefined || !exchange.endsWithConnection) return this.#lose(undefined);
    try {
      exchange.ended();
    } catch (error) {
      return exchange.giveUp(error);
    }
    exchange.detached();
    this.#close();
  }

  // Time, and the end.

  tick(sinceLast: number): void {
    if (this.#exchange !== undefined && this.#isConnected) return this.#exchange.tick(sinceLast, !this.#socket.isPaused());
    this.#waited += sinceLast;
    if (this.#isConnected) {
      if (this.#waited > this.#keptSeconds * 1000) this.#close();
      return;
    }
    const { connectSeconds } = this.#pool.settings;
    if (this.#waited > connectSeconds * 1000)
      this.#break(new ClientError("CONNECT_TIME_LIMIT", `the server cannot be reached in ${connectSeconds} seconds`));
  }

  #lose(error: Error | undefined): void {
    const cause = error === undefined ? undefined : { cause: error };
    if (this.#isConnected) this.#break(new ClientError("TRUNCATED", "the connection ended before the response was whole", cause));
    else this.#break(new ClientError("CONNECT_FAILED", "the server cannot be reached", cause));
  }

  #break(error: ClientError): void {
    if (this.#isClosed) return;
    const exchange = this.#exchange;
    if (this.#hasServed && exchange !== undefined) this.#pool.keeps = false;
    this.#close();
    exchange?.lost(error, this.#hasServed);
  }

  /** So that the server sees that nobody is there any more. */
  #leave(): void {
    if (this.#isClosed) return;
    if (!this.#isTls) resetConnection(this.#socket);
    this.#close();
  }

  /** No request runs on it, or none any more. */
  close(): void {
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#exchange = undefined;
    this.#output.closed();
    this.#pool.clock.delete(this);
    this.#socket.destroy();
    this.#pool.closed(this);
  }
}
