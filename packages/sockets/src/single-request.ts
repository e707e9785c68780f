import type { Server, Socket } from "node:net";
import { ExchangeAborted, HTTPError, toApplication, type Application, type ApplicationLike } from "@gateway/core";
import {
  cgiContentLength,
  cgiVariable,
  emptyInput,
  inputStream,
  run,
  type CgiEnvirons,
  type CgiVariables,
  type Head,
  type Running,
  type Sink,
} from "@gateway/core/gateway";
import { parseListening } from "./address.ts";
import type { AllowedPeers } from "./allowed-peers.ts";
import { cgiServerDefaults, settleCgiServer, type CgiServerOptions, type CgiServerSettings } from "./cgi-server-options.ts";
import { GatewayServer } from "./gateway-server.ts";
import type { Accepted, ConnectionHost, OpenConnection, SocketFacts } from "./protocol.ts";
import { refusalAnswer } from "./refusal-answer.ts";
import { Refusal } from "./refusal.ts";
import { RequestBody, type BodyConnection } from "./request-body.ts";
import { resetConnection } from "./reset.ts";
import { RequestBodyPace } from "./request-body-pace.ts";
import { SocketInput } from "./socket-input.ts";
import { SocketOutput } from "./socket-output.ts";

/** Settings of the servers for protocols that serve one request on each connection: SCGI and uwsgi. */
export type SingleRequestOptions = CgiServerOptions;

/** The same with their defaults. */
type Settings = CgiServerSettings;

/** What a protocol with one request on each connection has of its own. */
export interface SingleRequestProtocol {
  /** A reader for the packet that begins a connection. @param maxBytes of variables. */
  reader(maxBytes: number): PacketReader;
  /** The head of a response, up to its empty line; latin-1. */
  head(head: Head): string;
}

/** Reads the packet that begins a connection, in whatever pieces it comes. */
export interface PacketReader {
  /**
   * @returns the variables and what follows them, once they are whole.
   * @throws {Refusal} for what is none.
   */
  push(chunk: Buffer): { readonly variables: CgiVariables; readonly rest: Buffer } | undefined;
}

/** Makes a server for a protocol with one request on each connection. */
export interface MakeSingleRequestServer {
  /**
   * Makes a server for one application. It listens when it is told to serve.
   *
   * @param host a name or address, `""` for all interfaces, `unix:/path` for a Unix socket, `fd://0` for a listening socket that was
   *   inherited, or a `net.Server` that listens already.
   * @param port 0 lets the system choose one; of meaning only where the host is a name or an address.
   * @throws {TypeError|RangeError} for a host, port, application or option that makes no sense.
   */
  (host: string | Server, port: number, app: ApplicationLike, options?: SingleRequestOptions): GatewayServer;
}

/** What makes the servers of such a protocol. */
export function singleRequestServer(protocol: SingleRequestProtocol): MakeSingleRequestServer {
  return (host, port, app, options = {}) => {
    const listening = parseListening(host, port);
    const application = toApplication(app);
    const settings = settleCgiServer(cgiServerDefaults, options);
    const { peers, makers } = settings;
    const open = (socket: Socket, accepted: Accepted): OpenConnection =>
      new SingleRequest(socket, application, protocol, settings, peers, makers.of(accepted.facts), accepted);
    return new GatewayServer(listening, { open, turnAway: undefined }, { ...settings, tls: undefined, handshakeSeconds: 0 });
  };
}

/** Where a connection is. */
const Phase = { reading: 0, busy: 1, lingering: 2, closed: 3 } as const;

const joinBytes = 4 * 1024;
const lingerMilliseconds = 2000;
/** How much of a body that nobody reads is thrown away, so that no reset eats the answer. */
const lingerBytes = 16 * 1024 * 1024;

function ignore(): void {}

