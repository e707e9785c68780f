import { Refusal } from "@gateway/sockets";

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

/** What is told of the records, in the order they come. */
export interface RecordListener {
  /** A part of a stream (PARAMS, STDIN, STDOUT, STDERR, DATA): of one record, for these may be cut anywhere. */
  piece(type: number, id: number, piece: Buffer): void;
  /** A stream has ended: its record was empty. */
  streamEnded(type: number, id: number): void;
  /** Any other record, whole. */
  record(type: number, id: number, content: Buffer): void;
}

const streams: ReadonlySet<number> = new Set([
  RecordType.params,
  RecordType.stdin,
  RecordType.stdout,
  RecordType.stderr,
  RecordType.data,
]);

/** Reads the records of one connection, in whatever pieces they come. Knows no request. */
export class RecordReader {
  readonly #listener: RecordListener;
  readonly #header: Buffer = Buffer.alloc(headerBytes);
  #headerLength = 0;
  #type = 0;
  #id = 0;
  /** What is still to come of the record. */
  #content = 0;
  #padding = 0;
  #gathered: Buffer[] = [];

  constructor(listener: RecordListener) {
    this.#listener = listener;
  }

  /** A record has begun and not ended. */
  get isInside(): boolean {
    return this.#headerLength > 0;
  }

  /** @throws {Refusal} for a version that is not 1: what follows cannot be understood. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#headerLength < headerBytes) {
        const copied = chunk.copy(this.#header, this.#headerLength, at, at + headerBytes - this.#headerLength);
        this.#headerLength += copied;
        at += copied;
        if (this.#headerLength === headerBytes) this.#begin();
      } else if (this.#content > 0) {
        const piece = chunk.subarray(at, at + this.#content);
        this.#content -= piece.length;
        at += piece.length;
        this.#take(piece);
      } else {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skipped;
        at += skipped;
      }
      if (this.#headerLength === headerBytes && this.#content === 0 && this.#padding === 0) this.#headerLength = 0;
    }
  }

  #begin(): void {
    if (this.#header[0] !== 1) throw new Refusal(400, "a record has not version 1 of FastCGI");
    this.#type = this.#header.readUInt8(1);
    this.#id = this.#header.readUInt16BE(2);
    this.#content = this.#header.readUInt16BE(4);
    this.#padding = this.#header.readUInt8(6);
    if (this.#content > 0) return;
    if (streams.has(this.#type)) this.#listener.streamEnded(this.#type, this.#id);
    else this.#listener.record(this.#type, this.#id, Buffer.alloc(0));
  }

  #take(piece: Buffer): void {
    if (streams.has(this.#type)) return this.#listener.piece(this.#type, this.#id, piece);
    this.#gathered.push(piece);
    if (this.#content > 0) return;
    const content = this.#gathered.length === 1 ? piece : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#listener.record(this.#type, this.#id, content);
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
