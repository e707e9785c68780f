import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { ExchangeAborted, type HeaderList } from "@gateway/core";
import { Seen, type Head, type Running, type Sink } from "@gateway/core/gateway";
import type { RequestBody } from "./request-body.ts";

/** Headers that a host has set, and those of the application, are both sent: neither can speak for the other. */
const kept: ReadonlySet<string> = new Set(["set-cookie", "vary"]);

/** Sends a response by way of a `ServerResponse`, together with what its host has set there before. */
export class ResponseSink implements Sink {
  readonly #response: ServerResponse;
  readonly #body: RequestBody | undefined;
  /** Where the response is left to the host instead, when this is its status. */
  readonly #passOn: (() => void) | undefined;
  #head: Head | undefined = undefined;
  /** The whole body, where it is one chunk. */
  #held: Uint8Array | undefined = undefined;
  #bodyBytes = 0;
  #isPassedOn = false;
  #running: Running | undefined = undefined;
  /** Wakes whoever waits for room, or for the end. */
  #wake: (() => void) | undefined = undefined;

  constructor(response: ServerResponse, body: RequestBody | undefined, passOn: (() => void) | undefined) {
    this.#response = response;
    this.#body = body;
    this.#passOn = passOn;
  }

  /** The run goes on: the client may leave meanwhile. */
  follow(running: Running): void {
    this.#running = running;
    const response = this.#response;
    response.on("close", this.#closed).on("drain", this.#woken);
    // Gone already: there will be no event.
    if (response.destroyed) this.#closed();
    else this.release();
  }

  head(head: Head): void {
    this.#head = head;
    this.#isPassedOn = this.#passOn !== undefined && head.code === 404;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#isPassedOn) return;
    this.#bodyBytes += chunk.byteLength;
    if (!this.#response.headersSent) {
      if (this.#head?.length === chunk.byteLength) {
        this.#held = chunk;
        // The end of it may take long, or wait for the client. That of a generator comes before the next tick.
        if (this.#running !== undefined) process.nextTick(release, this);
        return;
      }
      this.#writeHead();
    }
    // One that is destroyed takes everything, until it has closed: nothing would end a body that never waits.
    if (this.#response.write(chunk) && !this.#response.destroyed) return;
    return this.#woke();
  }

  end(): void | Promise<void> {
    const response = this.#response;
    if (this.#isPassedOn) return this.#leaveToHost();
    if (!response.headersSent) this.#writeHead();
    if (this.#held === undefined) response.end();
    else response.end(this.#held);
    if (isHandedOver(response)) return this.#answered();
    return new Promise((resolve) => {
      response.once("finish", () => {
        this.#answered();
        resolve();
      });
      this.#wake = resolve;
    });
  }

  abort(): void {
    // Nothing of it has been sent.
    if (this.#isPassedOn) return this.#leaveToHost();
    const response = this.#response;
    const head = this.#head;
    this.#answered();
    if (!response.headersSent) this.#writeHead();
    if (this.#held !== undefined) response.write(this.#held);
    response.off("close", this.#closed);
    if (response.req.httpVersionMajor > 1) {
      response.destroy();
      return;
    }
    const { socket } = response;
    // What is written within one turn of the loop waits for the end of it, in the response or in its socket.
    for (let corked = response.writableCorked; corked > 0; corked--) response.uncork();
    for (let corked = socket?.writableCorked ?? 0; corked > 0; corked--) socket?.uncork();
    // Without a length or chunks only a reset shows that the body is not whole.
    if (socket instanceof Socket && !("encrypted" in socket) && !response.chunkedEncoding && head?.length === -1)
      socket.resetAndDestroy();
    else response.destroy();
  }

  earlyHints(headers: HeaderList): void {
    const response = this.#response;
    if (response.req.httpVersionMajor === 1 && response.req.httpVersionMinor === 0) return;
    const hints = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of headers) {
      const lower = name.toLowerCase();
      const before = hints[lower];
      if (before === undefined) hints[lower] = lower === "link" ? [value] : value;
      else if (typeof before === "string") hints[lower] = `${before}, ${value}`;
      else before.push(value);
    }
    try {
      // Does nothing without a Link, and throws for one that it finds wrong: a hint is not worth a response.
      response.writeEarlyHints(hints);
    } catch {
      // Not sent.
    }
  }

  /** Sends what was held back, where its end has not come with it. */
  release(): void {
    const held = this.#held;
    if (held === undefined || this.#response.headersSent || this.#response.destroyed) return;
    this.#held = undefined;
    this.#writeHead();
    this.#response.write(held);
  }

  #leaveToHost(): void {
    this.#answered();
    this.#response.off("close", this.#closed).off("drain", this.#woken);
    // When the body is closed: what the host throws is none of the application's.
    if (this.#passOn !== undefined) queueMicrotask(this.#passOn);
  }

  #writeHead(): void {
    const head = this.#head;
    if (head === undefined) return;
    const { code, status, headers, seen, length, bodiless } = head;
    if (!bodiless && length !== -1 && (seen & Seen.length) === 0) headers.push(["Content-Length", `${length}`]);
    const response = this.#response;
    const reason = status.slice(4);
    // What stands around the handler may have put a writeHead of its own there, and few of those take lists.
    const isPlain = response.req.httpVersionMajor === 1 && !Object.hasOwn(response, "writeHead");
    if (isPlain && response.getHeaderNames().length === 0) {
      const list: string[] = [];
      for (let i = 0; i < headers.length; i++) {
        const header = headers[i];
        if (header !== undefined) list.push(header[0], header[1]);
      }
      response.writeHead(code, reason, list);
      return;
    }
    setHeaders(response, headers);
    if (response.req.httpVersionMajor > 1) response.writeHead(code);
    else response.writeHead(code, reason);
  }

  /** Wakes up when there is room again, or nobody there. */
  #woke(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      // The run has not returned, so nothing listens yet.
      if (this.#running === undefined) this.#response.once("drain", this.#woken).once("close", this.#woken);
    });
  }

  readonly #woken = (): void => {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  };

  readonly #closed = (): void => {
    const response = this.#response;
    response.off("drain", this.#woken);
    // It is told after a whole response as well.
    if (!response.writableFinished) {
      const reason = new ExchangeAborted("CLIENT_GONE");
      const unsent = Math.min(this.#bodyBytes, response.req.socket.writableLength + (this.#held?.byteLength ?? 0));
      this.#body?.end(reason);
      this.#running?.gone(reason, unsent);
    }
    this.#woken();
  };

  #answered(): void {
    this.#body?.end(new Error("wsgi.input was read after the response had ended"));
  }
}

function release(sink: ResponseSink): void {
  sink.release();
}

/** Is the whole response with the system already? Not where something around the handler still works on it. */
function isHandedOver(response: ServerResponse): boolean {
  return response.writableEnded && response.socket !== null && response.writableLength === 0 && response.req.httpVersionMajor === 1;
}

/** By name, for a response that has headers already, or whose `writeHead` is not its own. */
function setHeaders(response: ServerResponse, headers: HeaderList): void {
  // What its host has said of another body would frame this one.
  for (const name of ["Content-Length", "Transfer-Encoding"]) if (response.hasHeader(name)) response.removeHeader(name);
  const grouped = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const group = grouped.get(lower);
    if (group === undefined) grouped.set(lower, { name, values: [value] });
    else group.values.push(value);
  }
  for (const [lower, { name, values }] of grouped) {
    const before = kept.has(lower) ? response.getHeader(name) : undefined;
    const all = before === undefined ? values : [...(Array.isArray(before) ? before : [String(before)]), ...values];
    const [first] = all;
    response.setHeader(name, all.length === 1 && first !== undefined ? first : all);
  }
}
