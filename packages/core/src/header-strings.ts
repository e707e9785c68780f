import type { HeaderList } from "./contract.ts";

/** The names and values of a list, one after the other. (Loops with an index: one of every request.) */
export function flat(headers: HeaderList): readonly string[] {
  const strings: string[] = [];
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header !== undefined) strings.push(header[0], header[1]);
  }
  return strings;
}

/** Does the list still hold what was in it when {@link flat} read it? */
export function isSame(headers: HeaderList, strings: readonly string[]): boolean {
  if (headers.length * 2 !== strings.length) return false;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header?.[0] !== strings[2 * i] || header?.[1] !== strings[2 * i + 1]) return false;
  }
  return true;
}