/** One connection, and its one request. */
class SingleRequest implements OpenConnection, BodyConnection, Sink {
  readonly #socket: Socket;
  readonly #app: Application;
  readonly #protocol: SingleRequestProtocol;
  readonly #settings: Settings;
  readonly #environs: CgiEnvirons;
  readonly #host: ConnectionHost;
  readonly #facts: SocketFacts;
  readonly #input: SocketInput;
  readonly #output: SocketOutput;
  readonly #pace = new RequestBodyPace();
  #reader: PacketReader | undefined;
  #phase: number = Phase.reading;
  #deadline: number;
  /** A first byte has come. */
  #hasBegun = false;
  #begunAt = 0;
  #isHead = false;
  #body: RequestBody | undefined = undefined;
  /** Of the body, and not handed on yet. */
  #remaining = 0;
  #ended = false;
  #discarded = 0;
  #running: Running | undefined = undefined;
  #head: Head | undefined = undefined;
  #headSent = false;
  #bodyBytes = 0;

  constructor(
    socket: Socket,
    app: Application,
    protocol: SingleRequestProtocol,
    settings: Settings,
    peers: AllowedPeers,
    environs: CgiEnvirons,
    { host, facts, at }: Accepted,
  ) {
    this.#environs = environs;
    this.#socket = socket;
    this.#app = app;
    this.#protocol = protocol;
    this.#settings = settings;
    this.#host = host;
    this.#facts = facts;
    this.#input = new SocketInput(socket);
    this.#output = new SocketOutput(socket, host);
    this.#reader = protocol.reader(settings.headerBytes);
    this.#deadline = at + settings.headerSeconds * 1000;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#clientEnded());
    // What went wrong is told by "close", which follows; without a listener the process would end.
    socket.on("error", ignore);
    socket.on("close", () => this.#socketClosed());
    if (!peers.includes(facts)) this.#turnAway();
  }

  // In.

  #received(chunk: Buffer): void {
    switch (this.#phase) {
      case Phase.reading:
        return this.#read(chunk);
      case Phase.busy:
        this.#input.push(chunk);
        this.#pace.came(chunk.length);
        this.#body?.arrived();
        this.#pace.came(-this.#input.holdBack(0));
        return;
      case Phase.lingering:
        this.#discarded += chunk.length;
        if (this.#discarded > lingerBytes) this.#input.stopReading();
    }
  }

  #read(chunk: Buffer): void {
    this.#hasBegun = true;
    try {
      const packet = this.#reader?.push(chunk);
      if (packet === undefined) return;
      this.#reader = undefined;
      this.#begin(packet.variables, packet.rest);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #begin(variables: CgiVariables, rest: Buffer): void {
    const { maxBodyBytes, maxReadBytes } = this.#settings;
    this.#isHead = cgiVariable(variables, "REQUEST_METHOD") === "HEAD";
    // As long as the front server says: it does not close its side behind it.
    const length = cgiContentLength(cgiVariable(variables, "CONTENT_LENGTH")) ?? 0;
    if (length > maxBodyBytes) throw new HTTPError(413, "the body is larger than the server takes");
    this.#remaining = length;
    if (length > 0) this.#body = new RequestBody(this);
    if (rest.length > 0) this.#input.push(rest);
    this.#pace.restart(rest.length);
    const input = this.#body === undefined ? emptyInput : inputStream(this.#body, { maxReadBytes });
    const environ = this.#environs.make(variables, input);
    this.#phase = Phase.busy;
    this.#deadline = Infinity;
    this.#begunAt = this.#host.now;
    this.#running = run(this.#app, environ, this);
  }

  #refuse(error: unknown): void {
    const { code, reason, head, body } = refusalAnswer(error);
    this.#host.refused({ code, reason, remoteAddress: this.#facts.remoteAddress });
    this.#socket.write(this.#protocol.head(head) + (this.#isHead ? "" : body.toString("latin1")), "latin1");
    this.#close();
  }

