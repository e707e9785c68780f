import type { Socket } from "node:net";
import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";
import { ClientClock } from "./client-clock.ts";
import { ClientError } from "./client-error.ts";
import { open, type ClientSettings } from "./client-options.ts";
import { announcedLength, variablesOf, type GatewayClient, type GatewayRequest, type GatewayResponse } from "./gateway-client.ts";
import { IncomingResponse, type ResponseSource } from "./incoming-response.ts";
import { resetConnection } from "./reset.ts";
import { OutgoingBody, type BodyTarget } from "./outgoing-body.ts";

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
  const clock = new ClientClock();
  let isClosed = false;
  return {
    async request(request) {
      if (isClosed) throw new ClientError("CLOSED", "the client was closed");
      return new SingleExchange(speech, settings, clock, request).response;
    },
    close() {
      isClosed = true;
    },
  };
}

/** One request and its response, on a connection of its own. */
class SingleExchange implements ResponseSource, BodyTarget {
  readonly #settings: ClientSettings;
  readonly #clock: ClientClock;
  readonly #socket: Socket;
  readonly #incoming: IncomingResponse;
  readonly #outgoing: OutgoingBody | undefined;
  readonly #signal: AbortSignal | undefined;
  #isConnected = false;
  #isOver = false;
  /** Milliseconds for which nothing but the server was waited for. */
  #waited = 0;

  constructor(speech: SingleRequestSpeech, settings: ClientSettings, clock: ClientClock, request: GatewayRequest) {
    const variables = variablesOf(request.variables);
    const length = announcedLength(variables, request.body);
    if (request.body !== undefined && length === undefined)
      throw new TypeError("a request with a body has a CONTENT_LENGTH: nothing else tells the server where it ends");
    const packet = speech.packet(variables);
    request.signal?.throwIfAborted();
    this.#settings = settings;
    this.#clock = clock;
    this.#signal = request.signal;
    const isHead = cgiVariable(variables, "REQUEST_METHOD") === "HEAD";
    this.#incoming = new IncomingResponse({ ...settings, statusLine: speech.statusLine }, isHead, this);
    this.#outgoing = request.body === undefined ? undefined : new OutgoingBody(request.body, length);
    const socket = open(settings.connect);
    this.#socket = socket;
    socket.once("connect", () => this.#connected(packet));
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.#broke(error));
    socket.on("close", () => this.#broke(undefined));
    request.signal?.addEventListener("abort", this.#abort, { once: true });
    clock.add(this);
  }

  get response(): Promise<GatewayResponse> {
    return this.#incoming.response;
  }

  #connected(packet: Buffer): void {
    this.#isConnected = true;
    this.#waited = 0;
    this.#socket.write(packet);
    void this.#outgoing?.sendTo(this);
  }

  // The body of the request.

  send(chunk: Uint8Array): void | Promise<void> {
    if (this.#isOver || this.#socket.write(chunk)) return;
    return new Promise((resolve) => {
      const goOn = (): void => {
        this.#waited = 0;
        this.#socket.off("drain", goOn).off("close", goOn);
        resolve();
      };
      this.#socket.on("drain", goOn).on("close", goOn);
    });
  }

  sent(): void {
    this.#waited = 0;
  }

  failed(error: unknown): void {
    this.#give(error);
  }

  // The response.

  #received(chunk: Buffer): void {
    this.#waited = 0;
    if (this.#isOver) return;
    try {
      this.#incoming.push(chunk);
      // It need not be waited for until the server closes the connection.
      if (this.#incoming.isWhole) return this.#finish();
    } catch (error) {
      return this.#give(error);
    }
    if (this.#incoming.waitingBytes > maxWaitingBytes) this.#socket.pause();
  }

  /** The libuv of Node.js before 26 reports a reset that comes close behind the last bytes as an orderly end; a write of nothing fails then. */
  #ended(): void {
    if (this.#isOver) return;
    if ("path" in this.#settings.connect) return this.#endResponse();
    this.#socket.write("", (error) => {
      if (error) this.#broke(error);
      else this.#endResponse();
    });
  }

  #endResponse(): void {
    if (this.#isOver) return;
    try {
      this.#finish();
    } catch (error) {
      this.#give(error);
    }
  }

  #finish(): void {
    this.#incoming.end();
    this.#stop();
    this.#socket.destroy();
  }

  #broke(error: Error | undefined): void {
    if (this.#isOver) return;
    const cause = error === undefined ? undefined : { cause: error };
    if (this.#isConnected) this.#give(new ClientError("TRUNCATED", "the connection broke before the response was whole", cause));
    else this.#give(new ClientError("CONNECT_FAILED", "the server cannot be reached", cause));
  }

  taken(): void {
    if (this.#socket.isPaused() && this.#incoming.waitingBytes <= maxWaitingBytes / 2) this.#socket.resume();
    this.#waited = 0;
  }

  left(): void {
    this.#stop();
    this.#leave();
  }

  readonly #abort = (): void => this.#give(this.#signal?.reason);

  tick(sinceLast: number): void {
    const waitsForServer = !this.#isConnected || (this.#outgoing?.isPulling !== true && !this.#socket.isPaused());
    this.#waited = waitsForServer ? this.#waited + sinceLast : 0;
    const { connectSeconds, idleSeconds } = this.#settings;
    if (!this.#isConnected && this.#waited > connectSeconds * 1000)
      this.#give(new ClientError("CONNECT_FAILED", `the server cannot be reached in ${connectSeconds} seconds`));
    else if (this.#isConnected && this.#waited > idleSeconds * 1000)
      this.#give(new ClientError("TIME_LIMIT", `the server did nothing for ${idleSeconds} seconds`));
  }

  /** Gives the request up. */
  #give(error: unknown): void {
    if (this.#isOver) return;
    this.#stop();
    this.#incoming.fail(error);
    this.#leave();
  }

  #stop(): void {
    this.#isOver = true;
    this.#outgoing?.stop();
    this.#clock.delete(this);
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** So that the server can see it: the end of one side alone could also mean that the answer is waited for. */
  #leave(): void {
    resetConnection(this.#socket);
  }
}
