import type { Environ } from "@gateway/core";
import type { Coding } from "./codings.ts";
import { everySuffix, isEntityTag, withOwnTags } from "./entity-tags.ts";

/** Request headers that are to be changed for the application; `undefined` takes one away. */
export interface ConditionChanges {
  HTTP_IF_MATCH?: string | undefined;
  HTTP_IF_NONE_MATCH?: string | undefined;
  HTTP_RANGE?: string | undefined;
  HTTP_IF_RANGE?: string | undefined;
}

/**
 * What the application must see of the conditions of a request, so that its own entity tags match (RFC 9110, section 13).
 *
 * - A tag with our suffix is joined by the one without. On `GET` and `HEAD` only that of the coding this request would get: the others
 *   name representations that it does not select. On other methods any: they ask about the state of the resource.
 * - Not in `If-Range`, nor in the `If-Match` of a range request: what is sent would be a part of the bytes without coding.
 * - A range that is tied to a date is ignored where the answer may be coded: all codings have the same date.
 *
 * @returns `undefined` for nothing to change, which is the rule.
 */
export function conditionChanges(environ: Environ, coding: Coding | undefined): ConditionChanges | undefined {
  const { HTTP_IF_NONE_MATCH: noneMatch, HTTP_IF_MATCH: match, HTTP_RANGE: range } = environ;
  if (noneMatch === undefined && match === undefined && range === undefined) return undefined;
  const isSafe = environ.REQUEST_METHOD === "GET" || environ.REQUEST_METHOD === "HEAD";
  const suffixes = isSafe ? (coding === undefined ? [] : [coding]) : everySuffix;
  let changes: ConditionChanges | undefined;
  const ownNoneMatch = noneMatch === undefined ? undefined : withOwnTags(noneMatch, suffixes);
  if (ownNoneMatch !== undefined) changes = { HTTP_IF_NONE_MATCH: ownNoneMatch };
  const ownMatch = match === undefined || (isSafe && range !== undefined) ? undefined : withOwnTags(match, suffixes);
  if (ownMatch !== undefined) changes = { ...changes, HTTP_IF_MATCH: ownMatch };
  if (range !== undefined && coding !== undefined && isTiedToDate(environ)) {
    changes = { ...changes, HTTP_RANGE: undefined };
    if (environ.HTTP_IF_RANGE !== undefined) changes = { ...changes, HTTP_IF_RANGE: undefined };
  }
  return changes;
}

function isTiedToDate(environ: Environ): boolean {
  const ifRange = environ.HTTP_IF_RANGE;
  if (ifRange !== undefined) return !isEntityTag(ifRange);
  return environ.HTTP_IF_UNMODIFIED_SINCE !== undefined && environ.HTTP_IF_MATCH === undefined;
}

/** Makes the changes. Returns what undoes them, once, and leaves alone what somebody else has changed meanwhile. */
export function applyChanges(environ: Environ, changes: ConditionChanges): () => void {
  const keys = Object.keys(changes) as (keyof ConditionChanges)[];
  const before = keys.map((key) => environ[key]);
  for (const key of keys) environ[key] = changes[key];
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    for (const [i, key] of keys.entries()) if (environ[key] === changes[key]) environ[key] = before[i];
  };
}
