import type { Socket } from "node:net";
import { ExchangeAborted, statusLine, type Application, type Environ, type HeaderList } from "@gateway/core";
import { emptyInput, inputStream, run, type Head, type Running, type Sink } from "@gateway/core/gateway";
import { makeEnviron, type ConnectionFacts } from "./environ.ts";
import type { RefusedRequest, Settings } from "./options.ts";
import { RequestParser } from "./parser.ts";
import { Refusal } from "./refusal.ts";
import { RequestBody, type BodyConnection } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";
import { Framing, framingOf, headText, refusalText } from "./response-head.ts";

/** What a connection asks of its server. */
export interface ConnectionHost {
  readonly app: Application;
  readonly settings: Settings;
  /** No further request is to be served on any connection. */
  readonly stopping: boolean;
  /** Milliseconds on the clock of `performance.now()`, as of the last second: nobody asks the system once a request. */
  readonly now: number;
  refused(request: RefusedRequest): void;
  closed(connection: Connection): void;
}

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

/** What may wait in memory while nobody pulls it: then the socket is paused, and the client has to wait. */
const maxWaitingBytes = 64 * 1024;
/** Up to here a chunk is sent in one string with what goes around it: one copy is cheaper than one more write. */
const smallBytes = 4 * 1024;
const lingerMilliseconds = 2000;
const lingerBytes = 256 * 1024;

const continueLine = "HTTP/1.1 100 Continue\r\n\r\n";

/** One socket: requests in, one at a time, and responses out in the same order. The sink of each response in its turn. */
export class Connection implements Sink, BodyConnection {
  /** When {@link expire} is to be called, in milliseconds on the clock of {@link ConnectionHost.now}; the server looks once a second. */
  deadline: number;

  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #facts: ConnectionFacts;
  readonly #parser: RequestParser;
  readonly #serveOne: boolean;
  #phase: number = Phase.idle;
  /** Came from the socket and is not parsed yet. */
  readonly #incoming: Buffer[] = [];
  #incomingBytes = 0;
  /** The client has closed its side. */
  #ended = false;
  #anyRequest = false;
  /** When the head that has begun to come must have come whole. */
  #headDeadline: number | undefined = undefined;
  #discarded = 0;

  // The request that is being served.
  #request: RequestHead | undefined = undefined;
  #body: RequestBody | undefined = undefined;
  #running: Running | undefined = undefined;
  #inRun = false;
  #answered = false;
  #keepAlive = false;
  #continued = false;

  // Its response.
  #head: Head | undefined = undefined;
  #headSent = false;
  #framing: number = Framing.length;
  /** A whole small body, held back until `end` so that all goes out in one write. */
  #held: Uint8Array | undefined = undefined;
  #sentBytes = 0;
  #drained: { promise: Promise<void>; resolve(): void } | undefined = undefined;
  #flushed: (() => void) | undefined = undefined;

