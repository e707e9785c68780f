/** A list of `If-Match` or `If-None-Match`: entity tags as they were written, or `*`. */
export type EntityTags = readonly string[] | "*";

/**
 * Reads a list of entity tags in one pass (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2). Empty members are skipped.
 *
 * @returns `undefined` for what is no such list.
 */
export function parseEntityTags(text: string): EntityTags | undefined {
  if (text === "*") return "*";
  const tags: string[] = [];
  let at = 0;
  for (;;) {
    at = skip(text, at, true);
    if (at === text.length) return tags;
    const quote = text.startsWith("W/", at) ? at + 2 : at;
    const end = text.charCodeAt(quote) === 0x22 ? text.indexOf('"', quote + 1) + 1 : 0;
    if (end === 0 || !isOpaque(text, quote + 1, end - 1)) return undefined;
    tags.push(text.slice(at, end));
    at = skip(text, end, false);
    if (at !== text.length && text[at] !== ",") return undefined;
  }
}

/** Is it one entity tag, weak or strong? */
export function isEntityTag(text: string): boolean {
  const quote = text.startsWith("W/") ? 2 : 0;
  return text.length > quote + 1 && text[quote] === '"' && text.endsWith('"') && isOpaque(text, quote + 1, text.length - 1);
}

/** Both strong, and the same (RFC 9110, section 8.8.3.2). */
export function isStrongMatch(one: string, other: string): boolean {
  return one === other && !one.startsWith("W/");
}

/** The same, be they weak or strong (RFC 9110, section 8.8.3.2). */
export function isWeakMatch(one: string, other: string): boolean {
  return opaqueTag(one) === opaqueTag(other);
}

function opaqueTag(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/** etagc: visible ASCII but the quote, and what lies beyond ASCII. */
function isOpaque(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x21 || code === 0x22 || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

function skip(text: string, from: number, commas: boolean): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09 && !(commas && code === 0x2c)) return at;
    at++;
  }
}
