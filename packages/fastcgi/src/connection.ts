import type { Socket } from "node:net";
import { ExchangeAborted, type Application } from "@gateway/core";
import type { CgiEnvirons } from "@gateway/core/gateway";
import { Refusal, SocketOutput, type Accepted, type ConnectionHost, type OpenConnection, type SocketFacts } from "@gateway/sockets";
import { formatNameValues, NameValueReader, parseNameValues } from "./name-values.ts";
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
/** There are three names to ask for: whoever asks for this much wants something else. */
const maxValuesBytes = 1024;
/** The content of a BEGIN_REQUEST. */
const beginBytes = 8;

function ignore(): void {}

/** One connection of a front server: requests as they come, several at once where it wants that. */
export class FastcgiConnection implements OpenConnection, RecordListener, RequestConnection {
  readonly app: Application;
  readonly settings: Settings;
  readonly facts: SocketFacts;
  readonly output: SocketOutput;
  readonly environs: CgiEnvirons;
  readonly nameValues: NameValueReader = new NameValueReader();
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #serveOne: boolean;
  readonly #reader: RecordReader;
  readonly #requests = new Map<number, FastcgiRequest>();
  /** When {@link tick} is to end what goes on: for want of a record, or of the rest of one. */
  #idleUntil: number;
  #recordUntil = Infinity;
  /** A whole record has come. */
  #hasHeard = false;
  /** The front server does not read what it is answered, and asks for more: nothing is read until it does. */
  #isChoked = false;
  /** Requests that are answered, wait to be sent, and have lost their id to the next: a front server that waits for answers has few. */
  #overtaken = 0;
  /** The other side has closed, or is not understood: nothing more is read, and what is under way is answered. */
  #readsNoMore = false;
  /** After the requests under way it is closed. */
  #isLast = false;
  #isClosed = false;

