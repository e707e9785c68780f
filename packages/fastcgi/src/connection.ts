import type { Socket } from "node:net";
import { ExchangeAborted, type Application } from "@gateway/core";
import { Refusal, SocketOutput, type Accepted, type ConnectionHost, type OpenConnection, type SocketFacts } from "@gateway/sockets";
import { formatNameValues, parseNameValues } from "./name-values.ts";
import type { Settings } from "./options.ts";
import {
  endRequest,
  keepConnection,
  ProtocolStatus,
  record,
  RecordReader,
  RecordType,
  responder,
  type RecordListener,
} from "./records.ts";
import { FastcgiRequest, type RequestConnection } from "./request.ts";

/** What may wait of all bodies of a connection while nobody pulls it: then the front server has to wait. */
const maxWaitingBytes = 128 * 1024;
const lingerMilliseconds = 2000;
/** Asked for by nobody: only those that exist are answered. */
const maxValuesBytes = 1024;

function ignore(): void {}

/** One connection of a front server: requests as they come, several at once where it wants that. */
export class FastcgiConnection implements OpenConnection, RecordListener, RequestConnection {
  readonly app: Application;
  readonly settings: Settings;
  readonly facts: SocketFacts;
  readonly output: SocketOutput;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #serveOne: boolean;
  readonly #reader: RecordReader;
  readonly #requests = new Map<number, FastcgiRequest>();
  /** When {@link tick} is to end what goes on. */
  #deadline: number;
  /** The other side has closed, or is not understood: nothing more is read, and what is under way is answered. */
  #readsNoMore = false;
  #closing = false;

  constructor(socket: Socket, app: Application, settings: Settings, { host, facts, at, serveOne }: Accepted) {
    this.app = app;
    this.settings = settings;
    this.facts = facts;
    this.output = new SocketOutput(socket, host);
    this.#socket = socket;
    this.#host = host;
    this.#serveOne = serveOne;
    this.#reader = new RecordReader(this);
    this.#deadline = at + settings.silentSeconds * 1000;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#peerEnded());
    // What went wrong is told by "close", which follows; without a listener the process would end.
    socket.on("error", ignore);
    socket.on("close", () => this.#socketClosed());
  }

  get now(): number {
    return this.#host.now;
  }

  #received(chunk: Buffer): void {
    if (this.#readsNoMore) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, "the records could not be read");
      this.refused(refusal.code, refusal.message);
      return this.#breakDown();
    }
    this.#holdBack();
    if (this.#requests.size === 0) this.#await();
  }

  // Records.

  record(type: number, id: number, content: Buffer): void {
    switch (type) {
      case RecordType.beginRequest:
        return this.#begin(id, content);
      case RecordType.abortRequest:
        return this.#requests.get(id)?.aborted();
      case RecordType.getValues:
        return this.#getValues(content);
      default:
        // Records of one request that are not known are ignored, those of the connection are answered (section 4.2).
        if (id === 0) this.output.send(record(RecordType.unknownType, 0, `${String.fromCharCode(type)}\0\0\0\0\0\0\0`));
    }
  }

  piece(type: number, id: number, piece: Buffer): void {
    const request = this.#requests.get(id);
    if (type === RecordType.params) request?.params(piece);
    else if (type === RecordType.stdin) request?.stdin(piece);
  }

  streamEnded(type: number, id: number): void {
    const request = this.#requests.get(id);
    if (type === RecordType.params) request?.paramsEnded();
    else if (type === RecordType.stdin) request?.stdinEnded();
  }

  #begin(id: number, content: Buffer): void {
    if (id === 0 || content.length < 3) throw new Refusal(400, "a BEGIN_REQUEST has no request id, or is too short");
    // The front server may have read END_REQUEST before the system says that it has taken it.
    if (this.#requests.get(id)?.isOver === false)
      throw new Refusal(400, "a request was begun with the id of one that has not ended");
    const keeps = (content.readUInt8(2) & keepConnection) !== 0;
    const status =
      content.readUInt16BE(0) !== responder
        ? ProtocolStatus.unknownRole
        : this.#requests.size >= this.settings.maxRequests
          ? ProtocolStatus.overloaded
          : ProtocolStatus.complete;
    if (status !== ProtocolStatus.complete) {
      this.output.send(endRequest(id, 0, status));
      this.refused(status === ProtocolStatus.overloaded ? 503 : 501, "a request was refused: unknown role, or too many at once");
      if (!keeps) this.#closing = true;
      return;
    }
    this.#deadline = Infinity;
    this.#requests.set(id, new FastcgiRequest(id, keeps && !this.#serveOne, this));
  }

  /** What it asks for and is known (section 4.1). HAProxy sends nothing else until it is answered. */
  #getValues(content: Buffer): void {
    const { maxConnections, maxRequests, multiplex } = this.settings;
    const known: Readonly<Record<string, number>> = {
      FCGI_MAX_CONNS: Math.min(maxConnections, 65_535),
      FCGI_MAX_REQS: multiplex ? maxRequests : Math.min(maxConnections, 65_535),
      FCGI_MPXS_CONNS: multiplex ? 1 : 0,
    };
    if (content.length > maxValuesBytes) throw new Refusal(400, "a GET_VALUES is too long");
    const asked = parseNameValues(content).filter((name, i) => i % 2 === 0 && Object.hasOwn(known, name));
    const answer = [...new Set(asked)].flatMap((name) => [name, String(known[name])]);
    this.output.send(record(RecordType.getValuesResult, 0, formatNameValues(answer)));
  }

