import type { Server, Socket } from "node:net";
import { ExchangeAborted, HTTPError, isHTTPError, toApplication, type Application, type ApplicationLike } from "@gateway/core";
import {
  cgiContentLength,
  cgiVariable,
  emptyInput,
  inputStream,
  parseMounts,
  run,
  type CgiEnvirons,
  type CgiVariables,
  type Head,
  type Running,
  type Sink,
} from "@gateway/core/gateway";
import { parseListening } from "./address.ts";
import { allowedPeers, type AllowedPeers } from "./allowed-peers.ts";
import { EnvironMakers } from "./environ-makers.ts";
import { GatewayServer } from "./gateway-server.ts";
import type { Accepted, ConnectionHost, ListenerOptions, OpenConnection, SocketFacts } from "./protocol.ts";
import { Refusal } from "./refusal.ts";
import { RequestBody, type BodyConnection } from "./request-body.ts";
import { resetConnection } from "./reset.ts";
import { RequestBodyPace } from "./request-body-pace.ts";
import { listenerDefaults, listenerNumbers, settle, type NumberKind } from "./settings.ts";
import { SocketInput } from "./socket-input.ts";
import { SocketOutput } from "./socket-output.ts";

/** Settings of the servers for protocols that serve one request on each connection: SCGI and uwsgi. */
export interface SingleRequestOptions extends ListenerOptions {
  /** The variables of a request together, in bytes (default 64 KiB, the most that front servers send); more is refused. */
  headerBytes?: number;
  /** From a connection to the end of the variables, in seconds (default 10). */
  headerSeconds?: number;
  /** The largest request body, in bytes (default `Infinity`); more is answered with 413. */
  maxBodyBytes?: number;
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. */
  maxReadBytes?: number;
  /** How fast a body must come, in bytes a second (default 500), over the time the server waits for it; else the read fails with 408. */
  bodyBytesPerSecond?: number;
  /** For how long a body may come more slowly, in seconds (default 5). */
  bodyGraceSeconds?: number;
  /** How long the front server may take nothing of a response that waits for it, in seconds (default 60). */
  writeStallSeconds?: number;
  /** From the variables of a request to the end of its response, in seconds (default 0: no limit): then 503, or the connection is cut. */
  requestSeconds?: number;
  /** Front servers that may connect, as addresses or networks like `"10.0.0.0/8"` (default: whoever can); Unix sockets have file modes. */
  allowedAddresses?: readonly string[];
  /** Prefixes at which SCRIPT_NAME + PATH_INFO is split again, for front servers that cannot split it (default: as it comes). */
  mounts?: readonly string[];
  /** `wsgi.multiprocess` (default false): whether other processes serve the same application. */
  multiprocess?: boolean;
}

interface Settings extends Readonly<Required<Omit<SingleRequestOptions, "mounts" | "allowedAddresses">>> {
  readonly mounts: readonly string[] | undefined;
  readonly allowedAddresses: readonly string[] | undefined;
}

const defaults: Settings = {
  ...listenerDefaults,
  headerBytes: 64 * 1024,
  headerSeconds: 10,
  maxBodyBytes: Infinity,
  maxReadBytes: 16 * 1024 * 1024,
  bodyBytesPerSecond: 500,
  bodyGraceSeconds: 5,
  writeStallSeconds: 60,
  requestSeconds: 0,
  allowedAddresses: undefined,
  mounts: undefined,
  multiprocess: false,
};

const numbers: Readonly<Record<string, NumberKind>> = {
  ...listenerNumbers,
  headerBytes: "whole",
  headerSeconds: "number",
  maxBodyBytes: "whole or endless",
  maxReadBytes: "whole",
  bodyBytesPerSecond: "number",
  bodyGraceSeconds: "number",
  writeStallSeconds: "number",
  requestSeconds: "number",
};

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

/**
 * Makes a server for a protocol with one request on each connection.
 *
 * @throws {TypeError|RangeError} for a host, port, application or option that makes no sense.
 */
export function makeSingleRequestServer(
  protocol: SingleRequestProtocol,
  host: string | Server,
  port: number,
  app: ApplicationLike,
  options: SingleRequestOptions,
): GatewayServer {
  const listening = parseListening(host, port);
  const application = toApplication(app);
  const settings = settle("makeServer", defaults, options, numbers);
  if (typeof settings.multiprocess !== "boolean") throw new TypeError("multiprocess is true or false");
  const mounts = settings.mounts === undefined ? undefined : parseMounts(settings.mounts);
  const peers = allowedPeers(settings.allowedAddresses);
  const { errors, multiprocess } = settings;
  const makers = new EnvironMakers({ errors, multiprocess, runOnce: false, mounts });
  const open = (socket: Socket, accepted: Accepted): OpenConnection =>
    new SingleRequest(socket, application, protocol, settings, peers, makers.of(accepted.facts), accepted);
  return new GatewayServer(listening, { open, turnAway: undefined }, { ...settings, tls: undefined, handshakeSeconds: 0 });
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
    const { status, message } = refusalOf(error);
    this.#host.refused({ code: Number(status.slice(0, 3)), reason: message, remoteAddress: this.#facts.remoteAddress });
    const body = Buffer.from(`${status}: ${message}\n`);
    const headers: [string, string][] = [
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Content-Length", String(body.length)],
    ];
    const head = { status, code: Number(status.slice(0, 3)), headers, seen: 0, length: body.length, bodiless: true };
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

function refusalOf(error: unknown): { status: string; message: string } {
  if (isHTTPError(error)) return { status: error.status, message: error.message };
  const { code, message } = error instanceof Refusal ? error : new Refusal(500, "the request could not be read");
  return { status: new HTTPError(code).status, message };
}
