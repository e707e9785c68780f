import { ExchangeAborted } from "@gateway/core";
import { Seen, type Head, type Running, type Sink } from "@gateway/core/gateway";
import type { RequestBody } from "./request-body.ts";
import { ResponseStream } from "./response-stream.ts";

/** A `Response` with these may have no body (Fetch standard, "null body status"). */
const bodilessCodes: ReadonlySet<number> = new Set([204, 205, 304]);
/** How many turns of the queue of promises the end of a body may take that has given all its bytes: that of a generator inside some layers takes fewer. */
const turns = 8;
const turn = Promise.resolve();

/**
 * Makes a `Response` of what the run loop sends: of a body that is one chunk, one with that chunk; else one with a stream, which is pulled as
 * its reader reads.
 *
 * Fields are `private` and not `#private`: one of these is made for every request.
 */
export class ResponseSink implements Sink {
  private readonly request: Request;
  private readonly body: RequestBody | undefined;
  private readonly hostTellsLength: boolean;
  private sent: Head | undefined = undefined;
  /** The whole body, where it is one chunk. */
  private held: Uint8Array | undefined = undefined;
  private response: Response | undefined = undefined;
  private stream: ResponseStream | undefined = undefined;
  private resolve: ((response: Response) => void) | undefined = undefined;
  private running: Running | undefined = undefined;
  private clientLeft: (() => void) | undefined = undefined;

  /** @param hostTellsLength whether the host is known to send the length of a body that is bytes without being told: Deno takes a microsecond for the header. */
  constructor(request: Request, body: RequestBody | undefined, hostTellsLength: boolean) {
    this.request = request;
    this.body = body;
    this.hostTellsLength = hostTellsLength;
  }

  /** The response, when its head is known. */
  answer(running: Running | undefined): Promise<Response> {
    if (running !== undefined) {
      this.follow(running);
      this.release();
    }
    if (this.response !== undefined) return Promise.resolve(this.response);
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** The run goes on: the client may leave meanwhile. */
  private follow(running: Running): void {
    this.running = running;
    const { signal } = this.request;
    this.clientLeft = () => {
      this.leave(signal.reason);
      // The host takes no answer any more; whoever stands around the handler gets one all the same, as a promise must settle.
      if (this.response === undefined) this.settle(new Response(null, { status: 499, statusText: "Client Closed Request" }));
    };
    if (signal.aborted) this.clientLeft();
    else signal.addEventListener("abort", this.clientLeft);
  }

  head(head: Head): void {
    this.sent = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.response === undefined) {
      if (this.sent?.length === chunk.byteLength) {
        this.held = chunk;
        // The end of it may take long, or wait for the client.
        if (this.running !== undefined) void this.releaseSoon();
        return;
      }
      this.begin();
    }
    return this.stream?.write(chunk);
  }

  end(): void | Promise<void> {
    this.body?.end();
    // Who reads what still waits may leave before all of it has gone.
    const rest = this.stream?.end();
    if (rest !== undefined) return rest.then(() => this.unfollow());
    this.unfollow();
    if (this.response === undefined) this.respond(this.held === undefined ? null : own(this.held));
  }

  abort(): void {
    this.unfollow();
    this.body?.end();
    if (this.response === undefined) this.begin();
    if (this.held !== undefined) void this.stream?.write(this.held);
    // Hosts report it. What caused it has been written to wsgi.errors.
    this.stream?.fail(new Error("the response broke off after its head: see wsgi.errors"));
  }

  /** The end of a generator comes within some turns of the queue of promises, and then the response is one with its bytes. */
  private async releaseSoon(): Promise<void> {
    for (let i = 0; i < turns && this.response === undefined; i++) await turn;
    this.release();
  }

  /** Sends what was held back, where its end has not come with it. */
  private release(): void {
    const { held } = this;
    if (held === undefined || this.response !== undefined) return;
    this.held = undefined;
    this.begin();
    void this.stream?.write(held);
  }

  /** A response whose body is still to come. */
  private begin(): void {
    const code = this.sent?.code ?? 500;
    if (!bodilessCodes.has(code)) this.stream = new ResponseStream((cause) => this.leave(cause));
    this.respond(this.stream?.readable ?? null);
  }

  private respond(body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null): void {
    const head = this.sent;
    if (head === undefined) return;
    const { code, status, length, seen, bodiless } = head;
    const isTold = (seen & Seen.length) !== 0 || (this.hostTellsLength && body instanceof Uint8Array);
    if (!bodiless && length !== -1 && !isTold) head.headers.push(["Content-Length", `${length}`]);
    // Of a body that is not sent: a client would wait for it.
    const list = code === 205 ? head.headers.filter(([name]) => name.toLowerCase() !== "content-length") : head.headers;
    const response = responseOf(status, bodilessCodes.has(code) ? null : body);
    // Not by the constructor, which takes twice as long for them on Deno and Bun.
    const { headers } = response;
    for (let i = 0; i < list.length; i++) {
      const header = list[i];
      if (header !== undefined) headers.append(header[0], header[1]);
    }
    this.settle(response);
  }

  private settle(response: Response): void {
    this.response = response;
    this.resolve?.(response);
  }

  /** Nobody wants the rest: the reader has said so, or the signal of the request. */
  private leave(cause: unknown): void {
    const reason = new ExchangeAborted("CLIENT_GONE", { cause });
    this.unfollow();
    this.body?.cancel(reason);
    this.running?.gone(reason, (this.stream?.queuedBytes ?? 0) + (this.held?.byteLength ?? 0));
    this.stream?.drop(reason);
  }

  private unfollow(): void {
    if (this.clientLeft !== undefined) this.request.signal.removeEventListener("abort", this.clientLeft);
  }
}

/** The most usual status is the one of a `Response` that is told none, and Deno takes a microsecond to be told. */
function responseOf(status: string, body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null): Response {
  if (status === "200 OK") return new Response(body);
  return new Response(body, { status: Number(status.slice(0, 3)), statusText: status.slice(4) });
}

/** The type of a body wants a buffer that no other thread shares. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
