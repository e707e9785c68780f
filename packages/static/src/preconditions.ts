import { isStrongMatch, isWeakMatch, parseEntityTags } from "./entity-tags.ts";
import { parseHttpDate } from "./http-date.ts";

/** The headers of a request, as environ has them. */
export interface ConditionalHeaders {
  readonly [header: `HTTP_${string}`]: string | undefined;
}

/** What a representation is told from others by. */
export interface Validators {
  /** The entity tag as it is sent; `""` where there is none. */
  readonly etag: string;
  /** Milliseconds, whole seconds: the `Last-Modified` that is sent. */
  readonly lastModified: number;
  /** That date can be relied on: the second it tells is long over, so the file cannot have changed in it again. */
  readonly isDateStrong: boolean;
}

/**
 * Evaluates the preconditions of a GET or HEAD of something that exists, in the order of RFC 9110, section 13.2.2. Dates that are
 * invalid are ignored.
 *
 * @returns 200 to go on, 304 or 412.
 */
export function evaluatePreconditions(headers: ConditionalHeaders, validators: Validators, now: number): 200 | 304 | 412 {
  const { HTTP_IF_MATCH: ifMatch, HTTP_IF_NONE_MATCH: ifNoneMatch } = headers;
  if (ifMatch !== undefined) {
    const tags = parseEntityTags(ifMatch);
    if (tags !== "*" && !tags.some((tag) => isStrongMatch(tag, validators.etag))) return 412;
  } else if (headers.HTTP_IF_UNMODIFIED_SINCE !== undefined) {
    const date = parseHttpDate(headers.HTTP_IF_UNMODIFIED_SINCE, now);
    if (date !== undefined && validators.lastModified > date) return 412;
  }
  if (ifNoneMatch !== undefined) {
    const tags = parseEntityTags(ifNoneMatch);
    return tags === "*" || tags.some((tag) => isWeakMatch(tag, validators.etag)) ? 304 : 200;
  }
  if (headers.HTTP_IF_MODIFIED_SINCE !== undefined) {
    const date = parseHttpDate(headers.HTTP_IF_MODIFIED_SINCE, now);
    if (date !== undefined && validators.lastModified <= date) return 304;
  }
  return 200;
}

/** May the `Range` of this request be used (RFC 9110, section 13.1.5)? Only where what the client has is, octet for octet, what is here. */
export function mayUseRange(ifRange: string | undefined, validators: Validators, now: number): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"') || ifRange.startsWith("W/")) {
    const tags = parseEntityTags(ifRange);
    const [tag = ""] = tags;
    return tags !== "*" && tags.length === 1 && tag === ifRange && isStrongMatch(tag, validators.etag);
  }
  return validators.isDateStrong && parseHttpDate(ifRange, now) === validators.lastModified;
}
