import { GatheredBytes, Refusal } from "@gateway/sockets";

/** Record types (FastCGI specification, section 8). */
export const RecordType = {
  beginRequest: 1,
  abortRequest: 2,
  endRequest: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
  data: 8,
  getValues: 9,
  getValuesResult: 10,
  unknownType: 11,
} as const;

/** `protocolStatus` of END_REQUEST. */
export const ProtocolStatus = { complete: 0, cannotMultiplex: 1, overloaded: 2, unknownRole: 3 } as const;

/** The role of an application that answers requests: the only one there is here. */
export const responder = 1;
/** The bit of the flags of BEGIN_REQUEST. */
export const keepConnection = 1;
export const maxContentBytes = 65_535;
const headerBytes = 8;

/** What is told of the records, in the order they come. Bytes are a stretch of what came, so that no view is made where none is wanted. */
export interface RecordListener {
  /** A part of a stream (PARAMS, STDIN, STDOUT, STDERR, DATA): of one record, for these may be cut anywhere. */
  piece(type: number, id: number, bytes: Buffer, from: number, end: number): void;
  /** A stream has ended: its record was empty. */
  streamEnded(type: number, id: number): void;
  /** Any other record, whole. */
  record(type: number, id: number, bytes: Buffer, from: number, end: number): void;
}

const nothing: Buffer = Buffer.alloc(0);

function isStream(type: number): boolean {
  return type >= RecordType.params && type <= RecordType.data;
}

/** Reads the records of one connection, in whatever pieces they come. Knows no request. */
export class RecordReader {
  readonly #listener: RecordListener;
  /** What has come of a header that was cut. */
  #header: Buffer = nothing;
  #headerLength = 0;
  #isInside = false;
  #type = 0;
  #id = 0;
  /** What is still to come of the record. */
  #content = 0;
  #padding = 0;
  /** The content of a record that is told of when it is whole. */
  #gathered: GatheredBytes | undefined = undefined;

  constructor(listener: RecordListener) {
    this.#listener = listener;
  }

  /** A record has begun and not ended. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** @throws {Refusal} for a version that is not 1: what follows cannot be understood. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (!this.#isInside && this.#headerLength === 0 && chunk.length - at >= headerBytes) {
        this.#begin(chunk, at);
        at += headerBytes;
      } else if (!this.#isInside || this.#headerLength > 0) {
        at = this.#gatherHeader(chunk, at);
      } else if (this.#content > 0) {
        const end = Math.min(chunk.length, at + this.#content);
        this.#content -= end - at;
        this.#take(chunk, at, end);
        at = end;
      } else {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skipped;
        at += skipped;
      }
      if (this.#headerLength === 0 && this.#content === 0 && this.#padding === 0) this.#isInside = false;
    }
  }

  /** A header that is cut between two chunks. @returns where its part ends. */
  #gatherHeader(chunk: Buffer, at: number): number {
    if (this.#header === nothing) this.#header = Buffer.alloc(headerBytes);
    const copied = chunk.copy(this.#header, this.#headerLength, at, at + headerBytes - this.#headerLength);
    this.#headerLength += copied;
    this.#isInside = true;
    if (this.#headerLength === headerBytes) {
      this.#headerLength = 0;
      this.#begin(this.#header, 0);
    }
    return at + copied;
  }

  #begin(bytes: Buffer, at: number): void {
    if (bytes[at] !== 1) throw new Refusal(400, "a record has not version 1 of FastCGI");
    this.#isInside = true;
    this.#type = bytes[at + 1] ?? 0;
    this.#id = (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0);
    this.#content = (bytes[at + 4] ?? 0) * 256 + (bytes[at + 5] ?? 0);
    this.#padding = bytes[at + 6] ?? 0;
    if (this.#content > 0) return;
    if (isStream(this.#type)) this.#listener.streamEnded(this.#type, this.#id);
    else this.#listener.record(this.#type, this.#id, nothing, 0, 0);
  }

  #take(bytes: Buffer, from: number, end: number): void {
    if (isStream(this.#type)) return this.#listener.piece(this.#type, this.#id, bytes, from, end);
    if (this.#content === 0 && this.#gathered === undefined) return this.#listener.record(this.#type, this.#id, bytes, from, end);
    this.#gathered ??= new GatheredBytes();
    const content = this.#gathered.append(bytes.subarray(from, end));
    if (this.#content > 0) return;
    this.#gathered = undefined;
    this.#listener.record(this.#type, this.#id, content, 0, content.length);
  }
}

/** The header of a record without padding, as latin-1 text. */
export function recordHeader(type: number, id: number, contentBytes: number): string {
  return String.fromCharCode(1, type, id >> 8, id & 0xff, contentBytes >> 8, contentBytes & 0xff, 0, 0);
}

/** A whole record, as latin-1 text; the content has at most 65,535 characters. */
export function record(type: number, id: number, content: string): string {
  return recordHeader(type, id, content.length) + content;
}

/** END_REQUEST, as latin-1 text. */
export function endRequest(id: number, appStatus: number, protocolStatus: number): string {
  return record(RecordType.endRequest, id, String.fromCharCode(0, 0, 0, appStatus, protocolStatus, 0, 0, 0));
}
