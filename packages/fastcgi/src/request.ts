import { ExchangeAborted, HTTPError, isHTTPError, type Application } from "@gateway/core";
import {
  cgiContentLength,
  cgiEnviron,
  cgiHead,
  emptyInput,
  inputStream,
  run,
  type Head,
  type Running,
  type Sink,
} from "@gateway/core/gateway";
import { Refusal, RequestBody, RequestBodyPace, type BodyConnection, type SocketFacts, type SocketOutput } from "@gateway/sockets";
import { parseNameValues } from "./name-values.ts";
import type { Settings } from "./options.ts";
import { endRequest, maxContentBytes, ProtocolStatus, recordHeader, RecordType } from "./records.ts";

/** What a request asks of the connection it came on. */
export interface RequestConnection {
  readonly app: Application;
  readonly settings: Settings;
  readonly facts: SocketFacts;
  readonly output: SocketOutput;
  /** Milliseconds on the clock of the server. */
  readonly now: number;
  /** The front server has to wait, perhaps for another request's sake. */
  readonly isHeldBack: boolean;
  /** Less of the body waits now. */
  taken(): void;
  refused(code: number, reason: string): void;
  /** END_REQUEST is with the system. */
  answered(request: FastcgiRequest): void;
  /** The response broke off. */
  brokenOff(request: FastcgiRequest): void;
}

const joinBytes = 4 * 1024;

/** One request of a connection, from BEGIN_REQUEST to END_REQUEST. */
export class FastcgiRequest implements Sink, BodyConnection {
  readonly id: number;
  readonly keepsConnection: boolean;
  readonly #connection: RequestConnection;
  readonly #begunAt: number;
  readonly #pace = new RequestBodyPace();
  #params: Buffer[] = [];
  #paramBytes = 0;
  #isRunning = false;
  #runningSince = 0;
  #running: Running | undefined = undefined;
  /** END_REQUEST was sent. */
  #over = false;

  #body: RequestBody | undefined = undefined;
  readonly #waiting: Buffer[] = [];
  #stdinEnded = false;
  /** Of the body, in all and handed on. */
  #received = 0;
  #given = 0;
  #expected: number | undefined = undefined;

  #head: Head | undefined = undefined;
  #headSent = false;
  #held: Uint8Array | undefined = undefined;
  #sent = 0;

  constructor(id: number, keepsConnection: boolean, connection: RequestConnection) {
    this.id = id;
    this.keepsConnection = keepsConnection;
    this.#connection = connection;
    this.#begunAt = connection.now;
  }

  /** Bytes of the body that nobody has pulled yet. */
  get waitingBytes(): number {
    return this.#received - this.#given;
  }

  /** The application has been called. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Nothing more will be sent for it. */
  get isOver(): boolean {
    return this.#over;
  }

  // In.

