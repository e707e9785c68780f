import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

/** A request. */
export interface FrontRequest {
  /** Sent in this order, with repeats; values in latin-1. `Host` is added where there is none. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
  /** Sends the body in chunks of 16 KiB, without a Content-Length. */
  readonly isChunked?: boolean;
  /** Keeps its connection for the next request; default: a connection of its own. */
  readonly agent?: HttpAgent;
}

/** A response that has begun. */
interface OpenAnswer {
  readonly status: number;
  readonly reason: string;
  /** All values of a header, in any case, not joined. */
  all(name: string): string[];
  /** The body as it comes. */
  readonly body: IncomingMessage;
  /** Whether the connection had carried a request before. */
  readonly isReused: boolean;
  /** Whether the response was given up, because it did not end. */
  isLate(): boolean;
  /** The client leaves. */
  leave(): void;
}

/** A response that is over. */
export interface Answer extends Omit<OpenAnswer, "body" | "leave" | "isLate"> {
  readonly body: Buffer;
  readonly text: string;
  /** False where the client can see that something of the body is missing. */
  readonly isWhole: boolean;
}

/** No test waits longer for a response, in milliseconds. */
const patience = 15_000;

/** A client of one listener of a front server: paths and headers go over the wire as they are given. */
export class FrontClient {
  readonly #port: number;
  readonly #certificate: string | undefined;

  /** @param certificate speaks TLS, and trusts this one. */
  constructor(port: number, certificate?: string) {
    this.#port = port;
    this.#certificate = certificate;
  }

  /** An agent that keeps one connection. */
  agent(): HttpAgent {
    return this.#certificate === undefined
      ? new HttpAgent({ keepAlive: true, maxSockets: 1 })
      : new HttpsAgent({ keepAlive: true, maxSockets: 1, ca: this.#certificate });
  }

  /** Sends a request; resolves when the response is over. */
  async send(method: string, path: string, request: FrontRequest = {}): Promise<Answer> {
    const open = await this.open(method, path, request);
    const chunks: Buffer[] = [];
    let isWhole = true;
    try {
      for await (const chunk of open.body) chunks.push(chunk as Buffer);
    } catch (error) {
      if (open.isLate()) throw new Error(`no end of the response within ${patience} ms`, { cause: error });
      isWhole = false;
    }
    const body = Buffer.concat(chunks);
    return { ...open, body, text: body.toString(), isWhole: isWhole && open.body.complete };
  }

  /** Sends a request; resolves at the head of the response. */
  open(method: string, path: string, request: FrontRequest = {}): Promise<OpenAnswer> {
    const signal = AbortSignal.timeout(patience);
    const headers = [["Host", `127.0.0.1:${this.#port}`], ...(request.headers ?? [])];
    const { body = new Uint8Array(0), isChunked = false } = request;
    if (isChunked) headers.push(["Transfer-Encoding", "chunked"]);
    else if (request.body !== undefined || !["GET", "HEAD", "OPTIONS"].includes(method))
      headers.push(["Content-Length", String(body.length)]);
    const options: RequestOptions & { headers: never } = {
      host: "127.0.0.1",
      port: this.#port,
      method,
      path,
      signal,
      // Pairs keep order and repeats; the types of Node do not know them.
      headers: headers as never,
      ...(request.agent === undefined ? { agent: false } : { agent: request.agent }),
    };
    const sent =
      this.#certificate === undefined
        ? httpRequest(options)
        : httpsRequest({ ...options, ca: this.#certificate, servername: "localhost" });
    return new Promise((resolve, reject) => {
      // A front server that answers early may reset the rest of the upload; what it answered has come by then, or never will.
      sent.once("error", (error) => reject(signal.aborted ? new Error(`no response within ${patience} ms`) : error));
      sent.once("response", (response) => resolve(opened(sent, response, signal)));
      if (isChunked) sendSlices(sent, body);
      else sent.end(body);
    });
  }
}

function sendSlices(sent: ClientRequest, body: Uint8Array): void {
  for (let at = 0; at < body.length; at += 16 * 1024) sent.write(body.subarray(at, at + 16 * 1024));
  sent.end();
}

function opened(sent: ClientRequest, response: IncomingMessage, signal: AbortSignal): OpenAnswer {
  sent.on("error", () => {});
  const { rawHeaders } = response;
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? "",
    all: (name) => rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name.toLowerCase()),
    body: response,
    isReused: sent.reusedSocket,
    isLate: () => signal.aborted,
    leave: () => void sent.destroy(),
  };
}
