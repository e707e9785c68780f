import { HeaderFields, type HeaderList } from "@gateway/core";

/** Does one of the members of a list header have this name? Members may have arguments: `no-cache="Set-Cookie"`. */
function hasMember(value: string, member: string): boolean {
  for (const part of value.split(",")) {
    const equals = part.indexOf("=");
    if ((equals === -1 ? part : part.slice(0, equals)).trim().toLowerCase() === member) return true;
  }
  return false;
}

/** Replaces the last header of the name by one with a member more, or adds the header. */
function addMember(headers: HeaderList, name: string, member: string): void {
  const lower = name.toLowerCase();
  for (let i = headers.length - 1; i >= 0; i--) {
    const header = headers[i];
    if (header === undefined || header[0].length !== lower.length || header[0].toLowerCase() !== lower) continue;
    headers[i] = [header[0], header[1].trim() === "" ? member : `${header[1]}, ${member}`];
    return;
  }
  headers.push([name, member]);
}

/** The answer depends on the cookie: `Vary: Cookie`, unless that, or `*`, is there (RFC 9110, section 12.5.5). */
export function varyByCookie(headers: HeaderList): void {
  if (!variesByCookie(headers)) addMember(headers, "Vary", "Cookie");
}

function variesByCookie(headers: HeaderList): boolean {
  for (const [name, value] of headers) {
    if (name.length === 4 && name.toLowerCase() === "vary" && (hasMember(value, "cookie") || hasMember(value, "*"))) return true;
  }
  return false;
}

/**
 * The answer sets a cookie: `Cache-Control: private`, unless that or `no-store` is there. `Set-Cookie` alone keeps no shared cache from storing it, and from
 * handing one user's session to all (RFC 9111, section 7.3). The most restrictive directive counts, so `public` beside it does no harm.
 */
export function keepFromSharedCaches(headers: HeaderList): void {
  if (!isPrivate(headers)) addMember(headers, "Cache-Control", "private");
}

function isPrivate(headers: HeaderList): boolean {
  return new HeaderFields(headers).getAll("Cache-Control").some((value) => bare(value, "private") || hasMember(value, "no-store"));
}

/** The directive without an argument: `private="Set-Cookie"` speaks of that header only. */
function bare(value: string, directive: string): boolean {
  return value.split(",").some((part) => part.trim().toLowerCase() === directive);
}

/** Would a shared cache that has stored this answer give it to a client with another cookie? */
export function isSharable(headers: HeaderList): boolean {
  return !variesByCookie(headers) && !isPrivate(headers);
}
