import { trimWhitespace } from "./whitespace.ts";

/** A part of a representation: octets `first` to `last`, both included, counted from 0. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** So many ranges are answered; a request for more gets the whole (RFC 9110, section 14.2 allows it). */
export const maxRanges = 16;

const maxHeaderLength = 1024;

/**
 * Reads a `Range` header for a representation of so many octets (RFC 9110, section 14). Ranges that overlap or touch become one, so
 * the parts together are never longer than the whole; otherwise the order is the client's.
 *
 * @returns the ranges; `"ignore"` where the whole is to be sent: another unit, a malformed or an invalid set, more than 16 ranges, or an
 *   empty representation with a suffix; `"unsatisfiable"` where it is a 416.
 */
export function parseRange(header: string, length: number): readonly ByteRange[] | "ignore" | "unsatisfiable" {
  if (header.length > maxHeaderLength || header.slice(0, 6).toLowerCase() !== "bytes=") return "ignore";
  const ranges: ByteRange[] = [];
  let count = 0;
  let ofNothing = false;
  for (const member of header.slice(6).split(",")) {
    const text = trimWhitespace(member);
    // An empty member of a list is skipped (RFC 9110, section 5.6.1.2).
    if (text === "") continue;
    const spec = /^(\d*)-(\d*)$/.exec(text);
    if (spec === null) return "ignore";
    const [, first = "", last = ""] = spec;
    if (++count > maxRanges) return "ignore";
    if (first === "") {
      if (last === "") return "ignore";
      const suffix = octets(last);
      if (suffix > 0 && length > 0) ranges.push({ first: Math.max(0, length - suffix), last: length - 1 });
      else if (suffix > 0) ofNothing = true;
    } else {
      const from = octets(first);
      const to = last === "" ? Infinity : octets(last);
      if (isBefore(last, first)) return "ignore";
      if (from < length) ranges.push({ first: from, last: Math.min(to, length - 1) });
    }
  }
  if (count === 0) return "ignore";
  // A suffix of nothing is satisfiable, and cannot be told by a Content-Range.
  if (ranges.length === 0) return ofNothing ? "ignore" : "unsatisfiable";
  return ranges.length === 1 ? ranges : coalesce(ranges);
}

/** A count of octets; what is beyond counting is beyond the end of any file. */
function octets(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** Is the one number smaller than the other, however long they are? The empty one is no number. */
function isBefore(one: string, other: string): boolean {
  if (one === "") return false;
  const [a, b] = [one, other].map((digits) => digits.replace(/^0+(?=\d)/, "")) as [string, string];
  return a.length === b.length ? a < b : a.length < b.length;
}

function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const sorted = ranges.map((range, at) => ({ ...range, at })).toSorted((a, b) => a.first - b.first || a.at - b.at);
  const merged: { first: number; last: number; at: number }[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1) {
      merged.push(range);
      continue;
    }
    before.last = Math.max(before.last, range.last);
    before.at = Math.min(before.at, range.at);
  }
  return merged.toSorted((a, b) => a.at - b.at).map(({ first, last }) => ({ first, last }));
}

/** The value of `Content-Range` for a part (RFC 9110, section 14.4). */
export function contentRange({ first, last }: ByteRange, length: number): string {
  return `bytes ${first}-${last}/${length}`;
}

/** The heads that go before the parts of a `multipart/byteranges` body, its end, and how long the whole is (RFC 9110, section 14.6). */
export interface Multipart {
  readonly contentType: string;
  readonly heads: readonly Buffer[];
  readonly end: Buffer;
  readonly length: number;
}

/** @param boundary a token that does not occur in the file. @param type the Content-Type of the representation. */
export function multipart(ranges: readonly ByteRange[], length: number, type: string, boundary: string): Multipart {
  const heads = ranges.map((range, i) =>
    Buffer.from(
      `${i === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, length)}\r\n\r\n`,
      "latin1",
    ),
  );
  const end = Buffer.from(`\r\n--${boundary}--\r\n`, "latin1");
  const content = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const framing = heads.reduce((sum, head) => sum + head.length, end.length);
  return { contentType: `multipart/byteranges; boundary=${boundary}`, heads, end, length: content + framing };
}
