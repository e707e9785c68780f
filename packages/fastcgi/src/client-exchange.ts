import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";
import {
  announcedLength,
  IncomingResponse,
  isIdempotent,
  OutgoingBody,
  ServerPatience,
  variablesOf,
  type GatewayRequest,
  type GatewayResponse,
  type ResponseSource,
} from "@gateway/sockets";
import type { ClientConnection, ConnectionPool } from "./client-connection.ts";

/** One request of a client and its response, wherever it runs. */
export class ClientExchange implements ResponseSource {
  readonly variables: CgiVariables;
  readonly incoming: IncomingResponse;
  readonly outgoing: OutgoingBody | undefined;
  readonly #pool: ConnectionPool;
  /** Takes what the server writes to its standard error. */
  readonly onErrors: (text: string) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #isIdempotent: boolean;
  readonly #patience: ServerPatience;
  #connection: ClientConnection | undefined = undefined;
  #wasRepeated = false;
  #isOver = false;

  /** @throws {TypeError} for a request that cannot be sent; the reason of a signal that is aborted. */
  constructor(request: GatewayRequest, pool: ConnectionPool) {
    this.variables = variablesOf(request.variables);
    const length = announcedLength(this.variables, request.body);
    request.signal?.throwIfAborted();
    const method = cgiVariable(this.variables, "REQUEST_METHOD") ?? "";
    this.#pool = pool;
    this.#signal = request.signal;
    this.onErrors = request.onErrors ?? pool.settings.onErrors;
    this.#isIdempotent = isIdempotent(method);
    this.#patience = new ServerPatience(pool.settings);
    this.incoming = new IncomingResponse({ ...pool.settings, statusLine: false }, method === "HEAD", this);
    this.outgoing = request.body === undefined ? undefined : new OutgoingBody(request.body, length);
    request.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  get response(): Promise<GatewayResponse> {
    return this.incoming.response;
  }

  /** It is as good to send it a second time, and nothing has come of it so far. */
  get mayRepeat(): boolean {
    return this.#isIdempotent && this.outgoing === undefined && !this.incoming.hasBegun;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  placed(connection: ClientConnection): void {
    this.#connection = connection;
    this.#patience.progressed();
  }

  /** The server took or gave something. */
  progressed(): void {
    this.#patience.progressed();
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
    if (!wasKept || !this.mayRepeat || this.#wasRepeated) return this.fail(error);
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
    const isServers = mayTake && (this.#isOver || this.outgoing?.isPulling !== true);
    const isAnswer = !this.#isOver && this.outgoing?.isOver !== false && !this.incoming.hasHead;
    const error = this.#patience.tick(sinceLast, { isServers, isAnswer });
    if (error === undefined) return true;
    if (this.#isOver) return false;
    this.#giveUp(error);
    this.#patience.progressed();
    return true;
  }

  // What the body of the response asks.

  taken(): void {
    this.#patience.progressed();
    this.#connection?.taken();
  }

  left(): void {
    this.#stop();
    this.#connection?.abandon(this);
  }
}
