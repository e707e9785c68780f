import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Environ, ResponseBody, StartResponse } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { ExchangeSocket } from "./exchange-socket.ts";
import { incomingRequest } from "./incoming-request.ts";
import { parseHead, type ResponseHead } from "./response-head.ts";

/** How many bytes of a body wait before the handler has to. */
const highWaterBytes = 64 * 1024;
const headEnd = "\r\n\r\n";

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * One request through a handler of `node:http`: a real `IncomingMessage` and a real `ServerResponse` on a socket that is none, so that all which
 * handlers and their middleware do to them works as it does on a server. What the response writes is read back: its head once, then its body.
 */
export class NodeExchange implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;
  readonly #socket: ExchangeSocket;

  #head: ResponseHead | undefined = undefined;
  /** Of a head that has not come whole. */
  #begun: Buffer | undefined = undefined;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isComplete = false;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined = undefined;
  /** Tells the socket that there is room again. */
  #taken: (() => void) | undefined = undefined;
  #needsDrain = false;
  #answering: Waiting<ResponseBody> | undefined = undefined;
  #reading: Waiting<IteratorResult<Uint8Array, undefined>> | undefined = undefined;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
    this.#socket = new ExchangeSocket(environ, (bytes, taken) => this.#received(bytes, taken));
    this.request = incomingRequest(environ, this.#socket, (error) => this.#fail(error));
    const response = new ServerResponse(this.request);
    this.response = response;
    // Framing is the server's.
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    // Of a socket, a response uses what every Duplex has.
    response.assignSocket(this.#socket as unknown as Socket);
    this.#override(response);
    response.on("finish", () => this.#finished());
    this.#socket.on("close", () => this.#broken());
  }

  /** What the application returns, once the handler was called. */
  answer(): ResponseBody | Promise<ResponseBody> {
    if (this.#head !== undefined && (this.#isComplete || this.#failure !== undefined)) return this.#begin(this.#head);
    if (this.#failure !== undefined) throw this.#failure.error;
    const { signal } = this.#environ["gateway.exchange"];
    if (signal.aborted) this.#left(signal.reason);
    const left = (): void => this.#left(signal.reason);
    signal.addEventListener("abort", left, { once: true });
    return new Promise((resolve, reject) => {
      const settled = (): void => signal.removeEventListener("abort", left);
      this.#answering = {
        resolve: (body) => {
          settled();
          resolve(body);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      if (this.#head !== undefined) this.#answerSoon();
      else if (this.#failure !== undefined) this.#answering.reject(this.#failure.error);
    });
  }

  /** The handler threw, or its promise rejected. */
  failed(error: unknown): void {
    // The response is whole, and goes out. There is nobody else to tell.
    if (this.#isComplete) return this.#environ["wsgi.errors"].write(errorText(error));
    this.#fail(error);
    this.#socket.destroy();
  }

  // In: what the handler writes.

  /** Own properties, and not methods of a class, for Express gives responses another prototype; whoever wraps them finds them all the same. */
  #override(response: ServerResponse): void {
    const write = response.write.bind(response) as (...given: unknown[]) => boolean;
    const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
    response.write = (...given: unknown[]): boolean => {
      unframed(response);
      const isTaken = write(...given);
      if (this.#hasRoom()) return isTaken;
      this.#setNeedsDrain(true);
      return false;
    };
    response.end = (...given: unknown[]): ServerResponse => {
      unframed(response);
      end(...given);
      this.#ended();
      return response;
    };
  }

  /** May the handler write more? What it writes within one turn of the loop waits for the end of it. */
  #hasRoom(): boolean {
    return this.#queuedBytes + this.response.writableLength < highWaterBytes;
  }

  #setNeedsDrain(value: boolean): void {
    this.#needsDrain = value;
    Object.defineProperty(this.response, "writableNeedDrain", { value, configurable: true });
  }

  #received(bytes: Buffer, taken: () => void): boolean {
    const body = this.#head === undefined ? this.#readHead(bytes) : bytes;
    if (body !== undefined && body.byteLength > 0 && !this.#isClosed) this.#push(body);
    if (this.#queuedBytes >= highWaterBytes) {
      this.#taken = taken;
      return false;
    }
    // It may all have gone to whoever reads. The socket counts these bytes until this has returned.
    if (this.#needsDrain) process.nextTick(() => this.#makeRoom());
    return true;
  }

  #push(chunk: Uint8Array): void {
    const reading = this.#reading;
    if (reading !== undefined) {
      this.#reading = undefined;
      reading.resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
  }

  /** @returns what comes behind the head; `undefined` before its end. */
  #readHead(bytes: Buffer): Buffer | undefined {
    let rest = this.#begun === undefined ? bytes : Buffer.concat([this.#begun, bytes]);
    for (;;) {
      const end = rest.indexOf(headEnd, 0, "latin1");
      if (end === -1) {
        this.#begun = rest;
        return undefined;
      }
      const head = parseHead(rest.toString("latin1", 0, end));
      rest = rest.subarray(end + headEnd.length);
      if (head.code >= 200) {
        this.#head = head;
        this.#begun = undefined;
        if (this.#answering !== undefined) this.#answerSoon();
        return rest;
      }
      // 100 and 102 are for the server to send.
      if (head.code === 103) this.#environ["gateway.exchange"].earlyHints(head.headers);
    }
  }

  #ended(): void {
    // Whoever wraps the response may still hold some of it, and the socket may.
    if (!this.response.writableEnded || this.response.writableLength > 0) return;
    this.#complete();
  }

  #finished(): void {
    this.#complete();
    // As a server does: nobody reads a body any more, and then the connection is none of theirs.
    if (this.request.complete && !this.request.readableEnded) this.request.resume();
    this.#socket.destroy();
  }

  #complete(): void {
    if (this.#isComplete) return;
    // Its socket was gone, or it said nothing but 101.
    if (this.#head === undefined) return this.#fail(new Error("the handler ended its response without a head that can be sent"));
    this.#isComplete = true;
    this.#reading?.resolve({ done: true, value: undefined });
    this.#reading = undefined;
  }

  #broken(): void {
    if (!this.#isComplete) this.#fail(new Error("the handler destroyed its response before the end"));
  }

  #fail(error: unknown): void {
    if (this.#isComplete || this.#failure !== undefined) return;
    this.#failure = { error };
    // What was written before goes first.
    if (this.#head === undefined) {
      this.#answering?.reject(error);
      this.#answering = undefined;
    }
    this.#reading?.reject(error);
    this.#reading = undefined;
  }

  // Out: what the server asks for.

  /** What is written within one turn belongs together: it may be the whole response. */
  #answerSoon(): void {
    queueMicrotask(() => {
      const answering = this.#answering;
      if (answering === undefined || this.#head === undefined) return;
      this.#answering = undefined;
      try {
        answering.resolve(this.#begin(this.#head));
      } catch (error) {
        answering.reject(error);
        this.#fail(error);
        this.#socket.destroy();
      }
    });
  }

  #begin(head: ResponseHead): ResponseBody {
    this.#startResponse(head.status, head.headers);
    if (!this.#isComplete) return this;
    this.#isClosed = true;
    return this.#queue;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.byteLength;
      this.#makeRoom();
      return { done: false, value: chunk };
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isComplete) return { done: true, value: undefined };
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
    });
  }

  #makeRoom(): void {
    if (this.#queuedBytes >= highWaterBytes) return;
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
    if (!this.#needsDrain || !this.#hasRoom()) return;
    this.#setNeedsDrain(false);
    this.response.emit("drain");
  }

  /** The server wants no more: before the end, this is a client that has left. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isComplete || this.#queue.length > 0) this.#left(this.#environ["gateway.exchange"].signal.reason);
  }

  #left(reason: unknown): void {
    this.#isClosed = true;
    this.#fail(reason);
    this.#queue.length = 0;
    const reset = Object.assign(new Error("aborted", { cause: reason }), { code: "ECONNRESET" });
    if (!this.request.destroyed) this.request.destroy(reset);
    this.#socket.destroy();
  }
}

/** A handler may say that its body is chunked; what it writes is not, for the server does that. */
function unframed(response: ServerResponse): void {
  if (response.headersSent) response.chunkedEncoding = false;
  else if (response.hasHeader("Transfer-Encoding")) response.removeHeader("Transfer-Encoding");
}
