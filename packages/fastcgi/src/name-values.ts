import { Refusal } from "@gateway/sockets";

const none: readonly string[] = [];
const nothing: Buffer = Buffer.alloc(0);

/** A stream that holds on to more than this is not kept to be compared with the next. */
const maxKeptBytes = 8 * 1024;

/**
 * Reads name-value pairs. A front server sends much the same with each request: strings that stood in the same place the last time are given
 * again, and not made anew.
 */
export class NameValueReader {
  #bytes: Buffer = nothing;
  #from = 0;
  #end = 0;
  /** What the bytes of the last time are. */
  #strings: readonly string[] = none;

  /**
   * Names and values in turn, latin-1, from a whole stream of name-value pairs (FastCGI specification, section 3.4): lengths up to 127 in one
   * byte, any length in four with the highest bit set.
   *
   * @param bytes are not changed afterwards.
   * @throws {Refusal} for pairs that do not end where the stream ends.
   */
  read(bytes: Buffer, from: number, end: number): readonly string[] {
    const last = this.#bytes;
    if (end - from === this.#end - this.#from && bytes.compare(last, this.#from, this.#end, from, end) === 0) return this.#strings;
    const strings = readPairs(bytes, from, end, last, this.#from, this.#strings);
    const isKept = bytes.buffer.byteLength <= maxKeptBytes;
    this.#bytes = isKept ? bytes : nothing;
    this.#from = isKept ? from : 0;
    this.#end = isKept ? end : 0;
    this.#strings = isKept ? strings : none;
    return strings;
  }
}

/** The same, once. */
export function parseNameValues(bytes: Buffer, from: number, end: number): readonly string[] {
  return readPairs(bytes, from, end, nothing, 0, none);
}

function readPairs(bytes: Buffer, from: number, end: number, last: Buffer, lastFrom: number, known: readonly string[]): string[] {
  const strings: string[] = [];
  let lastAt = lastFrom;
  for (let at = from; at < end;) {
    let nameLength = bytes[at++] ?? 0;
    if (nameLength >= 0x80) {
      nameLength = longLength(bytes, at, end, nameLength);
      at += 3;
    }
    if (at >= end) throw new Refusal(400, "a name-value pair has one length");
    let valueLength = bytes[at++] ?? 0;
    if (valueLength >= 0x80) {
      valueLength = longLength(bytes, at, end, valueLength);
      at += 3;
    }
    if (at + nameLength + valueLength > end) throw new Refusal(400, "a name-value pair is longer than its stream");
    const name = known[strings.length];
    const value = known[strings.length + 1];
    if (name === undefined || value === undefined) {
      strings.push(textAt(bytes, at, nameLength), textAt(bytes, at + nameLength, valueLength));
    } else {
      lastAt += lengthBytes(last, lastAt);
      lastAt += lengthBytes(last, lastAt);
      const isName = name.length === nameLength && isEqual(bytes, at, last, lastAt, nameLength);
      lastAt += name.length;
      const isValue = value.length === valueLength && isEqual(bytes, at + nameLength, last, lastAt, valueLength);
      lastAt += value.length;
      strings.push(isName ? name : textAt(bytes, at, nameLength), isValue ? value : textAt(bytes, at + nameLength, valueLength));
    }
    at += nameLength + valueLength;
  }
  return strings;
}

function lengthBytes(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) >= 0x80 ? 4 : 1;
}

function isEqual(bytes: Buffer, at: number, others: Buffer, otherAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== others[otherAt + i]) return false;
  return true;
}

function textAt(bytes: Buffer, at: number, length: number): string {
  return length === 0 ? "" : bytes.toString("latin1", at, at + length);
}

/** Of four bytes, of which the first was read. */
function longLength(bytes: Buffer, at: number, end: number, first: number): number {
  if (at + 3 > end) throw new Refusal(400, "the length of a name-value pair is cut off");
  return (first & 0x7f) * 0x100_0000 + bytes.readUIntBE(at, 3);
}

/** The other way: names and values in turn, latin-1. */
export function formatNameValues(strings: readonly string[]): string {
  let text = "";
  for (let i = 0; i + 1 < strings.length; i += 2) {
    const name = strings[i] ?? "";
    const value = strings[i + 1] ?? "";
    text += lengthText(name.length) + lengthText(value.length) + name + value;
  }
  return text;
}

function lengthText(length: number): string {
  if (length < 0x80) return String.fromCharCode(length);
  return String.fromCharCode((length >>> 24) | 0x80, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff);
}
