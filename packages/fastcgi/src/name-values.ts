import { Refusal } from "@gateway/sockets";

/**
 * Names and values in turn, latin-1, from a whole stream of name-value pairs (FastCGI specification, section 3.4): lengths up to 127 in
 * one byte, any length in four with the highest bit set.
 *
 * @throws {Refusal} for pairs that do not end where the bytes end.
 */
export function parseNameValues(bytes: Buffer): string[] {
  const strings: string[] = [];
  let at = 0;
  const length = (): number => {
    const first = bytes[at];
    if (first !== undefined && first < 0x80) {
      at += 1;
      return first;
    }
    if (at + 4 > bytes.length) throw new Refusal(400, "the length of a name-value pair is cut off");
    at += 4;
    return bytes.readUInt32BE(at - 4) & 0x7fff_ffff;
  };
  while (at < bytes.length) {
    const nameLength = length();
    const valueLength = length();
    if (at + nameLength + valueLength > bytes.length) throw new Refusal(400, "a name-value pair is longer than its stream");
    strings.push(
      bytes.toString("latin1", at, at + nameLength),
      bytes.toString("latin1", at + nameLength, at + nameLength + valueLength),
    );
    at += nameLength + valueLength;
  }
  return strings;
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
