/** More than one cookie of the name came: which of them is the right one nobody can tell. */
export const duplicated: unique symbol = Symbol("duplicated");

/**
 * The value of one cookie in a `Cookie` header, as it stands there: no percent-decoding and no quotes removed, because we never set such a value, and a
 * name that was decoded could pass for a `__Host-` one. A cookie without a name is not taken for one with a name (RFC 6265bis, section 5.7).
 *
 * @returns `undefined` where there is none, {@link duplicated} where there is more than one, the same value twice included.
 */
export function findCookie(header: string | undefined, name: string): string | typeof duplicated | undefined {
  if (header === undefined) return undefined;
  let found: string | undefined;
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const equals = skipBlanks(header, at + name.length);
    if (header.charCodeAt(equals) !== 0x3d || !beginsPair(header, at)) continue;
    if (found !== undefined) return duplicated;
    const semicolon = header.indexOf(";", equals);
    const end = semicolon === -1 ? header.length : semicolon;
    found = trimBlanks(header, equals + 1, end);
  }
  return found;
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** Is there nothing but blanks between the start of the header, or a semicolon, and this place? */
function beginsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--;
  return before < 0 || header.charCodeAt(before) === 0x3b;
}

function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}
