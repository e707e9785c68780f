import type { Environ } from "./contract.ts";

// A BOM is kept (ignoreBOM): it is a character of the path like any other, and must not vanish between two looks at it.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** All but visible ASCII and the space, and the `%`. A search for it is twice as fast as a loop over the characters. */
const notPlain = /[^ -$&-~]/;

/**
 * Percent-decodes the path of a request target, once, as UTF-8: what a gateway puts in `PATH_INFO` and `SCRIPT_NAME`.
 * Octets that are not UTF-8 become U+FFFD. `%2F` becomes a slash like any other ({@link rawPath} still tells them apart), `+` stays
 * `+`, and neither `.` nor `..` nor `//` is resolved.
 *
 * @param raw the path as it was sent: latin-1, one character for each octet, without the `?` and what follows.
 * @returns the path, or `undefined` where a gateway answers 400: a `%` without two hex digits, a NUL however it is written, or a
 *   character above U+00FF, which no octet can have been. (RFC 3986, section 2.1; SPEC.md, deviation from PEP 3333, "Unicode Issues".)
 */
export function decodePath(raw: string): string | undefined {
  const start = raw.search(notPlain);
  return start === -1 ? raw : decodeFrom(raw, start);
}

/** Decodes a path whose first `start` characters are plain ASCII. */
function decodeFrom(raw: string, start: number): string | undefined {
  const octets = new Uint8Array(raw.length - start);
  let length = 0;
  for (let i = start; i < raw.length; i++) {
    let octet = raw.charCodeAt(i);
    if (octet === 0x25) {
      const high = hexDigit(raw.charCodeAt(i + 1));
      const low = hexDigit(raw.charCodeAt(i + 2));
      if (high < 0 || low < 0) return undefined;
      octet = high * 16 + low;
      i += 2;
    }
    // Above 0xFF the array would keep the low eight bits only: U+012F would become a slash.
    if (octet === 0 || octet > 0xff) return undefined;
    octets[length++] = octet;
  }
  return raw.slice(0, start) + decoder.decode(octets.subarray(0, length));
}

/** The value of a hex digit; -1 for any other code, also for the NaN past the end. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * Percent-encodes a path for a URI, the way back from {@link decodePath}: slashes and the characters of `pchar` stay, everything else
 * goes as UTF-8 (RFC 3986, section 3.3). A `%` is text here and becomes `%25`: do not give it what is encoded already. A lone
 * surrogate, which UTF-8 cannot express, goes as U+FFFD. Never throws; resolves neither `.` nor `..`.
 */
export function encodePath(path: string): string {
  // encodeURI leaves exactly pchar, "/", and the two characters that would end the path.
  return encodeURI(wellFormed(path)).replaceAll("?", "%3F").replaceAll("#", "%23");
}

/** Replaces lone surrogates by U+FFFD (`toWellFormed` of ES2024, which the library that core compiles with does not have). */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\u{FFFD}");
}

/**
 * The path as the client sent it, still percent-encoded: the path of `REQUEST_URI`, which may be `/a%2Fb?q`, `http://host/a?q` or
 * `*` (RFC 9112, section 3.2). The one way to tell `%2F` from `/`.
 *
 * Only while it still is the path of this environ, that is while it decodes to `SCRIPT_NAME` + `PATH_INFO`. A layer that rewrites
 * the path, a gateway that does not know the target, and the `host:port` of a CONNECT give `undefined`; so does `shiftPathInfo`, but
 * only where it dropped a `//`, a `.` or a `..`.
 *
 * @returns the path without query, beginning with `/`, or `*`; `/` for an absolute target without a path.
 */
export function rawPath(environ: Pick<Environ, "REQUEST_URI" | "SCRIPT_NAME" | "PATH_INFO">): string | undefined {
  const target = environ.REQUEST_URI;
  if (target === undefined) return undefined;
  const path = pathOf(target);
  return path !== undefined && decodePath(path) === environ.SCRIPT_NAME + environ.PATH_INFO ? path : undefined;
}

/** The path of a request target; `undefined` where it has none. */
function pathOf(target: string): string | undefined {
  const question = target.indexOf("?");
  const hierarchy = question === -1 ? target : target.slice(0, question);
  if (hierarchy.startsWith("/") || target === "*") return hierarchy;
  const colon = hierarchy.indexOf(":");
  if (!isScheme(hierarchy.slice(0, Math.max(colon, 0))) || !hierarchy.startsWith("//", colon + 1)) return undefined;
  const slash = hierarchy.indexOf("/", colon + 3);
  return slash === -1 ? "/" : hierarchy.slice(slash);
}

/** RFC 3986, section 3.1. */
function isScheme(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*$/.test(text);
}
