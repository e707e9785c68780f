import { ExchangeAborted, HTTPError, type Application } from "@gateway/core";
import {
  cgiContentLength,
  cgiHead,
  cgiVariable,
  emptyInput,
  inputStream,
  run,
  type CgiEnvirons,
  type CgiVariables,
  type Head,
  type Running,
  type Sink,
} from "@gateway/core/gateway";
import {
  BodyPieces,
  GatheredBytes,
  Refusal,
  refusalAnswer,
  RequestBody,
  RequestBodyPace,
  type BodyConnection,
  type SocketFacts,
  type SocketOutput,
} from "@gateway/sockets";
import type { NameValueReader } from "./name-values.ts";
import type { Settings } from "./options.ts";
import { endRequest, maxContentBytes, ProtocolStatus, recordHeader, RecordType } from "./records.ts";

/** What a request asks of the connection it came on. */
export interface RequestConnection {
  readonly app: Application;
  readonly settings: Settings;
  readonly facts: SocketFacts;
  readonly output: SocketOutput;
  readonly environs: CgiEnvirons;
  readonly nameValues: NameValueReader;
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
const empty: Buffer = Buffer.alloc(0);

/**
 * One request of a connection, from BEGIN_REQUEST to END_REQUEST.
 *
 * Fields are `private` and not `#private`: one of these is made for every request, and the former cost half as much.
 */
export class FastcgiRequest implements Sink, BodyConnection {
  readonly id: number;
  readonly keepsConnection: boolean;
  private readonly connection: RequestConnection;
  private readonly begunAt: number;
  /** What has come of the variables: mostly all of them in one piece, of which no copy is made. */
  private params: Buffer = empty;
  private paramsFrom = 0;
  private paramsEnd = 0;
  private gathered: GatheredBytes | undefined = undefined;
  private isHead = false;
  private hasRun = false;
  private runningSince = 0;
  private running: Running | undefined = undefined;
  /** END_REQUEST was sent. */
  private over = false;

  private body: RequestBody | undefined = undefined;
  private pace: RequestBodyPace | undefined = undefined;
  /** Made when there is a body. */
  private waiting: BodyPieces | undefined = undefined;
  private stdinHasEnded = false;
  /** The front server has closed its side: no more comes, be it whole or not. */
  private inputHasEnded = false;
  /** Of the body, in all and handed on. */
  private received = 0;
  private given = 0;
  private expected: number | undefined = undefined;

  private responseHead: Head | undefined = undefined;
  private headSent = false;
  private held: Uint8Array | undefined = undefined;
  private sent = 0;

  constructor(id: number, keepsConnection: boolean, connection: RequestConnection) {
    this.id = id;
    this.keepsConnection = keepsConnection;
    this.connection = connection;
    this.begunAt = connection.now;
  }

  /** Bytes of the body that nobody has pulled yet. */
  get waitingBytes(): number {
    return this.waiting === undefined ? 0 : this.waiting.bytes;
  }

  /** The application has been called. */
  get isRunning(): boolean {
    return this.hasRun;
  }

  /** Nothing more will be sent for it. */
  get isOver(): boolean {
    return this.over;
  }

  // In.

  takeParams(bytes: Buffer, from: number, end: number): void {
    if (this.hasRun || this.over) return;
    if (this.paramsEnd - this.paramsFrom + end - from > this.connection.settings.headerBytes) {
      return this.refuse(new Refusal(431, "the variables are longer than the server takes"));
    }
    if (this.paramsEnd === this.paramsFrom) {
      this.params = bytes;
      this.paramsFrom = from;
      this.paramsEnd = end;
      return;
    }
    if (this.gathered === undefined) {
      this.gathered = new GatheredBytes();
      this.gathered.append(this.params.subarray(this.paramsFrom, this.paramsEnd));
    }
    this.params = this.gathered.append(bytes.subarray(from, end));
    this.paramsFrom = 0;
    this.paramsEnd = this.params.length;
  }

  paramsEnded(): void {
    if (this.hasRun || this.over) return;
    try {
      const variables = this.connection.nameValues.read(this.params, this.paramsFrom, this.paramsEnd);
      this.params = empty;
      this.gathered = undefined;
      this.begin(variables);
    } catch (error) {
      this.refuse(error);
    }
  }

  takeStdin(bytes: Buffer, from: number, end: number): void {
    if (this.stdinHasEnded || this.over) return;
    // What is beyond the length that was told is no part of the body.
    const room = (this.expected ?? Infinity) - this.received;
    const length = Math.min(end - from, room);
    if (length === 0) return;
    this.received += length;
    this.pace ??= new RequestBodyPace();
    this.pace.came(length);
    this.waiting ??= new BodyPieces();
    this.waiting.push(bytes.subarray(from, from + length));
    this.body?.arrived();
  }

  stdinEnded(): void {
    if (this.stdinHasEnded || this.over) return;
    this.stdinHasEnded = true;
    this.body?.arrived();
  }

  /** The front server has closed its side. */
  inputEnded(): void {
    this.inputHasEnded = true;
    this.body?.arrived();
  }

  /** ABORT_REQUEST: the client has left. */
  aborted(): void {
    if (this.over) return;
    this.giveUp(new ExchangeAborted("CLIENT_GONE"));
    this.finish(endRequest(this.id, 0, ProtocolStatus.complete));
  }

