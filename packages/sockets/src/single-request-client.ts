import type { Socket } from "node:net";
import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";
import { ClientClock } from "./client-clock.ts";
import { ClientError } from "./client-error.ts";
import { open, type ClientSettings } from "./client-options.ts";
import { announcedLength, variablesOf, type GatewayClient, type GatewayRequest, type GatewayResponse } from "./gateway-client.ts";
import type { ResponseSource } from "./incoming-body.ts";
import { IncomingResponse } from "./incoming-response.ts";
import { OutgoingBody, type BodyTarget } from "./outgoing-body.ts";
import { resetConnection } from "./reset.ts";
import { ServerPatience } from "./server-patience.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** What a client of a protocol with one request on each connection has of its own. */
export interface SingleRequestSpeech {
  /** The bytes of a request before its body. @throws {TypeError|RangeError} for variables that cannot be sent. */
  packet(variables: CgiVariables): Buffer;
  /** Whether responses may begin with a status line of HTTP. */
  readonly statusLine: boolean;
}

/** What may wait of a body that nobody reads: then the server has to wait. */
const maxWaitingBytes = 64 * 1024;

/** Makes a client for SCGI or uwsgi. Each request has a connection of its own. */
export function makeSingleRequestClient(speech: SingleRequestSpeech, settings: ClientSettings): GatewayClient {
  return new SingleRequestClient(speech, settings);
}

class SingleRequestClient implements GatewayClient {
  readonly speech: SingleRequestSpeech;
  readonly settings: ClientSettings;
  readonly clock = new ClientClock();
  readonly #queue: WaitingQueue<SingleExchange>;
  #open = 0;
  #isClosed = false;

  constructor(speech: SingleRequestSpeech, settings: ClientSettings) {
    this.speech = speech;
    this.settings = settings;
    this.#queue = new WaitingQueue(settings, this.clock);
  }

  async request(request: GatewayRequest): Promise<GatewayResponse> {
    if (this.#isClosed) throw new ClientError("CLOSED", "the client was closed");
    const exchange = new SingleExchange(this, request);
    if (this.#open < this.settings.maxConnections) this.#begin(exchange);
    else this.#queue.add(exchange);
    return exchange.response;
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.clear(new ClientError("CLOSED", "the client was closed"));
  }

  #begin(exchange: SingleExchange): void {
    this.#open++;
    exchange.begin();
  }

  /** It waits for a connection no longer. */
  forget(exchange: SingleExchange): void {
    this.#queue.delete(exchange);
  }

  /** A connection is closed: the next may begin. */
  closed(): void {
    this.#open--;
    const next = this.#queue.shift();
    if (next !== undefined) this.#begin(next);
  }
}

/** One request and its response, on a connection of its own. */
class SingleExchange implements ResponseSource, BodyTarget {
  readonly #client: SingleRequestClient;
  readonly #packet: Buffer;
  readonly #incoming: IncomingResponse;
  readonly #outgoing: OutgoingBody | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #patience: ServerPatience;
  /** Once there is room for it. */
  #socket: Socket | undefined = undefined;
  #isConnected = false;
  #isOver = false;
  /** Milliseconds for which the connection was waited for. */
  #connecting = 0;

