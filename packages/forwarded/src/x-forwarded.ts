import { parseSender, type Sender } from "./ip-address.ts";
import type { Trust } from "./trust.ts";

/** The client, as the nearest proxy that is believed saw it. */
export interface Found {
  readonly sender: Sender;
  /** How many proxies are believed, the peer among them. */
  readonly hops: number;
  /** Where its entry begins in the header: what is left of it was written by strangers. */
  readonly start: number;
}

/**
 * Looks for the client in `X-Forwarded-For`: the right-most address that is not trusted, or the left-most where all are. Entries
 * are read from the right, and those to the left of the client not at all: anybody may have written them, and nonsense in them
 * must not hide what the proxies said.
 *
 * @returns `undefined` where an entry that a trusted proxy wrote is malformed: then nothing of the header counts.
 */
export function findSender(value: string, trust: Trust): Found | undefined {
  let end = value.length;
  for (let hops = 1; ; hops++) {
    const comma = value.lastIndexOf(",", end - 1);
    // What is before the first entry: `lastIndexOf` would begin at 0 for -1.
    const start = end === 0 ? 0 : comma + 1;
    const sender = parseSender(trimSpace(value.slice(start, end)), true);
    if (sender === undefined) return undefined;
    if (start === 0 || !trust.isTrusted(sender.address, hops)) return { sender, hops, start };
    end = comma;
  }
}

/**
 * The entry that the proxy nearest to the client wrote, where each proxy wrote one: as many from the right as proxies are believed. Where
 * there are fewer, the left-most: a proxy may replace what it got.
 */
export function entryOf(value: string, hops: number): string {
  let end = value.length;
  for (let i = 1; ; i++) {
    const comma = end === 0 ? -1 : value.lastIndexOf(",", end - 1);
    if (i === hops || comma === -1) return trimSpace(value.slice(comma + 1, end));
    end = comma;
  }
}

/** Optional white space is spaces and tabs (RFC 9110, section 5.6.3), which `trim()` is not. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && (text[start] === " " || text[start] === "\t")) start++;
  while (end > start && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  return text.slice(start, end);
}
