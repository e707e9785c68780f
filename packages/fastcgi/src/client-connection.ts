import type { Socket } from "node:net";
import type { CgiVariables } from "@gateway/core/gateway";
import {
  ClientError,
  open,
  resetConnection,
  SocketOutput,
  type BodyTarget,
  type ClientClock,
  type Ticking,
} from "@gateway/sockets";
import type { ClientExchange } from "./client-exchange.ts";
import type { FastcgiClientSettings } from "./client-options.ts";
import { formatNameValues } from "./name-values.ts";
import {
  keepConnection,
  maxContentBytes,
  ProtocolStatus,
  record,
  RecordReader,
  recordHeader,
  RecordType,
  responder,
} from "./records.ts";
import type { RecordListener } from "./records.ts";

/** What connections and exchanges ask of their client. */
export interface ConnectionPool {
  readonly settings: FastcgiClientSettings;
  readonly clock: ClientClock;
  /** The server keeps connections. */
  keeps: boolean;
  /** Sends the request once more. */
  again(exchange: ClientExchange): void;
  /** It waits for a connection no longer. */
  forget(exchange: ClientExchange): void;
  /** There is room on the connection. */
  freed(connection: ClientConnection): void;
  closed(connection: ClientConnection): void;
}

/** What may wait of all responses of a connection while nobody reads them: then the server has to wait. */
const maxWaitingBytes = 128 * 1024;
const joinBytes = 4 * 1024;

