import { Refusal } from "@gateway/sockets";

const none: readonly string[] = [];

/** Reads name-value pairs. Strings that are those of the last time in the same place are given again, and not made anew. */
export class NameValueReader {
  #last: readonly string[] = none;

  /**
   * Names and values in turn, from a whole stream of name-value pairs (FastCGI specification, section 3.4): lengths up to 127 in one byte,
   * any length in four with the highest bit set.
   *
   * @param text latin-1.
   * @throws {Refusal} for pairs that do not end where the stream ends.
   */
  read(text: string): readonly string[] {
    const strings = parseNameValues(text, this.#last);
    this.#last = strings;
    return strings;
  }
}

/** The same, with what may be given again. */
export function parseNameValues(text: string, last: readonly string[] = none): string[] {
  const strings: string[] = [];
  const { length } = text;
  for (let at = 0; at < length;) {
    let nameLength = text.charCodeAt(at);
    if (nameLength < 0x80) at += 1;
    else {
      nameLength = longLength(text, at);
      at += 4;
    }
    // Not a number behind the end: then neither comparison holds.
    let valueLength = text.charCodeAt(at);
    if (valueLength < 0x80) at += 1;
    else {
      valueLength = longLength(text, at);
      at += 4;
    }
    const end = at + nameLength + valueLength;
    if (end > length) throw new Refusal(400, "a name-value pair is longer than its stream");
    const { length: i } = strings;
    strings.push(stringAt(text, at, nameLength, last[i]), stringAt(text, at + nameLength, valueLength, last[i + 1]));
    at = end;
  }
  return strings;
}

function stringAt(text: string, at: number, length: number, last: string | undefined): string {
  if (last !== undefined && last.length === length && text.startsWith(last, at)) return last;
  return text.slice(at, at + length);
}

function longLength(text: string, at: number): number {
  if (at + 4 > text.length) throw new Refusal(400, "the length of a name-value pair is cut off");
  const high = text.charCodeAt(at) & 0x7f;
  return high * 0x100_0000 + text.charCodeAt(at + 1) * 0x1_0000 + text.charCodeAt(at + 2) * 0x100 + text.charCodeAt(at + 3);
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
