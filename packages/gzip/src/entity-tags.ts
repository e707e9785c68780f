import { allCodings, type Coding } from "./codings.ts";

/**
 * The entity tag of a representation that we coded: `"abc"` becomes `"abc-gzip"`, because a strong tag may not name two different
 * strings of bytes (RFC 9110, section 8.8.3.3). A weak one may, and stays.
 *
 * @returns `undefined` for what is no entity tag: it must not go with other bytes than the application meant.
 */
export function codedTag(tag: string, coding: Coding): string | undefined {
  if (isWeak(tag)) return tag;
  return isStrong(tag) ? `${tag.slice(0, -1)}-${coding}"` : undefined;
}

/**
 * Adds to a list of entity tags the application's own ones, for each that carries our suffix: `"abc-gzip"` becomes `"abc-gzip", "abc"`.
 * The suffixed one stays, because it may be the application's own.
 *
 * @param codings whose suffixes count.
 * @returns `undefined` when there is nothing to add, or when the value is no list of entity tags.
 */
export function withOwnTags(header: string, codings: readonly Coding[]): string | undefined {
  // An entity tag holds no quote, so every other part is the inside of one.
  const parts = header.split('"');
  if (parts.length % 2 === 0) return undefined;
  let added = "";
  for (let i = 1; i < parts.length; i += 2) {
    const opaque = parts[i] ?? "";
    const coding = codings.find((known) => opaque.endsWith(`-${known}`));
    if (coding === undefined) continue;
    const weak = parts[i - 1]?.endsWith("W/") === true ? "W/" : "";
    added += `, ${weak}"${opaque.slice(0, -coding.length - 1)}"`;
  }
  return added === "" ? undefined : header + added;
}

/** Is the whole header one entity tag (RFC 9110, section 8.8.3), and not a date? */
export function isEntityTag(value: string): boolean {
  return isWeak(value) || isStrong(value);
}

/** A suffix may come from another server of the same site, with other codings. */
export const everySuffix: readonly Coding[] = allCodings;

function isWeak(tag: string): boolean {
  return tag.startsWith("W/") && isStrong(tag.slice(2));
}

function isStrong(tag: string): boolean {
  return tag.length >= 2 && tag.indexOf('"', 1) === tag.length - 1 && tag.startsWith('"');
}