  #turnAway(): void {
    const { remoteAddress } = this.#facts;
    this.#host.refused({ code: 403, reason: "the address is not among those that may connect", remoteAddress });
    this.#socket.destroy();
  }

  get bodyEnded(): boolean {
    return this.#remaining === 0;
  }

  piece(): Buffer | undefined {
    if (this.#remaining === 0) return undefined;
    const chunk = this.#input.shift();
    if (chunk === undefined) return undefined;
    // Nothing follows a body: what does is no part of it.
    const piece = chunk.length > this.#remaining ? chunk.subarray(0, this.#remaining) : chunk;
    this.#remaining -= piece.length;
    return piece;
  }

  wanted(): void {
    if (this.#ended) this.#body?.cut();
  }

  #clientEnded(): void {
    this.#ended = true;
    if (this.#phase === Phase.reading) return this.#close();
    // After a whole request this is a half-close: it is answered. What has come of a body is read first.
    if (this.#phase === Phase.busy && this.#input.isEmpty) this.#body?.cut();
  }

  // Out: the sink of the run loop.

  head(head: Head): void {
    this.#head = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#bodyBytes += chunk.byteLength;
    this.#output.sendChunk(this.#headText(), chunk, "", joinBytes);
    return this.#output.isFull ? this.#output.whenRoom() : undefined;
  }

  end(): void | Promise<void> {
    const text = this.#headText();
    if (text !== "") this.#output.send(text);
    if (this.#output.isHandedOver) return this.#close();
    return new Promise((resolve) => {
      this.#output.whenHandedOver(() => {
        resolve();
        this.#close();
      });
    });
  }

  abort(): void {
    this.#output.drop();
    const text = this.#headText();
    if (text !== "") this.#output.send(text);
    // Nothing in what was sent shows that it is not whole: only a reset can, and only TCP has one.
    resetConnection(this.#socket);
  }

  #headText(): string {
    if (this.#headSent || this.#head === undefined) return "";
    this.#headSent = true;
    return this.#protocol.head(this.#head);
  }

  // Time, and the end.

  tick(sinceLast: number): void {
    const { now } = this.#host;
    if (now >= this.#deadline) return this.#expire();
    if (this.#phase !== Phase.busy) return;
    const { requestSeconds, writeStallSeconds } = this.#settings;
    if (requestSeconds > 0 && now - this.#begunAt > requestSeconds * 1000) return this.#takesTooLong();
    if (this.#output.stalledFor(now) > writeStallSeconds * 1000) {
      return this.cut(new ExchangeAborted("CLIENT_GONE", { cause: new Error("the front server stopped reading") }));
    }
    if (this.#body === undefined || this.#remaining === 0 || !this.#input.isEmpty || this.#input.isHeldBack) return;
    if (this.#pace.waited(sinceLast, this.#settings)) this.#body.end(new HTTPError(408, "the request body came too slowly"));
  }

  stop(idleSeconds: number): void {
    if (this.#phase === Phase.reading) this.#deadline = Math.min(this.#deadline, this.#host.now + idleSeconds * 1000);
  }

  cut(reason: ExchangeAborted): void {
    this.#giveUp(reason);
    this.#socket.destroy();
  }

  #expire(): void {
    const isLate = this.#phase === Phase.reading && this.#hasBegun && !this.#host.stopping;
    if (isLate) this.#refuse(new Refusal(408, "the request took too long to come"));
    else this.#socket.destroy();
  }

  #takesTooLong(): void {
    const canSay = !this.#headSent && this.#head === undefined;
    this.#giveUp(new ExchangeAborted("TIME_LIMIT"));
    if (canSay) this.#refuse(new Refusal(503, "the application took longer than the server allows"));
    else this.#socket.destroy();
  }

  /** Closes our side and lets the front server read what was sent: closing both at once could reset the connection under it. */
  #close(): void {
    if (this.#phase >= Phase.lingering) return;
    this.#phase = Phase.lingering;
    this.#running = undefined;
    this.#body?.finish();
    this.#input.drop();
    this.#deadline = this.#host.now + lingerMilliseconds;
    this.#socket.end();
    this.#socket.resume();
  }

  #giveUp(reason: ExchangeAborted): void {
    this.#body?.end(reason);
    this.#running?.gone(reason, Math.min(this.#bodyBytes, this.#output.unsentBytes));
    this.#running = undefined;
  }

  #socketClosed(): void {
    this.#giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#phase = Phase.closed;
    this.#output.closed();
    this.#host.closed(this);
  }
}