  constructor(socket: Socket, app: Application, settings: Settings, { host, facts, at, serveOne }: Accepted) {
    this.app = app;
    this.settings = settings;
    this.facts = facts;
    this.output = new SocketOutput(socket, host);
    this.environs = settings.makers.of(facts);
    this.#socket = socket;
    this.#host = host;
    this.#serveOne = serveOne;
    this.#reader = new RecordReader(this);
    this.#idleUntil = at + settings.silentSeconds * 1000;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#peerEnded());
    // What went wrong is told by "close", which follows; without a listener the process would end.
    socket.on("error", ignore);
    socket.on("close", () => this.#socketClosed());
    if (settings.peers.includes(facts)) return;
    this.refused(403, "the address is not among those that may connect");
    socket.destroy();
  }

  get now(): number {
    return this.#host.now;
  }

  #received(chunk: Buffer): void {
    if (this.#readsNoMore) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      // What stands behind the end of a connection is nobody's business.
      if (this.#isClosed) return;
      const refusal = error instanceof Refusal ? error : new Refusal(500, "the records could not be read");
      this.refused(refusal.code, refusal.message);
      return this.#breakDown();
    }
    if (this.#requests.size === 0) this.#await();
    else if (this.#waitingBytes > maxWaitingBytes) this.#socket.pause();
  }

  // Records. What stands in the same piece of bytes behind the end of a connection is not read.

  record(type: number, id: number, bytes: Buffer, from: number, end: number): void {
    if (this.#readsNoMore) return;
    this.#hasHeard = true;
    switch (type) {
      case RecordType.beginRequest:
        return this.#begin(id, bytes, from, end);
      case RecordType.abortRequest:
        return this.#requests.get(id)?.aborted();
      case RecordType.getValues:
        return this.#getValues(bytes, from, end);
      default:
        // Records of one request that are not known are ignored, those of the connection are answered (section 4.2).
        if (id === 0) this.#answer(record(RecordType.unknownType, 0, `${String.fromCharCode(type)}\0\0\0\0\0\0\0`));
    }
  }

  piece(type: number, id: number, bytes: Buffer, from: number, end: number): void {
    if (this.#readsNoMore) return;
    const request = this.#requests.get(id);
    if (type === RecordType.params) request?.takeParams(bytes, from, end);
    else if (type === RecordType.stdin) request?.takeStdin(bytes, from, end);
  }

  streamEnded(type: number, id: number): void {
    if (this.#readsNoMore) return;
    this.#hasHeard = true;
    const request = this.#requests.get(id);
    if (type === RecordType.params) request?.paramsEnded();
    else if (type === RecordType.stdin) request?.stdinEnded();
  }

  #begin(id: number, bytes: Buffer, from: number, end: number): void {
    if (id === 0 || end - from < beginBytes) throw new Refusal(400, "a BEGIN_REQUEST has no request id, or is too short");
    // The front server may have read END_REQUEST before the system says that it has taken it.
    if (this.#requests.get(id)?.isOver === false)
      throw new Refusal(400, "a request was begun with the id of one that has not ended");
    // The front server was to be told by the end of the connection, and will be.
    if (this.#isLast) return;
    const keeps = ((bytes[from + 2] ?? 0) & keepConnection) !== 0 && !this.#serveOne;
    const isKnown = bytes[from] === 0 && bytes[from + 1] === responder;
    const { maxRequests } = this.settings;
    const overtakes = this.#requests.has(id);
    const under = this.#requests.size - Number(overtakes);
    if (isKnown && under < maxRequests && this.#overtaken < maxRequests) {
      if (overtakes) this.#overtaken++;
      this.#idleUntil = Infinity;
      this.#recordUntil = Infinity;
      this.#requests.set(id, new FastcgiRequest(id, keeps, this));
      if (this.output.isFull) this.#choke();
      return;
    }
    this.#answer(endRequest(id, 0, isKnown ? ProtocolStatus.overloaded : ProtocolStatus.unknownRole));
    if (isKnown) this.refused(503, "there are too many requests on one connection");
    else this.refused(501, "the role of a request is not that of a responder");
    if (keeps) return;
    this.#isLast = true;
    if (this.#requests.size === 0) this.#close();
  }

  /** What it asks for and is known (section 4.1). HAProxy sends nothing else until it is answered. */
  #getValues(bytes: Buffer, from: number, end: number): void {
    const { maxConnections, maxRequests, multiplex } = this.settings;
    const connections = Math.min(maxConnections, 65_535);
    const known: Readonly<Record<string, number>> = {
      FCGI_MAX_CONNS: connections,
      FCGI_MAX_REQS: multiplex ? Math.min(connections * maxRequests, 65_535) : connections,
      FCGI_MPXS_CONNS: multiplex ? 1 : 0,
    };
    if (end - from > maxValuesBytes) throw new Refusal(400, "a GET_VALUES is too long");
    const asked = parseNameValues(bytes, from, end).filter((name, i) => i % 2 === 0 && Object.hasOwn(known, name));
    const answer = [...new Set(asked)].flatMap((name) => [name, String(known[name])]);
    this.#answer(record(RecordType.getValuesResult, 0, formatNameValues(answer)));
  }

  /** Answers to records of the connection wait for nobody who pulls: a front server that does not read them is not read, either. */
  #answer(text: string): void {
    this.output.send(text);
    if (this.output.isFull) this.#choke();
  }

  #choke(): void {
    if (this.#isChoked) return;
    this.#isChoked = true;
    this.#socket.pause();
    void this.output.whenRoom().then(() => {
      this.#isChoked = false;
      this.taken();
    });
  }

  // What the requests ask.

  get isHeldBack(): boolean {
    return this.#socket.isPaused();
  }

  taken(): void {
    if (this.#isChoked || !this.#socket.isPaused() || this.#waitingBytes > maxWaitingBytes / 2) return;
    this.#socket.resume();
  }

  refused(code: number, reason: string): void {
    this.#host.refused({ code, reason, remoteAddress: this.facts.remoteAddress });
  }

  answered(request: FastcgiRequest): void {
    request.forgetBody();
    if (this.#requests.get(request.id) !== request) {
      if (this.#overtaken > 0) this.#overtaken--;
      return;
    }
    this.#requests.delete(request.id);
    this.taken();
    if (!request.keepsConnection || this.#host.stopping) this.#isLast = true;
    if (this.#requests.size === 0) this.#await();
  }

  brokenOff(request: FastcgiRequest): void {
    this.#requests.delete(request.id);
    request.forgetBody();
    // The end of the connection shows that the response is not whole; the others on it must not suffer.
    if (this.#requests.size === 0) return this.#breakDown();
    this.output.send(endRequest(request.id, 1, ProtocolStatus.complete));
    if (!request.keepsConnection) this.#isLast = true;
    this.taken();
  }

  get #waitingBytes(): number {
    let bytes = 0;
    for (const request of this.#requests.values()) bytes += request.waitingBytes;
    return bytes;
  }

  // Time, and the end.

  /** No request is under way. */
  #await(): void {
    if (this.#isLast || this.#readsNoMore) return this.#close();
    const { keepAliveSeconds, stopIdleSeconds, headerSeconds } = this.settings;
    const { now, stopping } = this.#host;
    // What has begun must end in time, and drops do not put that off.
    if (!this.#reader.isInside) this.#recordUntil = Infinity;
    else if (this.#recordUntil === Infinity) this.#recordUntil = now + headerSeconds * 1000;
    if (stopping) this.#idleUntil = Math.min(this.#idleUntil, now + stopIdleSeconds * 1000);
    else if (this.#hasHeard) this.#idleUntil = now + keepAliveSeconds * 1000;
  }

  tick(sinceLast: number): void {
    if (this.#host.now >= Math.min(this.#idleUntil, this.#recordUntil)) return this.#expire();
    for (const request of this.#requests.values()) request.tick(sinceLast);
    if (this.output.stalledFor(this.#host.now) > this.settings.writeStallSeconds * 1000) {
      this.cut(new ExchangeAborted("CLIENT_GONE", { cause: new Error("the front server stopped reading") }));
    }
  }

  stop(idleSeconds: number): void {
    if (this.#requests.size === 0) this.#idleUntil = Math.min(this.#idleUntil, this.#host.now + idleSeconds * 1000);
  }

  cut(reason: ExchangeAborted): void {
    for (const request of this.#requests.values()) request.giveUp(reason);
    this.#socket.destroy();
  }

  #expire(): void {
    if (this.#isClosed) this.#socket.destroy();
    else this.#close();
  }

  #peerEnded(): void {
    this.#readsNoMore = true;
    for (const [id, request] of this.#requests) {
      // Whole requests are answered (a half-close); of others nothing more will come.
      if (request.isRunning) request.inputEnded();
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#readsNoMore = true;
    this.#idleUntil = Infinity;
    this.#recordUntil = Infinity;
    if (this.output.isHandedOver) this.#end();
    else this.output.whenHandedOver(() => this.#end());
    this.#socket.resume();
  }

  #end(): void {
    this.#idleUntil = this.#host.now + lingerMilliseconds;
    this.#socket.end();
  }

  #socketClosed(): void {
    this.#readsNoMore = true;
    for (const request of this.#requests.values()) request.giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#requests.clear();
    this.output.closed();
    this.#host.closed(this);
  }
}
