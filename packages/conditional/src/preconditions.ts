import { isStrongMatch, isWeakMatch, parseEntityTags } from "./entity-tags.ts";
import { parseHttpDate } from "./http-date.ts";

/** The part of an environ that {@link evaluatePreconditions} reads. */
export interface ConditionalRequest {
  readonly REQUEST_METHOD: string;
  readonly HTTP_IF_MATCH?: string | undefined;
  readonly HTTP_IF_NONE_MATCH?: string | undefined;
  readonly HTTP_IF_MODIFIED_SINCE?: string | undefined;
  readonly HTTP_IF_UNMODIFIED_SINCE?: string | undefined;
}

/** What the current representation is told from others by. */
export interface Validators {
  /** Its entity tag with the quotes: `"\"abc\""`, `"W/\"abc\""`. Absent when it has none. */
  readonly etag?: string | undefined;
  /** When it was last changed: a `Date`, or the value of `Last-Modified`. Absent when that is not known. */
  readonly lastModified?: Date | string | undefined;
  /** There is no representation yet: for the `PUT` that makes one (default `false`). */
  readonly isMissing?: boolean | undefined;
}

/** Does the request set a condition at all? */
export function hasConditions(request: ConditionalRequest): boolean {
  return (
    request.HTTP_IF_NONE_MATCH !== undefined ||
    request.HTTP_IF_MODIFIED_SINCE !== undefined ||
    request.HTTP_IF_MATCH !== undefined ||
    request.HTTP_IF_UNMODIFIED_SINCE !== undefined
  );
}

/**
 * Evaluates the conditions of a request in the order of RFC 9110, section 13.2.2 (`If-Range` aside, which is about ranges). For applications too: one
 * that takes `PUT` asks before it changes anything.
 *
 * Dates that are none are ignored, and dates are ignored where it is not known when the representation was changed. A list of entity tags that is malformed
 * matches nothing.
 *
 * @param now the time in milliseconds (default: that of the system); needed for years of two digits.
 * @returns 412 or 304 for that answer, `undefined` for going on with the method.
 */
export function evaluatePreconditions(
  request: ConditionalRequest,
  validators: Validators,
  now: number = Date.now(),
): 304 | 412 | undefined {
  const { HTTP_IF_MATCH: match, HTTP_IF_NONE_MATCH: noneMatch } = request;
  const { etag, isMissing = false } = validators;
  const isRead = request.REQUEST_METHOD === "GET" || request.REQUEST_METHOD === "HEAD";
  if (match !== undefined) {
    if (!matches(match, etag, isMissing, isStrongMatch)) return 412;
  } else if (request.HTTP_IF_UNMODIFIED_SINCE !== undefined) {
    const changed = milliseconds(validators.lastModified, now);
    const date = parseHttpDate(request.HTTP_IF_UNMODIFIED_SINCE, now);
    if (changed !== undefined && date !== undefined && changed > date) return 412;
  }
  if (noneMatch !== undefined) {
    if (matches(noneMatch, etag, isMissing, isWeakMatch)) return isRead ? 304 : 412;
  } else if (isRead && request.HTTP_IF_MODIFIED_SINCE !== undefined) {
    const changed = milliseconds(validators.lastModified, now);
    const date = parseHttpDate(request.HTTP_IF_MODIFIED_SINCE, now);
    if (changed !== undefined && date !== undefined && changed <= date) return 304;
  }
  return undefined;
}

function matches(
  list: string,
  etag: string | undefined,
  isMissing: boolean,
  isMatch: (one: string, other: string) => boolean,
): boolean {
  if (isMissing) return false;
  const tags = parseEntityTags(list);
  if (tags === "*") return true;
  return etag !== undefined && tags !== undefined && tags.some((tag) => isMatch(tag, etag));
}

/** In whole seconds, as `Last-Modified` tells it. */
function milliseconds(date: Date | string | undefined, now: number): number | undefined {
  if (typeof date !== "object") return date === undefined ? undefined : parseHttpDate(date, now);
  const time = date.getTime();
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000) * 1000;
}
