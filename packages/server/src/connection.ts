import type { Socket } from "node:net";
import { ExchangeAborted, HTTPError, statusLine, type Application, type Environ } from "@gateway/core";
import { emptyInput, inputStream, run, type Running } from "@gateway/core/gateway";
import {
  type Accepted,
  type BodyConnection,
  type ConnectionHost,
  type OpenConnection,
  Refusal,
  RequestBody,
  RequestBodyPace,
  type SocketFacts,
  SocketInput,
} from "@gateway/sockets";
import { EnvironMaker } from "./environ.ts";
import type { Settings } from "./options.ts";
import { RequestParser } from "./parser.ts";
import type { RequestHead } from "./request-head.ts";
import { Framing, refusalText } from "./response-head.ts";
import { ResponseWriter, type WriterConnection } from "./response-writer.ts";

/** Where a connection is between two requests. */
const Phase = {
  /** Waiting for a head, or for the rest of one. */
  idle: 0,
  /** A response is being made. */
  busy: 1,
  /** The response is sent; what is left of the request body is read and thrown away. */
  draining: 2,
  /** Our side is closed; what the client still sends is thrown away, so that no reset eats the answer. */
  lingering: 3,
  closed: 4,
} as const;

const lingerMilliseconds = 2000;
/** How much is read and thrown away while the client may still be reading the answer. */
const lingerBytes = 64 * 1024;

function ignore(): void {}

const continueLine = "HTTP/1.1 100 Continue\r\n\r\n";

/** One socket: requests in, one at a time, and responses out in the same order. */
export class Connection implements OpenConnection, WriterConnection, BodyConnection {
  readonly #socket: Socket;
  readonly #app: Application;
  readonly #settings: Settings;
  readonly #host: ConnectionHost;
  readonly #facts: SocketFacts;
  readonly #parser: RequestParser;
  readonly #environs: EnvironMaker;
  readonly #writer: ResponseWriter;
  readonly #serveOne: boolean;
  /** When {@link tick} is to end what goes on, on the clock of the host. */
  #deadline: number;
  #phase: number = Phase.idle;
  /** Came from the socket and is not parsed yet. */
  readonly #input: SocketInput;
  /** The client has closed its side. */
  #ended = false;
  #anyRequest = false;
  /** When the head that has begun to come must have come whole. */
  #headDeadline: number | undefined = undefined;
  #discarded = 0;

  // The request that is being served.
  #body: RequestBody | undefined = undefined;
  #running: Running | undefined = undefined;
  #inRun = false;
  #isAnswered = false;
  #keepAlive = false;
  #continued = false;

  #begunAt = 0;
  readonly #pace = new RequestBodyPace();
  /** Handed on of the body, without what frames it. */
  #bodyGiven = 0;

  constructor(socket: Socket, app: Application, settings: Settings, { host, facts, at, serveOne }: Accepted) {
    this.#socket = socket;
    this.#app = app;
    this.#settings = settings;
    this.#host = host;
    this.#facts = facts;
    this.#serveOne = serveOne;
    this.#input = new SocketInput(socket);
    this.#parser = new RequestParser(settings);
    this.#environs = new EnvironMaker({ ...facts, errors: settings.errors });
    this.#writer = new ResponseWriter(socket, this);
    this.#deadline = at + settings.silentSeconds * 1000;
    // The handshake of TLS took its share of the time for the first head.
    if (facts.tls !== undefined) this.#headDeadline = at + settings.headerSeconds * 1000;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#clientEnded());
    // What went wrong is told by "close", which follows; without a listener the process would end.
    socket.on("error", ignore);
    socket.on("close", () => this.#socketClosed());
  }

  // In: bytes to requests.

  #received(chunk: Buffer): void {
    switch (this.#phase) {
      case Phase.idle:
        this.#parser.push(chunk);
        return this.#serve();
      case Phase.busy:
        this.#input.push(chunk);
        this.#pace.came(chunk.length);
        this.#body?.arrived();
        this.#pace.came(-this.#input.holdBack(this.#parser.unread));
        return;
      case Phase.draining:
        this.#input.push(chunk);
        this.#drain();
        return this.#serve();
      case Phase.lingering:
        this.#discarded += chunk.length;
        if (this.#discarded > lingerBytes) this.#input.stopReading();
    }
  }

  /** Hands the parser the next bytes that wait. @returns whether there were any. */
  #feed(): boolean {
    const chunk = this.#input.shift();
    if (chunk === undefined) return false;
    this.#parser.push(chunk);
    return true;
  }