  // What the requests ask.

  get isHeldBack(): boolean {
    return this.#socket.isPaused();
  }

  taken(): void {
    if (this.#socket.isPaused() && this.#waitingBytes <= maxWaitingBytes / 2) this.#socket.resume();
  }

  refused(code: number, reason: string): void {
    this.#host.refused({ code, reason, remoteAddress: this.facts.remoteAddress });
  }

  answered(request: FastcgiRequest): void {
    if (this.#requests.get(request.id) !== request) return;
    this.#requests.delete(request.id);
    request.forgetBody();
    this.taken();
    if (!request.keepsConnection || this.#host.stopping) this.#closing = true;
    if (this.#requests.size === 0) this.#await();
  }

  brokenOff(request: FastcgiRequest): void {
    this.#requests.delete(request.id);
    request.forgetBody();
    // The end of the connection shows that the response is not whole; the others on it must not suffer.
    if (this.#requests.size === 0) return this.#breakDown();
    this.output.send(endRequest(request.id, 1, ProtocolStatus.complete));
    this.taken();
  }

  #holdBack(): void {
    if (this.#waitingBytes > maxWaitingBytes) this.#socket.pause();
  }

  get #waitingBytes(): number {
    let bytes = 0;
    for (const request of this.#requests.values()) bytes += request.waitingBytes;
    return bytes;
  }

  // Time, and the end.

  /** No request is under way. */
  #await(): void {
    const { keepAliveSeconds, stopIdleSeconds, headerSeconds } = this.settings;
    if (this.#closing || this.#readsNoMore) return this.#close();
    const seconds = this.#host.stopping ? stopIdleSeconds : this.#reader.isInside ? headerSeconds : keepAliveSeconds;
    this.#deadline = Math.min(this.#deadline, this.#host.now + seconds * 1000);
  }

  tick(sinceLast: number): void {
    if (this.#host.now >= this.#deadline) return this.#expire();
    for (const request of this.#requests.values()) {
      if (request.tick(sinceLast)) continue;
      this.refused(408, "the variables of a request took too long to come");
      return this.#breakDown();
    }
    if (this.output.stalledFor(this.#host.now) > this.settings.writeStallSeconds * 1000) {
      this.cut(new ExchangeAborted("CLIENT_GONE", { cause: new Error("the front server stopped reading") }));
    }
  }

  stop(idleSeconds: number): void {
    if (this.#requests.size === 0) this.#deadline = Math.min(this.#deadline, this.#host.now + idleSeconds * 1000);
  }

  cut(reason: ExchangeAborted): void {
    for (const request of this.#requests.values()) request.giveUp(reason);
    this.#socket.destroy();
  }

  #expire(): void {
    if (this.#closing && this.#readsNoMore) this.#socket.destroy();
    else this.#close();
  }

  #peerEnded(): void {
    this.#readsNoMore = true;
    for (const [id, request] of this.#requests) {
      // Whole requests are answered (a half-close); of others nothing more will come.
      if (request.isRunning) request.stdinEnded();
      else this.#requests.delete(id);
    }
    if (this.#requests.size === 0) this.#close();
  }

  /** What comes is not understood, or a response broke off: ends the connection after what was sent. */
  #breakDown(): void {
    this.#readsNoMore = true;
    for (const request of this.#requests.values()) request.giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#requests.clear();
    this.#close();
  }

  /** Closes our side, and throws away what still comes: closing both at once could reset the connection under the last answer. */
  #close(): void {
    this.#closing = true;
    this.#readsNoMore = true;
    this.#deadline = this.#host.now + lingerMilliseconds;
    if (this.output.isHandedOver) this.#socket.end();
    else this.output.whenHandedOver(() => this.#socket.end());
    this.#socket.resume();
  }

  #socketClosed(): void {
    for (const request of this.#requests.values()) request.giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#requests.clear();
    this.output.closed();
    this.#host.closed(this);
  }
}
