import { matchMixed } from "./mixed-segment.ts";
import type { Segment } from "./pattern.ts";
import { foldSegment, shapeOf, type Fold } from "./route-tree.ts";

/**
 * Does a pattern match every path that another matches? Where both mix texts and parameters in one segment, only the same mixture is
 * seen to: then a `false` may be wrong, and a `true` never is.
 */
export function covers(outer: readonly Segment[], inner: readonly Segment[], fold: Fold): boolean {
  for (let i = 0; i < outer.length; i++) {
    const one = outer[i] as Segment;
    const other = inner[i];
    if (other === undefined) return false;
    // What is left must not be empty.
    if (one.kind === "rest") return inner.length > i + 1 || other.kind !== "text" || other.text !== "";
    if (!coversSegment(one, other, fold)) return false;
  }
  return outer.length === inner.length;
}

function coversSegment(one: Segment, other: Segment, fold: Fold): boolean {
  if (other.kind === "rest") return false;
  if (one.kind === "param") return other.kind !== "text" || other.text !== "";
  if (one.kind === "text")
    return other.kind === "text" && (one.text === other.text || (fold !== undefined && fold(one.text) === fold(other.text)));
  if (one.kind === "rest") return false;
  if (other.kind === "text") return matchMixed(foldSegment(one, fold), other.text, fold);
  return other.kind === "mixed" && shapeOf(one, fold) === shapeOf(other, fold);
}

/** The one path that a pattern without parameters matches; `undefined` for any other. */
export function pathOf(segments: readonly Segment[]): string | undefined {
  let path = "";
  for (const segment of segments) {
    if (segment.kind !== "text") return undefined;
    path += `/${segment.text}`;
  }
  return path;
}
