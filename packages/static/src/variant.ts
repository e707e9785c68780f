import type { Header, HeaderList } from "@gateway/core";
import type { Coding } from "./accept-encoding.ts";
import { modifiedMilliseconds, type FileStamp } from "./file-stamp.ts";
import { formatHttpDate } from "./http-date.ts";
import type { Validators } from "./preconditions.ts";

/** A file as the rules for its headers see it. */
export interface ServedFile {
  /** Its path below the root: `"/docs/index.html"`. That of the file itself, also where a compressed sibling is sent. */
  readonly path: string;
  /** Its `Content-Type`. */
  readonly type: string;
  /** Its size in bytes. */
  readonly size: number;
  /** When it was last written. */
  readonly modified: Date;
}

/** How a file of a type and name is answered. */
export interface Rules {
  readonly typeOf: (path: string) => string;
  readonly cacheControlOf: (file: ServedFile) => string | undefined;
  readonly headersOf: (file: ServedFile) => Iterable<Header>;
  readonly etag: "strong" | "weak" | "none";
}

/** For so long after it was written a file may change again without its time of change telling. */
export const youngMilliseconds = 2000;

/** Was it written so lately that it may change again without a sign of it? Also where that lies in the future. */
export function isYoung(stamp: FileStamp, now: number): boolean {
  return now - modifiedMilliseconds(stamp) < youngMilliseconds;
}

/** One representation of a file, in one version, ready to be sent: as it is, or compressed in a sibling. */
export interface Variant extends Validators {
  readonly coding: Coding | "";
  /** Where its bytes are, below the root. */
  readonly path: string;
  readonly stamp: FileStamp;
  readonly type: string;
  /** The headers of a 200, Content-Type first and Content-Length last. Copied for each response. */
  readonly headers: HeaderList;
  /** The headers of a 304. */
  readonly notModified: HeaderList;
  /** Its content, where it is kept in memory. */
  readonly bytes: Buffer | undefined;
}

/** What a variant is made of. */
export interface VariantSource {
  readonly coding: Coding | "";
  readonly path: string;
  readonly stamp: FileStamp;
  readonly bytes: Buffer | undefined;
  /** The hash of its content, by a manifest and true; `""` where it is not known. */
  readonly hash: string;
}

/** The file that is asked for, which has variants. */
export interface Original {
  readonly path: string;
  readonly stamp: FileStamp;
  /** There is more than one variant, so what is sent depends on the request. */
  readonly isNegotiated: boolean;
}

export function makeVariant(source: VariantSource, original: Original, rules: Rules, now: number): Variant {
  const { coding, path, stamp, bytes } = source;
  const type = rules.typeOf(original.path);
  const file: ServedFile = {
    path: original.path,
    type,
    size: original.stamp.size,
    modified: new Date(modifiedMilliseconds(original.stamp)),
  };
  const modified = Math.max(modifiedMilliseconds(stamp), file.modified.getTime());
  // Never later than the Date of the response (RFC 9110, section 8.8.2.1).
  const lastModified = Math.floor(Math.min(modified, now) / 1000) * 1000;
  const etag = entityTag(source, rules.etag, now);

  const lasting: Header[] = [];
  if (etag !== "") lasting.push(["ETag", etag]);
  const cacheControl = rules.cacheControlOf(file);
  const more = ownHeaders(rules.headersOf(file), file.path);
  if (cacheControl !== undefined && !more.some(([name]) => isName(name, "cache-control")))
    lasting.push(["Cache-Control", cacheControl]);
  const vary = more.filter(([name]) => isName(name, "vary")).map(([, value]) => value);
  if (original.isNegotiated) vary.unshift("Accept-Encoding");
  if (vary.length > 0) lasting.push(["Vary", vary.join(", ")]);
  lasting.push(...more.filter(([name]) => !isName(name, "vary")));

  const headers: HeaderList = [["Content-Type", type]];
  if (coding !== "") headers.push(["Content-Encoding", coding]);
  headers.push(...lasting, ["Last-Modified", formatHttpDate(lastModified)], ["Accept-Ranges", "bytes"]);
  headers.push(["X-Content-Type-Options", "nosniff"], ["Content-Length", `${stamp.size}`]);
  // Without an entity tag the date is what a cache updates by (RFC 9110, section 15.4.5).
  const notModified: HeaderList = etag === "" ? [...lasting, ["Last-Modified", formatHttpDate(lastModified)]] : lasting;
  const isDateStrong = now - modified >= youngMilliseconds;
  return { coding, path, stamp, type, etag, lastModified, isDateStrong, headers, notModified, bytes };
}

/**
 * The hash of the content is strong. Size and time of change are too, once the file cannot change again within the same tick of the
 * clock. A coding in front keeps the tags of siblings apart from that of the file, and is nothing that a layer would take off again.
 */
function entityTag({ coding, stamp, hash }: VariantSource, policy: Rules["etag"], now: number): string {
  if (policy === "none") return "";
  const content = hash !== "" ? hash : `${stamp.size.toString(36)}-${stamp.modified.toString(36)}`;
  const tag = `"${coding === "" ? "" : `${coding}:`}${content}"`;
  return policy === "weak" || (hash === "" && isYoung(stamp, now)) ? `W/${tag}` : tag;
}

const ours = new Set([
  "accept-ranges",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  "x-content-type-options",
]);

/** @throws {TypeError} for a header that says what this package says itself. */
function ownHeaders(given: Iterable<Header>, path: string): Header[] {
  const headers = [...given];
  for (const [name] of headers) {
    if (ours.has(name.toLowerCase()))
      throw new TypeError(`staticFiles: the headers option gave ${name} for ${path}, which is set by what the file is`);
  }
  return headers;
}

function isName(name: string, lower: string): boolean {
  return name.toLowerCase() === lower;
}
