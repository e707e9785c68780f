/** A segment with parameters between texts: `report-:id.:format` has the texts `report-`, `.` and an empty one. */
export interface MixedSegment {
  readonly kind: "mixed";
  /** One more than there are parameters; the first and the last may be empty. */
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

/**
 * Matches one segment of a path. Each parameter takes at least one character, and the first takes as many as it can, as in a greedy
 * regular expression; but each text is looked for once, from the right, so nothing is ever tried twice.
 *
 * @param mixed its texts folded. @param fold makes of a text what it is compared by, as long as before (`undefined`: as it is).
 * @param named gets the parameters; perhaps some of them also where it does not match.
 */
export function matchMixed(
  { texts, names }: Pick<MixedSegment, "texts" | "names">,
  segment: string,
  fold?: (text: string) => string,
  named?: Record<string, unknown>,
): boolean {
  const folded = fold === undefined ? segment : fold(segment);
  const first = texts[0] ?? "";
  const last = texts[names.length] ?? "";
  if ((first !== "" && !folded.startsWith(first)) || (last !== "" && !folded.endsWith(last))) return false;
  const start = first.length;
  let end = segment.length - last.length;
  for (let i = names.length - 1; i > 0; i--) {
    const text = texts[i] ?? "";
    const at = lastIndex(folded, text, end - 1 - text.length);
    if (at <= start) return false;
    if (named !== undefined) named[names[i] ?? ""] = segment.slice(at + text.length, end);
    end = at;
  }
  if (end <= start) return false;
  if (named !== undefined) named[names[0] ?? ""] = segment.slice(start, end);
  return true;
}

/** As `lastIndexOf`, which costs more than a short segment takes to be looked through; and -1 for a place before the beginning. */
function lastIndex(text: string, part: string, from: number): number {
  const code = part.charCodeAt(0);
  for (let i = from; i >= 0; i--) {
    if (text.charCodeAt(i) === code && (part.length === 1 || text.startsWith(part, i))) return i;
  }
  return -1;
}