  constructor(client: SingleRequestClient, request: GatewayRequest) {
    const { settings, speech } = client;
    const variables = variablesOf(request.variables);
    const length = announcedLength(variables, request.body);
    if (request.body !== undefined && length === undefined)
      throw new TypeError("a request with a body has a CONTENT_LENGTH: nothing else tells the server where it ends");
    this.#packet = speech.packet(variables);
    request.signal?.throwIfAborted();
    this.#client = client;
    this.#signal = request.signal;
    this.#patience = new ServerPatience(settings);
    const isHead = cgiVariable(variables, "REQUEST_METHOD") === "HEAD";
    this.#incoming = new IncomingResponse({ ...settings, statusLine: speech.statusLine }, isHead, this);
    this.#outgoing = request.body === undefined ? undefined : new OutgoingBody(request.body, length);
    request.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  get response(): Promise<GatewayResponse> {
    return this.#incoming.response;
  }

  begin(): void {
    const socket = open(this.#client.settings.connect);
    this.#socket = socket;
    socket.once("connect", () => this.#connected(socket));
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.#broke(error));
    socket.on("close", () => {
      this.#broke(undefined);
      this.#client.closed();
    });
    this.#client.clock.add(this);
  }

  #connected(socket: Socket): void {
    this.#isConnected = true;
    socket.write(this.#packet);
    void this.#outgoing?.sendTo(this);
  }

  // The body of the request.

  send(chunk: Uint8Array): void | Promise<void> {
    const socket = this.#socket;
    if (this.#isOver || socket === undefined || socket.write(chunk)) return;
    return new Promise((resolve) => {
      const goOn = (): void => {
        this.#patience.progressed();
        socket.off("drain", goOn).off("close", goOn);
        resolve();
      };
      socket.on("drain", goOn).on("close", goOn);
    });
  }

  sent(): void {
    this.#patience.progressed();
  }

  failed(error: unknown): void {
    this.fail(error);
  }

  // The response.

  #received(chunk: Buffer): void {
    this.#patience.progressed();
    if (this.#isOver) return;
    try {
      this.#incoming.push(chunk);
      // It need not be waited for until the server closes the connection.
      if (this.#incoming.isWhole) return this.#finish();
    } catch (error) {
      return this.fail(error);
    }
    if (this.#incoming.waitingBytes > maxWaitingBytes) this.#socket?.pause();
  }

  /** The libuv of Node.js before 26 reports a reset that comes close behind the last bytes as an orderly end; a write of nothing fails then. */
  #ended(): void {
    if (this.#isOver) return;
    if ("path" in this.#client.settings.connect) return this.#endResponse();
    this.#socket?.write("", (error) => {
      if (error) this.#broke(error);
      else this.#endResponse();
    });
  }

  #endResponse(): void {
    if (this.#isOver) return;
    try {
      this.#finish();
    } catch (error) {
      this.fail(error);
    }
  }

  #finish(): void {
    this.#incoming.end();
    this.#stop();
    this.#socket?.destroy();
  }

  #broke(error: Error | undefined): void {
    if (this.#isOver) return;
    const cause = error === undefined ? undefined : { cause: error };
    if (this.#isConnected) this.fail(new ClientError("TRUNCATED", "the connection broke before the response was whole", cause));
    else this.fail(new ClientError("CONNECT_FAILED", "the server cannot be reached", cause));
  }

  taken(): void {
    const socket = this.#socket;
    if (socket?.isPaused() === true && this.#incoming.waitingBytes <= maxWaitingBytes / 2) socket.resume();
    this.#patience.progressed();
  }

  left(): void {
    this.#stop();
    this.#leave();
  }

  readonly #abort = (): void => this.fail(this.#signal?.reason);

  tick(sinceLast: number): void {
    const { connectSeconds } = this.#client.settings;
    if (!this.#isConnected) {
      this.#connecting += sinceLast;
      if (this.#connecting > connectSeconds * 1000)
        this.fail(new ClientError("CONNECT_TIME_LIMIT", `the server cannot be reached in ${connectSeconds} seconds`));
      return;
    }
    const isServers = this.#outgoing?.isPulling !== true && this.#socket?.isPaused() !== true;
    const isAnswer = this.#outgoing?.isOver !== false && !this.#incoming.hasHead;
    const error = this.#patience.tick(sinceLast, { isServers, isAnswer });
    if (error !== undefined) this.fail(error);
  }

  /** Gives the request up. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#stop();
    this.#incoming.fail(error);
    this.#leave();
  }

  #stop(): void {
    this.#isOver = true;
    this.#outgoing?.stop();
    this.#client.clock.delete(this);
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** So that the server can see it: the end of one side alone could also mean that the answer is waited for. */
  #leave(): void {
    if (this.#socket === undefined) this.#client.forget(this);
    else resetConnection(this.#socket);
  }
}