  params(piece: Buffer): void {
    if (this.#isRunning || this.#over) return;
    this.#paramBytes += piece.length;
    if (this.#paramBytes > this.#connection.settings.headerBytes) {
      return this.#refuse(new Refusal(431, "the variables are longer than the server takes"));
    }
    this.#params.push(piece);
  }

  paramsEnded(): void {
    if (this.#isRunning || this.#over) return;
    try {
      this.#begin(parseNameValues(Buffer.concat(this.#params)));
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#params = [];
    }
  }

  stdin(piece: Buffer): void {
    if (this.#stdinEnded || this.#over) return;
    // What is beyond the length that was told is no part of the body.
    const room = (this.#expected ?? Infinity) - this.#received;
    const part = piece.length > room ? piece.subarray(0, room) : piece;
    if (part.length === 0) return;
    this.#received += part.length;
    this.#pace.came(part.length);
    this.#waiting.push(part);
    this.#body?.arrived();
  }

  stdinEnded(): void {
    if (this.#stdinEnded) return;
    this.#stdinEnded = true;
    if (this.#expected !== undefined && this.#received < this.#expected && this.#waiting.length === 0) this.#body?.cut();
    else this.#body?.arrived();
  }

  /** ABORT_REQUEST: the client has left. */
  aborted(): void {
    if (this.#over) return;
    this.giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.#finish(endRequest(this.id, 0, ProtocolStatus.complete));
  }

  #begin(variables: readonly string[]): void {
    const { app, settings, facts } = this.#connection;
    const { maxBodyBytes, maxReadBytes, errors, multiprocess, mounts } = settings;
    this.#expected = expectedLength(variables);
    if (this.#expected !== undefined && this.#expected > maxBodyBytes) throw tooLarge();
    this.#trim();
    // Without a length the end of STDIN is the end of the body.
    const hasBody = this.#expected !== 0 && !(this.#stdinEnded && this.#received === 0 && this.#expected === undefined);
    if (hasBody) this.#body = new RequestBody(this);
    const input = this.#body === undefined ? emptyInput : inputStream(this.#body, { maxReadBytes });
    const { serverName, serverPort } = facts;
    const environ = cgiEnviron(variables, { input, errors, serverName, serverPort, multiprocess, runOnce: false, mounts });
    this.#isRunning = true;
    this.#runningSince = this.#connection.now;
    const running = run(app, environ, this);
    if (!this.#over) this.#running = running;
  }

  /** STDIN may come before the end of PARAMS, and then be longer than it should. */
  #trim(): void {
    const expected = this.#expected ?? Infinity;
    while (this.#received > expected) {
      const last = this.#waiting.pop() ?? Buffer.alloc(0);
      this.#received -= last.length;
      if (this.#received < expected) {
        const part = last.subarray(0, expected - this.#received);
        this.#waiting.push(part);
        this.#received += part.length;
      }
    }
  }

  #refuse(error: unknown): void {
    const { code, status, message } = refusalOf(error);
    this.#connection.refused(code, message);
    const body = Buffer.from(`${status}: ${message}\n`);
    this.#head = {
      status,
      code,
      headers: [
        ["Content-Type", "text/plain; charset=utf-8"],
        ["Content-Length", String(body.length)],
      ],
      seen: 0,
      length: body.length,
      bodiless: true,
    };
    this.#headSent = false;
    this.#emit(body, this.#lastRecords());
    this.#finish("");
  }

  get bodyEnded(): boolean {
    return this.#waiting.length === 0 && (this.#given === this.#expected || (this.#expected === undefined && this.#stdinEnded));
  }

  piece(): Buffer | undefined {
    const piece = this.#waiting.shift();
    if (piece === undefined) {
      if (this.#stdinEnded && !this.bodyEnded) throw new HTTPError(400, "the request body was cut short");
      return undefined;
    }
    this.#given += piece.length;
    this.#connection.taken();
    if (this.#given > this.#connection.settings.maxBodyBytes) throw tooLarge();
    return piece;
  }

  wanted(): void {
    if (this.#stdinEnded) this.#body?.cut();
  }

  // Out: the sink of the run loop.

  head(head: Head): void {
    this.#head = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#over) return;
    this.#sent += chunk.byteLength;
    if (!this.#headSent && this.#head?.length === chunk.byteLength) {
      this.#held = chunk;
      return;
    }
    this.#emit(chunk, "");
    const { output } = this.#connection;
    return output.isFull ? output.whenRoom() : undefined;
  }

  end(): void | Promise<void> {
    if (this.#over) return;
    const held = this.#held;
    this.#held = undefined;
    this.#emit(held ?? empty, this.#lastRecords());
    const { output } = this.#connection;
    if (output.isHandedOver) return this.#finish("");
    this.#over = true;
    return new Promise((resolve) => {
      output.whenHandedOver(() => {
        resolve();
        this.#connection.answered(this);
      });
    });
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#held !== undefined || !this.#headSent) this.#emit(this.#held ?? empty, "");
    this.#connection.brokenOff(this);
  }

  /** The head, if it has not gone, and a chunk: in one record where they are small. */
  #emit(chunk: Uint8Array, after: string): void {
    const { output } = this.#connection;
    let text = this.#headText();
    if (text.length + chunk.byteLength <= maxContentBytes) {
      const length = text.length + chunk.byteLength;
      // An empty record would end the stream.
      const before = length === 0 ? "" : recordHeader(RecordType.stdout, this.id, length) + text;
      return output.sendChunk(before, chunk, after, joinBytes);
    }
    for (; text !== ""; text = text.slice(maxContentBytes)) {
      const part = text.slice(0, maxContentBytes);
      output.send(recordHeader(RecordType.stdout, this.id, part.length) + part);
    }
    for (let at = 0; at < chunk.byteLength; at += maxContentBytes) {
      const part = chunk.subarray(at, at + maxContentBytes);
      output.sendChunk(recordHeader(RecordType.stdout, this.id, part.byteLength), part, "", joinBytes);
    }
    if (after !== "") output.send(after);
  }

  #headText(): string {
    if (this.#headSent || this.#head === undefined) return "";
    this.#headSent = true;
    return cgiHead(this.#head);
  }

  /** The end of STDOUT, and END_REQUEST. */
  #lastRecords(): string {
    return recordHeader(RecordType.stdout, this.id, 0) + endRequest(this.id, 0, ProtocolStatus.complete);
  }

  #finish(last: string): void {
    this.#over = true;
    if (last !== "") this.#connection.output.send(last);
    this.#running = undefined;
    this.#connection.answered(this);
  }

  // Time, and the end.

  /** @returns whether the request can go on. */
  tick(sinceLast: number): boolean {
    const { settings, now } = this.#connection;
    if (!this.#isRunning) return now - this.#begunAt <= settings.headerSeconds * 1000;
    if (this.#over) return true;
    if (settings.requestSeconds > 0 && now - this.#runningSince > settings.requestSeconds * 1000) return this.#takesTooLong();
    if (this.#body === undefined || this.bodyEnded || this.#waiting.length > 0 || this.#stdinEnded || this.#connection.isHeldBack)
      return true;
    if (this.#pace.waited(sinceLast, settings)) this.#body.end(new HTTPError(408, "the request body came too slowly"));
    return true;
  }

  #takesTooLong(): boolean {
    const canSay = this.#head === undefined;
    this.giveUp(new ExchangeAborted("TIME_LIMIT"));
    if (canSay) this.#refuse(new Refusal(503, "the application took longer than the server allows"));
    else this.abort();
    return true;
  }

  /** Nobody waits for the response any more. */
  giveUp(reason: ExchangeAborted): void {
    this.#body?.end(reason);
    this.#running?.gone(reason, Math.min(this.#sent, this.#connection.output.unsentBytes + (this.#held?.byteLength ?? 0)));
    this.#running = undefined;
  }

  /** Lets go of the body that nobody has read. */
  forgetBody(): void {
    this.#body?.end(new Error("wsgi.input was read after the response had ended"));
    this.#waiting.length = 0;
    this.#given = this.#received;
  }
}

const empty = new Uint8Array(0);

function tooLarge(): HTTPError {
  return new HTTPError(413, "the body is larger than the server takes");
}

function expectedLength(variables: readonly string[]): number | undefined {
  let value: string | undefined;
  for (let i = 0; i + 1 < variables.length; i += 2) if (variables[i] === "CONTENT_LENGTH") value = variables[i + 1];
  return cgiContentLength(value);
}

function refusalOf(error: unknown): { code: number; status: string; message: string } {
  const known = error instanceof Refusal ? new HTTPError(error.code, error.message) : error;
  const refusal = isHTTPError(known) ? known : new HTTPError(500, "the request could not be read");
  return { code: Number(refusal.status.slice(0, 3)), status: refusal.status, message: refusal.message };
}
