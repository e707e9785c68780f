import type { HeaderList } from "@gateway/core";
import {
  ClientError,
  IncomingBody,
  isIdempotent,
  OutgoingBody,
  ServerPatience,
  type BodyTarget,
  type GatewayResponse,
  type ResponseSource,
} from "@gateway/sockets";
import type { HttpConnection } from "./http-connection.ts";
import type { HttpPool } from "./http-pool.ts";
import { endToEnd, type Persistence, persistenceOf, type ResponseHead } from "./response-head.ts";
import { ResponseReader, type ResponseListener } from "./response-reader.ts";

/** A request to one server. */
export interface HttpRequest {
  readonly method: string;
  /** Request line and header lines, with the empty line; latin-1. */
  readonly head: string;
  readonly body: AsyncIterable<Uint8Array> | undefined;
  /** Of the body; `undefined` where it goes in chunks. */
  readonly length: number | undefined;
  /** The head asks for a 100 before the body. */
  readonly expectsContinue: boolean;
  /** Gives the request up. */
  readonly signal: AbortSignal;
  /** Told of a 103. */
  readonly onHints: (headers: HeaderList) => void;
}

/** One request and its response, on whatever connection. */
export class HttpExchange implements ResponseListener, ResponseSource {
  readonly request: HttpRequest;
  readonly response: Promise<GatewayResponse>;
  readonly #pool: HttpPool;
  readonly #body: IncomingBody;
  readonly #outgoing: OutgoingBody | undefined;
  readonly #patience: ServerPatience;
  #resolve: (response: GatewayResponse) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #connection: HttpConnection | undefined = undefined;
  #reader: ResponseReader;
  #persistence: Persistence = { isKept: false, seconds: 0 };
  #hasHead = false;
  #isOver = false;
  #wasRepeated = false;
  /** What is left of the time that the body waits for a 100, in milliseconds; -1 where it does not wait. */
  #holding = -1;
  #target: BodyTarget | undefined = undefined;

  /** @throws the reason of a signal that is aborted. */
  constructor(request: HttpRequest, pool: HttpPool) {
    request.signal.throwIfAborted();
    this.request = request;
    this.#pool = pool;
    this.#body = new IncomingBody(this);
    this.#outgoing = request.body === undefined ? undefined : new OutgoingBody(request.body, request.length);
    this.#patience = new ServerPatience(pool.settings);
    this.#reader = this.#newReader();
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever asked hears of it; nobody else must.
    this.response.catch(() => {});
    request.signal.addEventListener("abort", this.#abort, { once: true });
  }

  #newReader(): ResponseReader {
    return new ResponseReader(this.#pool.settings, this.request.method === "HEAD", this);
  }

  /** It is as good to send it a second time, and nothing has come of it so far. */
  get mayRepeat(): boolean {
    return isIdempotent(this.request.method) && this.#outgoing === undefined && !this.#reader.hasBegun;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Of the body of the response, and not read yet. */
  get waitingBytes(): number {
    return this.#body.waitingBytes;
  }

  /** The end of the connection would be the end of the response. */
  get endsWithConnection(): boolean {
    return this.#reader.endsWithConnection;
  }

  /** How long the connection may be kept, in seconds; 0 where no request can follow this one. */
  get keptSeconds(): number {
    const isSent = this.#outgoing === undefined || (this.#outgoing.isOver && this.#wasSent);
    return this.#persistence.isKept && isSent ? this.#persistence.seconds : 0;
  }

  #wasSent = false;

  /** It runs on this connection, which is there. */
  placed(connection: HttpConnection, target: BodyTarget): void {
    this.#connection = connection;
    this.#target = target;
    this.#patience.progressed();
    if (this.request.expectsContinue && this.#outgoing !== undefined) this.#holding = this.#pool.settings.continueSeconds * 1000;
    else this.#sendBody();
  }

  #sendBody(): void {
    this.#holding = -1;
    if (this.#target !== undefined) void this.#outgoing?.sendTo(this.#target);
  }

  /** The body of the request has been sent whole. */
  bodySent(): void {
    this.#wasSent = true;
    this.#patience.progressed();
  }

  /** The server took or gave something. */
  progressed(): void {
    this.#patience.progressed();
  }

  // The response.

  /** @returns what follows the response. @throws {ClientError} for what is no response. */
  push(bytes: Buffer): Buffer {
    this.#patience.progressed();
    return this.#reader.push(bytes);
  }

  /** The connection has ended in an orderly way. @throws {ClientError} where the response is not whole. */
  ended(): void {
    this.#reader.ended();
  }

  informed(head: ResponseHead): void {
    if (head.code === 100 && this.#holding !== -1) this.#sendBody();
    if (head.code === 103) this.request.onHints(endToEnd(head));
  }

  answered(head: ResponseHead): void {
    this.#hasHead = true;
    this.#persistence = persistenceOf(head);
    // Nobody has asked for the body, and now nobody will.
    if (this.#holding !== -1) {
      this.#holding = -1;
      this.#outgoing?.stop();
    }
    this.#resolve({ status: head.status, headers: endToEnd(head), body: this.#body });
  }

  data(chunk: Buffer): void {
    this.#body.push(chunk);
  }

  whole(): void {
    this.#body.end();
    this.#stop();
  }

  // The end.

  /** @param wasKept the connection had served another request before. */
  lost(error: unknown, wasKept: boolean): void {
    if (this.#isOver) return;
    if (!wasKept || !this.mayRepeat || this.#wasRepeated) return this.fail(error);
    this.#wasRepeated = true;
    this.#connection = undefined;
    this.#reader = this.#newReader();
    this.#pool.again(this);
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#stop();
    this.#reject(error);
    this.#body.fail(error);
  }

  #stop(): void {
    this.#isOver = true;
    this.#outgoing?.stop();
    this.request.signal.removeEventListener("abort", this.#abort);
  }

  /** Lets go of the connection too. */
  giveUp(error: unknown): void {
    if (this.#isOver) return;
    this.fail(error);
    this.#leave();
  }

  #leave(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) this.#pool.forget(this);
    else connection.abandon(this);
  }

  readonly #abort = (): void => this.giveUp(this.request.signal.reason);

  /** @param mayRead whether the connection reads, and is not held up by a response that nobody reads. */
  tick(sinceLast: number, mayRead: boolean): void {
    if (this.#holding !== -1) {
      this.#holding -= sinceLast;
      // A server that knows nothing of it waits for the body as well.
      if (this.#holding <= 0) this.#sendBody();
      return;
    }
    const isServers = mayRead && this.#outgoing?.isPulling !== true;
    const isAnswer = this.#outgoing?.isOver !== false && !this.#hasHead;
    const error = this.#patience.tick(sinceLast, { isServers, isAnswer });
    if (error !== undefined) this.giveUp(error);
  }

  // What the body of the response asks.

  taken(): void {
    this.#patience.progressed();
    this.#connection?.taken();
  }

  left(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#reject(new ClientError("CLOSED", "nobody reads the response"));
    this.#leave();
  }

  /** The connection serves others now. */
  detached(): void {
    this.#connection = undefined;
  }
}