  /** Serves the requests that have come whole, as long as their answers are at hand. */
  #serve(): void {
    while (this.#phase === Phase.idle) {
      let head: RequestHead | undefined;
      try {
        head = this.#parser.head();
      } catch (error) {
        return this.#refuse(error);
      }
      if (head !== undefined) this.#begin(head);
      else if (!this.#feed()) return this.#awaitHead();
    }
  }

  #awaitHead(): void {
    if (this.#ended) return this.#close();
    const { headerSeconds, keepAliveSeconds, stopIdleSeconds } = this.#settings;
    if (this.#host.stopping) return this.stop(stopIdleSeconds);
    // A total: the deadline of a head that has begun is not moved by its further bytes.
    if (this.#parser.unread > 0) this.#headDeadline ??= this.#host.now + headerSeconds * 1000;
    else this.#headDeadline = undefined;
    if (this.#headDeadline !== undefined) this.#deadline = this.#headDeadline;
    else if (this.#anyRequest) this.#deadline = this.#host.now + keepAliveSeconds * 1000;
  }

  #begin(head: RequestHead): void {
    const { maxBodyBytes, maxReadBytes } = this.#settings;
    if (head.contentLength > maxBodyBytes) return this.#refuse(tooLarge());
    this.#body = this.#parser.bodyEnded ? undefined : new RequestBody(this);
    this.#keepAlive = head.keepAlive && !this.#serveOne;
    this.#anyRequest = true;
    this.#continued = !head.expectsContinue;
    this.#isAnswered = false;
    this.#writer.begin(head.minor);
    this.#headDeadline = undefined;
    this.#deadline = Infinity;
    this.#begunAt = this.#host.now;
    this.#pace.restart(this.#parser.unread);
    this.#bodyGiven = 0;
    const input = this.#body === undefined ? emptyInput : inputStream(this.#body, { maxReadBytes });
    let environ: Environ;
    try {
      environ = this.#environs.make(head, input);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#phase = Phase.busy;
    this.#inRun = true;
    const running = run(this.#app, environ, this.#writer);
    this.#inRun = false;
    if (this.#isAnswered) return this.#next();
    this.#running = running;
    if (running !== undefined) this.#writer.goesOn();
  }

  /** The response was handed over: what becomes of the connection? */
  #next(): void {
    if (this.#phase !== Phase.busy) return;
    this.#running = undefined;
    if (!this.#keepAlive) return this.#close();
    this.#pace.restart(0);
    this.#body?.end(new Error("wsgi.input was read after the response had ended"));
    this.#body = undefined;
    if (this.#parser.bodyEnded) {
      this.#phase = Phase.idle;
      return;
    }
    this.#phase = Phase.draining;
    this.#discarded = 0;
    this.#deadline = this.#host.now + this.#settings.headerSeconds * 1000;
    this.#drain();
  }

  /** Throws away what the application left of the body, so that the next request can be read; up to a limit. */
  #drain(): void {
    try {
      for (;;) {
        const piece = this.piece();
        if (piece === undefined) break;
        this.#discarded += piece.length;
        if (this.#discarded > this.#settings.drainBytes) return this.#close();
      }
    } catch {
      // The response is sent, so nobody is left to be told what is wrong with the rest of the request.
      return this.#close();
    }
    if (this.#parser.bodyEnded) this.#phase = Phase.idle;
    else if (this.#ended) this.#close();
  }

  get bodyEnded(): boolean {
    return this.#parser.bodyEnded;
  }

  piece(): Buffer | undefined {
    try {
      for (;;) {
        const piece = this.#parser.body();
        this.#bodyGiven += piece?.length ?? 0;
        if (this.#bodyGiven > this.#settings.maxBodyBytes) throw tooLarge();
        if (piece !== undefined || this.#parser.bodyEnded || !this.#feed()) return piece;
      }
    } catch (error) {
      // Where the next request would begin is not known any more, or too far off.
      this.#keepAlive = false;
      throw error;
    }
  }

  wanted(): void {
    if (this.#ended) return this.#body?.cut();
    if (this.#continued) return;
    this.#continued = true;
    if (!this.#writer.hasHead) this.#socket.write(continueLine, "latin1");
  }

  #clientEnded(): void {
    this.#ended = true;
    switch (this.#phase) {
      case Phase.idle:
        return this.#close();
      case Phase.busy:
        // After whole requests this is a half-close: they are answered. In the middle of one nothing more will come. What has come is read first: it may well be all of it.
        if (this.#input.isEmpty && this.#parser.unread === 0) this.#body?.cut();
        return;
      case Phase.draining:
        this.#drain();
        return this.#serve();
    }
  }

  #refuse(error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal(500, "the request could not be read");
    this.#host.refused({ code: refusal.code, reason: refusal.message, remoteAddress: this.#facts.remoteAddress });
    this.#socket.write(refusalText(statusLine(refusal.code), refusal.message, this.#settings.serverHeader), "latin1");
    this.#close();
  }

  // Out: what the writer asks.

  get now(): number {
    return this.#host.now;
  }

  get serverHeader(): string {
    return this.#settings.serverHeader;
  }

  keepsAlive(framing: number): boolean {
    const isLast = this.#ended && this.#parser.unread === 0 && this.#input.isEmpty;
    if (framing === Framing.close || this.#host.stopping || isLast) this.#keepAlive = false;
    // A body that the client still holds back, or that is longer than would be drained, is not waited for.
    const { bodyEnded, remaining } = this.#parser;
    if (!bodyEnded && (!this.#continued || remaining > this.#settings.drainBytes)) this.#keepAlive = false;
    return this.#keepAlive;
  }

  /** The run loop goes first: it closes the body of this response before the next request is begun. */
  answered(): void {
    this.#isAnswered = true;
    if (this.#inRun) return;
    queueMicrotask(() => {
      this.#next();
      this.#serve();
    });
  }

  brokenOff(needsReset: boolean): void {
    if (!needsReset) return this.#close();
    // Only sockets of TCP can be reset.
    if (this.#facts.remotePort !== undefined && this.#facts.tls === undefined) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  // Time, and the end.

  /** Looks at the deadlines; the server calls it once a second. */
  tick(sinceLast: number): void {
    if (this.#host.now >= this.#deadline) return this.#expire();
    // A connection that is idle over a tick keeps nothing of its last request.
    if (this.#phase === Phase.idle) {
      this.#parser.forget();
      this.#environs.forget();
    }
    if (this.#phase !== Phase.busy) return;
    const { requestSeconds, writeStallSeconds } = this.#settings;
    if (requestSeconds > 0 && this.#host.now - this.#begunAt > requestSeconds * 1000) return this.#takesTooLong();
    if (this.#writer.stalledFor(this.#host.now) > writeStallSeconds * 1000) {
      return this.cut(new ExchangeAborted("CLIENT_GONE", { cause: new Error("the client stopped reading") }));
    }
    if (this.#body !== undefined && !this.#parser.bodyEnded) this.#watchRate(this.#body, sinceLast);
  }

  /** The server stops: an answer under way says so, and a connection that waits for a request gets a moment to send one. */
  stop(idleSeconds: number): void {
    // The others find out when they wait for a request; their deadlines are no matter of this.
    if (this.#phase !== Phase.idle) return;
    this.#deadline = Math.min(this.#deadline, this.#host.now + idleSeconds * 1000);
  }

  /** Ends it now; a response under way is given up. */
  cut(reason: ExchangeAborted): void {
    this.#giveUp(reason);
    this.#socket.destroy();
  }

  #expire(): void {
    if (this.#phase === Phase.idle && this.#parser.unread > 0 && !this.#host.stopping) {
      return this.#refuse(new Refusal(408, "the head of the request took too long"));
    }
    if (this.#phase === Phase.idle || this.#phase === Phase.draining) this.#close();
    else if (this.#phase === Phase.lingering) this.#socket.destroy();
  }

  /** A client must send its body at a minimum rate, counted over the time that the server waited for it. */
  #watchRate(body: RequestBody, sinceLast: number): void {
    if (!this.#continued || !this.#input.isEmpty || this.#parser.unread > 0 || this.#input.isHeldBack) return;
    if (!this.#pace.waited(sinceLast, this.#settings)) return;
    this.#keepAlive = false;
    body.end(new HTTPError(408, "the request body came too slowly"));
  }

  #takesTooLong(): void {
    const canSay = !this.#writer.hasHead;
    this.#giveUp(new ExchangeAborted("TIME_LIMIT"));
    if (canSay) this.#refuse(new Refusal(503, "the application took longer than the server allows"));
    else this.#socket.destroy();
  }

  /** Closes our side and lets the client read what was sent: closing both at once could reset the connection under it. */
  #close(): void {
    if (this.#phase >= Phase.lingering) return;
    this.#phase = Phase.lingering;
    // Counted over the whole message.
    this.#discarded = Math.max(this.#pace.bytes, this.#parser.unread + this.#input.bytes);
    this.#input.drop();
    this.#deadline = this.#host.now + lingerMilliseconds;
    this.#socket.end();
    this.#socket.resume();
  }

  #giveUp(reason: ExchangeAborted): void {
    this.#body?.end(reason);
    this.#running?.gone(reason, this.#writer.unsentBytes);
    this.#running = undefined;
  }

  #socketClosed(): void {
    this.#giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#phase = Phase.closed;
    this.#writer.closed();
    this.#host.closed(this);
  }
}

function tooLarge(): Refusal {
  return new Refusal(413, "the body is larger than the server takes");
}
