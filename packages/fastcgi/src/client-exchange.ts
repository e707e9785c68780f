import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";
import {
  announcedLength,
  ClientError,
  IncomingResponse,
  OutgoingBody,
  variablesOf,
  type GatewayRequest,
  type GatewayResponse,
  type ResponseSource,
} from "@gateway/sockets";
import type { ClientConnection, ConnectionPool } from "./client-connection.ts";

/** Asking for these a second time changes nothing (RFC 9110, section 9.2.1). */
const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** One request of a client and its response, wherever it runs. */
export class ClientExchange implements ResponseSource {
  readonly variables: CgiVariables;
  readonly incoming: IncomingResponse;
  readonly outgoing: OutgoingBody | undefined;
  readonly #pool: ConnectionPool;
  readonly #signal: AbortSignal | undefined;
  readonly #mayRepeat: boolean;
  #connection: ClientConnection | undefined = undefined;
  #wasRepeated = false;
  #isOver = false;
  /** Milliseconds for which nothing but the server was waited for. */
  #waited = 0;

  /** @throws {TypeError} for a request that cannot be sent; the reason of a signal that is aborted. */
  constructor(request: GatewayRequest, pool: ConnectionPool) {
    this.variables = variablesOf(request.variables);
    const length = announcedLength(this.variables, request.body);
    request.signal?.throwIfAborted();
    const method = cgiVariable(this.variables, "REQUEST_METHOD") ?? "";
    this.#pool = pool;
    this.#signal = request.signal;
    this.#mayRepeat = request.body === undefined && safe.has(method);
    this.incoming = new IncomingResponse({ ...pool.settings, statusLine: false }, method === "HEAD", this);
    this.outgoing = request.body === undefined ? undefined : new OutgoingBody(request.body, length);
    request.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  get response(): Promise<GatewayResponse> {
    return this.incoming.response;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  placed(connection: ClientConnection): void {
    this.#connection = connection;
    this.#waited = 0;
  }

  /** The server took or gave something. */
  progressed(): void {
    this.#waited = 0;
  }

  /** The response is whole, as the server says. */
  finish(): void {
    try {
      this.incoming.end();
      this.#stop();
    } catch (error) {
      this.fail(error);
    }
  }

  /** @param wasKept the connection had served others before. */
  lost(error: unknown, wasKept: boolean): void {
    if (this.#isOver) return;
    if (!wasKept || !this.#mayRepeat || this.#wasRepeated || this.incoming.hasBegun) return this.fail(error);
    this.#wasRepeated = true;
    this.#connection = undefined;
    this.#pool.again(this);
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#stop();
    this.incoming.fail(error);
  }

  #stop(): void {
    this.#isOver = true;
    this.outgoing?.stop();
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  readonly #abort = (): void => this.#giveUp(this.#signal?.reason);

  #giveUp(error: unknown): void {
    if (this.#isOver) return;
    this.fail(error);
    this.#pool.forget(this);
    this.#connection?.abandon(this);
  }

  /**
   * @param mayTake whether the connection reads, and is not held up by a response that nobody reads.
   * @returns whether the server has still to be waited for, be it for no more than the end of what was given up.
   */
  tick(sinceLast: number, mayTake: boolean): boolean {
    const waitsForServer = mayTake && (this.#isOver || this.outgoing?.isPulling !== true);
    this.#waited = waitsForServer ? this.#waited + sinceLast : 0;
    const { idleSeconds } = this.#pool.settings;
    if (this.#waited <= idleSeconds * 1000) return true;
    if (this.#isOver) return false;
    this.#giveUp(new ClientError("TIME_LIMIT", `the server did nothing for ${idleSeconds} seconds`));
    this.#waited = 0;
    return true;
  }

  // What the body of the response asks.

  taken(): void {
    this.#waited = 0;
    this.#connection?.taken();
  }

  left(): void {
    this.#stop();
    this.#connection?.abandon(this);
  }
}
