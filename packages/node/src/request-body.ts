import type { IncomingMessage } from "node:http";
import { HTTPError } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";

/** How much is read ahead of the application. */
const highWaterBytes = 64 * 1024;

/** May the request have a body? A server of HTTP/1 knows of each by one of these headers (RFC 9112, section 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const { headers, httpVersionMajor } = request;
  const length = headers["content-length"];
  if (length !== undefined) return length !== "0";
  return headers["transfer-encoding"] !== undefined || (httpVersionMajor > 1 && !request.complete);
}

/** The body of a request, as `wsgi.input` pulls it. Nothing listens to the request until somebody reads. */
export class RequestBody implements ChunkSource {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  #given = 0;
  #isListening = false;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #hasEnded = false;
  #error: unknown = undefined;
  #waiting: { resolve(chunk: Uint8Array | undefined): void; reject(error: unknown): void } | undefined = undefined;

  constructor(request: IncomingMessage, maxBytes: number) {
    this.#request = request;
    this.#maxBytes = maxBytes;
  }

  pull(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#error !== undefined && this.#queue.length === 0) throw this.#error;
    if (!this.#isListening) this.#listen();
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.byteLength;
      return this.#counted(chunk);
    }
    if (this.#hasEnded) return undefined;
    if (this.#error !== undefined) throw this.#error;
    this.#request.resume();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** The response is over, or the client has left. What is left of the body is read and thrown away, so that another request can follow. */
  end(reason: Error): void {
    if (this.#isListening && !this.#hasEnded) {
      const request = this.#request;
      request.off("data", this.#received).off("end", this.#ended).off("close", this.#closed);
      request.resume();
    }
    this.#isListening = true;
    this.#queue.length = 0;
    this.#fail(reason);
  }

  #listen(): void {
    const request = this.#request;
    this.#isListening = true;
    // An empty body has its end and nothing else.
    if (request.readableEnded && !request.readableDidRead) {
      this.#hasEnded = true;
      return;
    }
    if (request.readableDidRead || request.readableEncoding !== null) {
      throw (this.#error = new Error(
        "the request body was read before toNode() got it, by a body parser (express.json(), Fastify's own) perhaps: " +
          "mount the handler before the parser, or give the option body: (request) => request.rawBody",
      ));
    }
    request.on("data", this.#received).on("end", this.#ended).on("close", this.#closed).on("error", this.#broke);
    // Gone already: there will be no event.
    if (request.destroyed) this.#closed();
  }

  readonly #received = (chunk: Uint8Array): void => {
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      try {
        waiting.resolve(this.#counted(chunk));
      } catch (error) {
        this.#error = error;
        waiting.reject(error);
      }
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes >= highWaterBytes) this.#request.pause();
  };

  readonly #ended = (): void => {
    this.#hasEnded = true;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  };

  /** Without an end before it: the body is not whole. */
  readonly #closed = (): void => {
    if (!this.#hasEnded) this.#fail(new HTTPError(400, "the request body was cut short"));
  };

  readonly #broke = (cause: Error): void => {
    if (!this.#hasEnded) this.#fail(new HTTPError(400, "the request body was cut short", { cause }));
  };

  #fail(error: unknown): void {
    this.#error ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  #counted(chunk: Uint8Array): Uint8Array {
    this.#given += chunk.byteLength;
    if (this.#given > this.#maxBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
    return chunk;
  }
}