  constructor(socket: Socket, host: ConnectionHost, facts: ConnectionFacts, serveOne = false) {
    this.#socket = socket;
    this.#host = host;
    this.#facts = facts;
    this.#serveOne = serveOne;
    this.#parser = new RequestParser(host.settings);
    this.deadline = host.now + host.settings.silentSeconds * 1000;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#clientEnded());
    socket.on("drain", () => this.#unblock());
    // What went wrong is told by "close", which follows; without a listener the process would end.
    socket.on("error", () => {});
    socket.on("close", () => this.#socketClosed());
  }

  // In: bytes to requests.

  #received(chunk: Buffer): void {
    switch (this.#phase) {
      case Phase.idle:
        this.#parser.push(chunk);
        return this.#serve();
      case Phase.busy:
        this.#wait(chunk);
        return this.#body?.arrived();
      case Phase.draining:
        this.#wait(chunk);
        this.#drain();
        return this.#serve();
      case Phase.lingering:
        this.#discarded += chunk.length;
        if (this.#discarded > lingerBytes) this.#socket.destroy();
    }
  }

  #wait(chunk: Buffer): void {
    this.#incoming.push(chunk);
    this.#incomingBytes += chunk.length;
    if (this.#incomingBytes > maxWaitingBytes) this.#socket.pause();
  }

  /** Hands the parser the next bytes that wait. @returns whether there were any. */
  #feed(): boolean {
    const chunk = this.#incoming.shift();
    if (chunk === undefined) return false;
    this.#incomingBytes -= chunk.length;
    if (this.#socket.isPaused() && this.#incomingBytes <= maxWaitingBytes / 2) this.#socket.resume();
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
    const { headerSeconds, keepAliveSeconds } = this.#host.settings;
    // A total: the deadline of a head that has begun is not moved by its further bytes.
    if (this.#parser.unread > 0) this.#headDeadline ??= this.#host.now + headerSeconds * 1000;
    else this.#headDeadline = undefined;
    if (this.#headDeadline !== undefined) this.deadline = this.#headDeadline;
    else if (this.#anyRequest) this.deadline = this.#host.now + keepAliveSeconds * 1000;
  }

  #begin(head: RequestHead): void {
    this.#request = head;
    this.#body = this.#parser.bodyEnded ? undefined : new RequestBody(this);
    this.#keepAlive = head.keepAlive && !this.#serveOne;
    this.#anyRequest = true;
    this.#continued = !head.expectsContinue;
    this.#answered = false;
    this.#head = undefined;
    this.#headSent = false;
    this.#sentBytes = 0;
    this.#headDeadline = undefined;
    this.deadline = Infinity;
    const input =
      this.#body === undefined ? emptyInput : inputStream(this.#body, { maxReadBytes: this.#host.settings.maxReadBytes });
    let environ: Environ;
    try {
      environ = makeEnviron(head, input, this.#facts);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#phase = Phase.busy;
    this.#inRun = true;
    const running = run(this.#host.app, environ, this);
    this.#inRun = false;
    if (this.#answered) this.#next();
    else this.#running = running;
  }

  /** The response was handed over: what becomes of the connection? */
  #next(): void {
    if (this.#phase !== Phase.busy) return;
    this.#running = undefined;
    if (!this.#keepAlive) return this.#close();
    this.#body?.end(new Error("wsgi.input was read after the response had ended"));
    this.#body = undefined;
    if (this.#parser.bodyEnded) {
      this.#phase = Phase.idle;
      return;
    }
    this.#phase = Phase.draining;
    this.#discarded = 0;
    this.deadline = this.#host.now + lingerMilliseconds;
    this.#drain();
  }

  /** Throws away what the application left of the body, so that the next request can be read; up to a limit. */
  #drain(): void {
    try {
      for (;;) {
        const piece = this.piece();
        if (piece === undefined) break;
        this.#discarded += piece.length;
        if (this.#discarded > this.#host.settings.drainBytes) return this.#close();
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
        if (piece !== undefined || this.#parser.bodyEnded || !this.#feed()) return piece;
      }
    } catch (error) {
      // Where the next request would begin is not known any more.
      this.#keepAlive = false;
      throw error;
    }
  }

  wanted(): void {
    if (this.#ended) return this.#body?.cut();
    if (this.#continued) return;
    this.#continued = true;
    if (this.#head === undefined) this.#socket.write(continueLine, "latin1");
  }

  #clientEnded(): void {
    this.#ended = true;
    switch (this.#phase) {
      case Phase.idle:
        return this.#close();
      case Phase.busy:
        // After a whole request this is a half-close: it is answered. In the middle of one nothing more will come.
        this.#keepAlive = false;
        if (this.#incoming.length === 0) this.#body?.cut();
        return;
      case Phase.draining:
        this.#drain();
        return this.#serve();
    }
  }

  #refuse(error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal(500, "the request could not be read");
    this.#host.refused({ code: refusal.code, reason: refusal.message, remoteAddress: this.#facts.remoteAddress });
    this.#socket.write(refusalText(statusLine(refusal.code), refusal.message, this.#host.settings.serverHeader), "latin1");
    this.#close();
  }

  // Out: the sink of the response.

  head(head: Head): void {
    this.#head = head;
    const request = this.#request;
    this.#framing = framingOf(head, request?.minor ?? 1);
    if (this.#framing === Framing.close || this.#host.stopping) this.#keepAlive = false;
    // A body that the client still holds back, or that is longer than would be drained, is not waited for.
    if (!this.#parser.bodyEnded && (!this.#continued || this.#parser.remaining > this.#host.settings.drainBytes))
      this.#keepAlive = false;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#sentBytes += chunk.byteLength;
    if (!this.#headSent && this.#head?.length === chunk.byteLength) {
      this.#held = chunk;
      return;
    }
    const before = this.#headSent ? "" : this.#headText();
    if (this.#framing === Framing.chunked) this.#send(`${before}${chunk.byteLength.toString(16)}\r\n`, chunk, "\r\n");
    else this.#send(before, chunk, "");
    return this.#socket.writableNeedDrain ? this.#whenDrained() : undefined;
  }

  end(): void | Promise<void> {
    if (this.#framing === Framing.chunked) this.#socket.write(`${this.#headSent ? "" : this.#headText()}0\r\n\r\n`, "latin1");
    else if (!this.#headSent) this.#sendHeld();
    if (this.#socket.writableLength === 0) return this.#handedOver();
    return new Promise((resolve) => {
      this.#flushed = () => {
        this.#flushed = undefined;
        resolve();
        this.#handedOver();
      };
      this.#socket.write("", () => this.#flushed?.());
    });
  }

  abort(): void {
    if (!this.#headSent) this.#sendHeld();
    if (this.#framing !== Framing.close) return this.#close();
    // Where only the end of the connection ends the body, nothing but a reset shows that it is not whole. Unix sockets have none.
    if (this.#facts.remotePort !== undefined && this.#facts.scheme === "http") this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  earlyHints(headers: HeaderList): void {
    if (this.#request?.minor !== 1) return;
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#socket.write(`HTTP/1.1 103 Early Hints\r\n${lines}\r\n`, "latin1");
  }

  #headText(): string {
    const head = this.#head;
    if (head === undefined) return "";
    this.#headSent = true;
    return headText(head, this.#request?.minor ?? 1, this.#keepAlive, this.#host.settings.serverHeader);
  }

  /** The head, and the body that was held back to go with it. */
  #sendHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) this.#socket.write(this.#headText(), "latin1");
    else this.#send(this.#headText(), held, "");
  }

  #send(before: string, chunk: Uint8Array, after: string): void {
    if (chunk.byteLength <= smallBytes) {
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
      this.#socket.write(before + text + after, "latin1");
      return;
    }
    this.#socket.cork();
    if (before !== "") this.#socket.write(before, "latin1");
    this.#socket.write(chunk);
    if (after !== "") this.#socket.write(after, "latin1");
    this.#socket.uncork();
  }

  /** The bytes are with the system. The run loop goes first: it closes the body of this response before the next one is begun. */
  #handedOver(): void {
    this.#answered = true;
    if (this.#inRun) return;
    queueMicrotask(() => {
      this.#next();
      this.#serve();
    });
  }

  #whenDrained(): Promise<void> {
    if (this.#drained === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#drained = { promise, resolve };
    }
    return this.#drained.promise;
  }

  #unblock(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  // The end.

  /** The server stops: an idle connection is closed, a busy one after its answer. */
  stop(): void {
    this.#keepAlive = false;
    if (this.#phase === Phase.idle || this.#phase === Phase.draining) this.#close();
  }

  /** Ends it now; a response under way is given up. */
  cut(reason: ExchangeAborted): void {
    this.#giveUp(reason);
    this.#socket.destroy();
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.#phase === Phase.idle && this.#parser.unread > 0)
      this.#refuse(new Refusal(408, "the head of the request took too long"));
    else if (this.#phase === Phase.idle) this.#close();
    else this.#socket.destroy();
  }

  /** Closes our side and lets the client read what was sent: closing both at once could reset the connection under it. */
  #close(): void {
    if (this.#phase >= Phase.lingering) return;
    this.#phase = Phase.lingering;
    this.#discarded = 0;
    this.#incoming.length = 0;
    this.deadline = this.#host.now + lingerMilliseconds;
    this.#socket.end();
    this.#socket.resume();
  }

  #giveUp(reason: ExchangeAborted): void {
    this.#body?.end(reason);
    const unsent = Math.min(this.#sentBytes, this.#socket.writableLength);
    this.#running?.gone(reason, unsent);
    this.#running = undefined;
  }

  #socketClosed(): void {
    this.#giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#phase = Phase.closed;
    this.#unblock();
    this.#flushed?.();
    this.#host.closed(this);
  }
}