  private begin(variables: CgiVariables): void {
    const { app, settings, environs } = this.connection;
    this.isHead = cgiVariable(variables, "REQUEST_METHOD") === "HEAD";
    this.expected = cgiContentLength(cgiVariable(variables, "CONTENT_LENGTH"));
    if (this.expected !== undefined && this.expected > settings.maxBodyBytes) throw tooLarge();
    // STDIN may come before the end of PARAMS, and then be longer than it should.
    if (this.expected !== undefined && this.received > this.expected) {
      this.waiting?.truncate(this.expected);
      this.received = this.expected;
    }
    // Without a length the end of STDIN is the end of the body.
    const hasBody = this.expected !== 0 && !(this.stdinHasEnded && this.received === 0 && this.expected === undefined);
    if (hasBody) this.body = new RequestBody(this);
    const input = this.body === undefined ? emptyInput : inputStream(this.body, settings);
    const environ = environs.make(variables, input);
    this.hasRun = true;
    this.runningSince = this.connection.now;
    // Also of a response that is made: it may still wait to be sent when the front server leaves.
    this.running = run(app, environ, this);
  }

  private refuse(error: unknown): void {
    const { code, reason, head, body } = refusalAnswer(error);
    this.connection.refused(code, reason);
    this.responseHead = head;
    this.headSent = false;
    // HAProxy takes a body for HEAD as a broken response.
    this.emit(this.isHead ? empty : body, this.lastRecords());
    this.finish("");
  }

  get bodyEnded(): boolean {
    return this.waitingBytes === 0 && (this.given === this.expected || (this.expected === undefined && this.stdinHasEnded));
  }

  piece(): Buffer | undefined {
    const piece = this.waiting?.shift();
    if (piece === undefined) {
      if (this.isCut) throw new HTTPError(400, "the request body was cut short");
      return undefined;
    }
    this.given += piece.length;
    this.connection.taken();
    if (this.given > this.connection.settings.maxBodyBytes) throw tooLarge();
    return piece;
  }

  /** Nothing waits, nothing more comes, and it is not whole. */
  private get isCut(): boolean {
    return (this.stdinHasEnded || this.inputHasEnded) && !this.bodyEnded;
  }

  wanted(): void {}

  // Out: the sink of the run loop.

  head(head: Head): void {
    this.responseHead = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.over) return;
    this.sent += chunk.byteLength;
    if (!this.headSent && this.responseHead?.length === chunk.byteLength) {
      // The end of a buffered body follows at once, and goes out in the same write; that of a stream may take its time.
      this.held = chunk;
      process.nextTick(sendHeld, this);
      return;
    }
    this.emit(chunk, "");
    const { output } = this.connection;
    return output.isFull ? output.whenRoom() : undefined;
  }

  /** Sends the chunk that was held back, if it is there still. */
  sendHeld(): void {
    const held = this.held;
    this.held = undefined;
    if (held !== undefined && !this.over) this.emit(held, "");
  }

  end(): void | Promise<void> {
    if (this.over) return;
    const held = this.held;
    this.held = undefined;
    this.emit(held ?? empty, this.lastRecords());
    const { output } = this.connection;
    if (output.isHandedOver) return this.finish("");
    this.over = true;
    return new Promise((resolve) => {
      output.whenHandedOver(() => {
        resolve();
        this.connection.answered(this);
      });
    });
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    if (this.held !== undefined || !this.headSent) this.emit(this.held ?? empty, "");
    this.connection.brokenOff(this);
  }

  /** The head, if it has not gone, and a chunk: in one record where they are small. */
  private emit(chunk: Uint8Array, after: string): void {
    const { output } = this.connection;
    let text = this.headText();
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

  private headText(): string {
    if (this.headSent || this.responseHead === undefined) return "";
    this.headSent = true;
    return cgiHead(this.responseHead);
  }

  /** The end of STDOUT, and END_REQUEST. */
  private lastRecords(): string {
    return recordHeader(RecordType.stdout, this.id, 0) + endRequest(this.id, 0, ProtocolStatus.complete);
  }

  private finish(last: string): void {
    this.over = true;
    if (last !== "") this.connection.output.send(last);
    this.connection.answered(this);
  }

  // Time, and the end.

  /** Once a second. */
  tick(sinceLast: number): void {
    if (this.over) return;
    const { settings, now } = this.connection;
    if (!this.hasRun) {
      if (now - this.begunAt > settings.headerSeconds * 1000)
        this.refuse(new Refusal(408, "the variables of a request took too long to come"));
      return;
    }
    if (settings.requestSeconds > 0 && now - this.runningSince > settings.requestSeconds * 1000) return this.takesTooLong();
    const waits = this.waitingBytes === 0 && !this.bodyEnded && !this.stdinHasEnded && !this.inputHasEnded;
    if (this.body === undefined || !waits || this.connection.isHeldBack) return;
    this.pace ??= new RequestBodyPace();
    if (this.pace.waited(sinceLast, settings)) this.body.end(new HTTPError(408, "the request body came too slowly"));
  }

  private takesTooLong(): void {
    const canSay = this.responseHead === undefined;
    this.giveUp(new ExchangeAborted("TIME_LIMIT"));
    if (canSay) this.refuse(new Refusal(503, "the application took longer than the server allows"));
    else this.abort();
  }

  /** Nobody waits for the response any more. */
  giveUp(reason: ExchangeAborted): void {
    this.body?.end(reason);
    this.running?.gone(reason, Math.min(this.sent, this.connection.output.unsentBytes + (this.held?.byteLength ?? 0)));
    this.running = undefined;
  }

  /** Lets go of the body that nobody has read. */
  forgetBody(): void {
    this.body?.finish();
    this.waiting?.drop();
  }
}

function sendHeld(request: FastcgiRequest): void {
  request.sendHeld();
}

function tooLarge(): HTTPError {
  return new HTTPError(413, "the body is larger than the server takes");
}
