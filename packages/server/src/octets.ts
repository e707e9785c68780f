import { Refusal } from "@gateway/sockets";

const CR = 0x0d;
const LF = 0x0a;

/** Classes of octets (RFC 9110 section 5.6, RFC 3986), as tables: one look-up an octet, and no regular expression. */

function table(includes: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (includes(octet) ? 1 : 0));
}

function among(characters: string): (octet: number) => boolean {
  return (octet) => characters.includes(String.fromCharCode(octet));
}

const isAlphanumeric = among("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
const isTokenMark = among("!#$%&'*+-.^_`|~");

/** `tchar`, RFC 9110 section 5.6.2. */
export const tokenOctets: Uint8Array = table((octet) => isAlphanumeric(octet) || isTokenMark(octet));

/** Visible ASCII but `#`: what a request target may hold (a fragment is never sent, RFC 9110 section 7.1). */
export const targetOctets: Uint8Array = table((octet) => octet > 0x20 && octet < 0x7f && octet !== 0x23);

/** `HEXDIG`. */
export const hexOctets: Uint8Array = table(among("0123456789ABCDEFabcdef"));

/** `unreserved` and `sub-delims` of RFC 3986 but the comma, which would make one Host look like a list of them. */
export const hostOctets: Uint8Array = table((octet) => isAlphanumeric(octet) || among("-._~!$&'()*+;=")(octet));

/** Are all characters of a latin-1 string in the table? An empty one has none that is not. */
export function allIn(octets: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (octets[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** Takes SP and HTAB off both ends: the only white space there is in HTTP (RFC 9110 section 5.6.3). */
export function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

export function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}

/** Is every octet of a part of a head in its place: no control characters but HTAB and whole CRLFs? @returns what is wrong. */
export function misplacedOctet(bytes: Uint8Array, from: number, to: number, isWhole: boolean): string | undefined {
  for (let i = from; i < to; i++) {
    const octet = bytes[i] ?? 0;
    if (octet >= 0x20 ? octet !== 0x7f : octet === 0x09) continue;
    if (octet === LF) return "a line feed stands without a carriage return";
    if (octet !== CR) return "there is a control character in the head";
    if (i + 1 === to) return isWhole ? "a carriage return stands without a line feed" : undefined;
    if (bytes[i + 1] !== LF) return "a carriage return stands without a line feed";
    i++;
  }
  return undefined;
}

/**
 * The same for whole lines.
 *
 * @throws {Refusal}
 */
export function checkOctets(bytes: Uint8Array, from: number, to: number): void {
  const wrong = misplacedOctet(bytes, from, to, true);
  if (wrong !== undefined) throw new Refusal(400, `${wrong} (RFC 9112 section 2.2)`);
}

/** Are there no control characters at all, nor a DEL? */
export function hasNoControls(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const octet = bytes[i] ?? 0;
    if (octet < 0x20 || octet === 0x7f) return false;
  }
  return true;
}