/** A connection of a client: one request after the other, or several at once. */
export class ClientConnection implements RecordListener, Ticking {
  readonly #pool: ConnectionPool;
  readonly #socket: Socket;
  readonly #output: SocketOutput;
  readonly #reader = new RecordReader(this);
  /** By id; those that were given up stay until the server has ended them, so that their ids are not used again. */
  readonly #exchanges = new Map<number, ClientExchange>();
  #isConnected = false;
  /** Something has come from the server. */
  #hasReceived = false;
  #hasServed = false;
  /** No further request. */
  #isLast = false;
  #isClosed = false;
  /** Milliseconds since it was begun, until it is there; then those without a request. */
  #waited = 0;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
    const socket = open(pool.settings.connect);
    this.#socket = socket;
    this.#output = new SocketOutput(socket, { now: 0 });
    socket.once("connect", () => this.#connected());
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    // A server that closes its side takes no request any more, and its answers end here.
    socket.on("end", () => this.#lose(undefined));
    socket.on("error", (error) => this.#lose(error));
    socket.on("close", () => this.#lose(undefined));
    pool.clock.add(this);
  }

  /** One request more may run on it. */
  get hasRoom(): boolean {
    return !this.#isLast && this.#exchanges.size < this.#pool.settings.multiplex;
  }

  /** The server has not closed it so far, though it had the time to. */
  get isSure(): boolean {
    return !this.#hasServed || this.#exchanges.size > 0 || this.#waited > 0;
  }

  get isIdle(): boolean {
    return this.#exchanges.size === 0;
  }

  /** It has not been seen whether the server has taken the connection. */
  get isUnproven(): boolean {
    return !this.#hasReceived && this.#exchanges.size > 0;
  }

  #connected(): void {
    this.#isConnected = true;
    this.#waited = 0;
    for (const [id, exchange] of this.#exchanges) this.#sendBody(id, exchange);
  }

  begin(exchange: ClientExchange): void {
    const id = this.#freeId();
    this.#exchanges.set(id, exchange);
    this.#socket.ref();
    exchange.placed(this);
    const flags = this.#pool.settings.keepAlive ? keepConnection : 0;
    if (flags === 0) this.#isLast = true;
    const begin = record(RecordType.beginRequest, id, String.fromCharCode(0, responder, flags, 0, 0, 0, 0, 0));
    const noBody = exchange.outgoing === undefined ? recordHeader(RecordType.stdin, id, 0) : "";
    this.#output.send(begin + paramsRecords(id, exchange.variables) + noBody);
    // Not before: where no connection is made, the request may still go somewhere else.
    if (this.#isConnected) this.#sendBody(id, exchange);
  }

  #sendBody(id: number, exchange: ClientExchange): void {
    void exchange.outgoing?.sendTo(this.#bodyOf(id, exchange));
  }

  /** Nobody wants the response any more. */
  abandon(exchange: ClientExchange): void {
    for (const [id, one] of this.#exchanges) {
      if (one !== exchange) continue;
      const isAlone = this.#pool.settings.multiplex === 1;
      // A Unix socket has no reset: there the end of the connection alone says nothing.
      if (!isAlone || "path" in this.#pool.settings.connect) this.#output.send(recordHeader(RecordType.abortRequest, id, 0));
      // Alone on its connection it ends with it; beside others it has still to be ended by the server.
      if (isAlone) return this.#leave();
      this.taken();
    }
  }

  /** Less waits to be read. */
  taken(): void {
    if (this.#socket.isPaused() && this.#waitingBytes <= maxWaitingBytes / 2) this.#socket.resume();
  }

  /**
   * No further request; those under way are finished. Also where the server answers what it was not asked: the rest of that must not become the
   * beginning of an answer.
   */
  retire(): void {
    this.#isLast = true;
    if (this.#exchanges.size === 0) this.#close();
  }

  #freeId(): number {
    let id = 1;
    while (this.#exchanges.has(id)) id++;
    return id;
  }

  #bodyOf(id: number, exchange: ClientExchange): BodyTarget {
    const output = this.#output;
    return {
      send: (chunk) => {
        if (this.#isClosed) return;
        for (let at = 0; at < chunk.byteLength; at += maxContentBytes) {
          const part = chunk.subarray(at, at + maxContentBytes);
          output.sendChunk(recordHeader(RecordType.stdin, id, part.byteLength), part, "", joinBytes);
        }
        if (!output.isFull) return;
        return output.whenRoom().then(() => exchange.progressed());
      },
      sent: () => {
        if (!this.#isClosed) output.send(recordHeader(RecordType.stdin, id, 0));
        exchange.progressed();
      },
      failed: (error) => {
        exchange.fail(error);
        this.abandon(exchange);
      },
    };
  }

  // Records.

  #received(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#hasReceived = true;
    if (this.#hasServed && this.#exchanges.size > 0) this.#pool.keeps = true;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      return this.#break(new ClientError("MALFORMED", "what the server sent is no FastCGI", { cause: error }));
    }
    if (this.#waitingBytes > maxWaitingBytes) this.#socket.pause();
  }

  piece(type: number, id: number, bytes: Buffer, from: number, end: number): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined && type === RecordType.stdout) this.retire();
    if (exchange === undefined || exchange.isOver) return;
    exchange.progressed();
    if (type === RecordType.stderr) return exchange.onErrors(bytes.toString("latin1", from, end));
    if (type !== RecordType.stdout) return;
    try {
      exchange.incoming.push(bytes.subarray(from, end));
    } catch (error) {
      exchange.fail(error);
      this.abandon(exchange);
    }
  }

  streamEnded(): void {}

  record(type: number, id: number, bytes: Buffer, from: number, end: number): void {
    const exchange = this.#exchanges.get(id);
    if (type !== RecordType.endRequest || this.#isClosed) return;
    if (exchange === undefined) return this.retire();
    this.#exchanges.delete(id);
    this.#hasServed = true;
    // The rest of its body is not sent; a server might take it for something else.
    if (exchange.outgoing?.isOver === false) this.#isLast = true;
    this.#end(exchange, bytes.subarray(from, end));
    this.taken();
    if (this.#exchanges.size > 0) return this.#pool.freed(this);
    this.#waited = 0;
    if (this.#isLast) return this.#close();
    // It must not keep a process that has nothing else to do.
    this.#socket.unref();
    this.#pool.freed(this);
  }

  #end(exchange: ClientExchange, content: Buffer): void {
    if (content.length < 8) return exchange.fail(new ClientError("MALFORMED", "an END_REQUEST is too short"));
    const appStatus = content.readUInt32BE(0);
    switch (content.readUInt8(4)) {
      case ProtocolStatus.complete:
        if (appStatus === 0) return exchange.finish();
        return exchange.fail(new ClientError("TRUNCATED", `the application broke off: its status is ${appStatus}`));
      case ProtocolStatus.overloaded:
        return exchange.fail(new ClientError("OVERLOADED", "the server has too many requests already"));
      case ProtocolStatus.cannotMultiplex:
        return exchange.fail(new ClientError("REFUSED", "the server takes one request at a time: multiplex is 1 for it"));
      default:
        return exchange.fail(new ClientError("REFUSED", "the server is no responder"));
    }
  }

  get #waitingBytes(): number {
    let bytes = 0;
    for (const exchange of this.#exchanges.values()) bytes += exchange.incoming.waitingBytes;
    return bytes;
  }

  // Time, and the end.

  tick(sinceLast: number): void {
    const { connectSeconds, keepAliveSeconds } = this.#pool.settings;
    if (!this.#isConnected) {
      this.#waited += sinceLast;
      if (this.#waited > connectSeconds * 1000)
        this.#break(new ClientError("CONNECT_TIME_LIMIT", `the server cannot be reached in ${connectSeconds} seconds`));
      return;
    }
    if (this.#exchanges.size === 0) {
      this.#waited += sinceLast;
      if (this.#waited > keepAliveSeconds * 1000) this.#close();
      return;
    }
    const mayTake = !this.#socket.isPaused();
    for (const [id, exchange] of this.#exchanges) {
      if (exchange.tick(sinceLast, mayTake)) continue;
      // It was aborted, and the server does not say that it has ended.
      this.#exchanges.delete(id);
      this.retire();
    }
  }

  #lose(error: Error | undefined): void {
    const cause = error === undefined ? undefined : { cause: error };
    if (this.#isConnected) this.#break(new ClientError("TRUNCATED", "the connection ended before the response was whole", cause));
    else this.#break(new ClientError("CONNECT_FAILED", "the server cannot be reached", cause));
  }

  /** Ends the connection, and with it all that runs on it. */
  #break(error: ClientError): void {
    if (this.#isClosed) return;
    const exchanges = [...this.#exchanges.values()];
    if (this.#hasServed && exchanges.length > 0) this.#pool.keeps = false;
    this.#close();
    for (const exchange of exchanges) exchange.lost(error, this.#hasServed);
  }

  /** So that the server sees that nobody is there any more. */
  #leave(): void {
    resetConnection(this.#socket);
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLast = true;
    this.#exchanges.clear();
    this.#output.closed();
    this.#pool.clock.delete(this);
    this.#socket.destroy();
    this.#pool.closed(this);
  }
}

/** PARAMS, and the end of it. */
function paramsRecords(id: number, variables: CgiVariables): string {
  const stream = formatNameValues(variables);
  let text = "";
  for (let at = 0; at < stream.length; at += maxContentBytes)
    text += record(RecordType.params, id, stream.slice(at, at + maxContentBytes));
  return text + recordHeader(RecordType.params, id, 0);
}
