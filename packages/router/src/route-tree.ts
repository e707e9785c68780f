import { matchMixed, type MixedSegment } from "./mixed-segment.ts";
import type { Segment } from "./pattern.ts";

/** One way to take a pattern, and the place of its route in the list. */
export interface Leaf {
  readonly segments: readonly Segment[];
  /** Where its route stands in the list: the first that matches is taken. */
  readonly index: number;
}

/** How texts are compared: as they are (`undefined`), or by what this makes of them, which has the same length. */
export type Fold = ((text: string) => string) | undefined;

/** Up to so many texts side by side are compared one after the other: that costs less than cutting the segment out to look it up. */
const maxCompared = 16;

/** What the paths of patterns have in common is compared once: a tree with a level for each segment. */
export class RouteTree<L extends Leaf> {
  private readonly root: Node<L> = new Node();
  private readonly fold: Fold;
  private readonly accept: (leaf: L) => boolean;
  // One look-up at a time. Fields, because the tree is walked by a function that calls itself, and each argument costs.
  private path = "";
  private best: L | undefined = undefined;

  /** @param accept whether a leaf whose path matches is taken; does not look things up itself. */
  constructor(fold: Fold, accept: (leaf: L) => boolean) {
    this.fold = fold;
    this.accept = accept;
  }

  add(leaf: L): void {
    let node = this.root;
    node.first = Math.min(node.first, leaf.index);
    for (const segment of leaf.segments) {
      if (segment.kind === "rest") {
        node.rests.push(leaf);
        return;
      }
      node = node.below(segment, this.fold);
      node.first = Math.min(node.first, leaf.index);
    }
    node.ends.push(leaf);
  }

  /**
   * The first leaf, in the order of the list, that matches the path and is accepted. Each node of the tree is looked at no more than
   * once, whatever the path.
   *
   * @param path begins with a slash.
   */
  find(path: string): L | undefined {
    this.path = path;
    this.best = undefined;
    this.visit(this.root, 1);
    return this.best;
  }

  /** @param from where the next segment begins; one more than the length of the path when there is none. */
  private visit(node: Node<L>, from: number): void {
    if (this.best !== undefined && this.best.index <= node.first) return;
    const { path } = this;
    if (from > path.length) return this.take(node.ends);
    const slash = path.indexOf("/", from);
    const end = slash === -1 ? path.length : slash;
    if (node.texts.size > 0) {
      const below = this.belowText(node, from, end);
      if (below !== undefined) this.visit(below, end + 1);
    }
    if (end > from) {
      if (node.param !== undefined) this.visit(node.param, end + 1);
      if (node.mixed.length > 0) this.visitMixed(node, from, end);
    }
    if (node.rests.length > 0 && path.length > from) this.take(node.rests);
  }

  private belowText({ texts, compared }: Node<L>, from: number, end: number): Node<L> | undefined {
    const { path, fold } = this;
    if (fold !== undefined || compared === undefined) {
      const text = path.slice(from, end);
      return texts.get(fold === undefined ? text : fold(text));
    }
    const length = end - from;
    for (let i = 0; i < compared.length; i++) {
      const { text, node } = compared[i] as (typeof compared)[number];
      if (text.length === length && path.startsWith(text, from)) return node;
    }
    return undefined;
  }

  private visitMixed({ mixed }: Node<L>, from: number, end: number): void {
    const text = this.path.slice(from, end);
    for (const { segment, node } of mixed) {
      if (matchMixed(segment, text, this.fold)) this.visit(node, end + 1);
    }
  }

  /** Leaves are added in the order of the list. */
  private take(leaves: readonly L[]): void {
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i] as L;
      if (this.best !== undefined && this.best.index <= leaf.index) return;
      if (!this.accept(leaf)) continue;
      this.best = leaf;
      return;
    }
  }
}

class Node<L extends Leaf> {
  /** The first route of the list that is somewhere below. */
  first = Infinity;
  readonly ends: L[] = [];
  readonly rests: L[] = [];
  readonly texts = new Map<string, Node<L>>();
  /** The texts once more, while they are few. */
  compared: { readonly text: string; readonly node: Node<L> }[] | undefined = [];
  param: Node<L> | undefined = undefined;
  readonly mixed: { readonly segment: MixedSegment; readonly shape: string; readonly node: Node<L> }[] = [];

  below(segment: Exclude<Segment, { kind: "rest" }>, fold: Fold): Node<L> {
    if (segment.kind === "param") return (this.param ??= new Node());
    if (segment.kind === "text") return this.belowText(fold === undefined ? segment.text : fold(segment.text));
    const shape = shapeOf(segment, fold);
    const known = this.mixed.find((other) => other.shape === shape);
    if (known !== undefined) return known.node;
    const node = new Node<L>();
    this.mixed.push({ segment: foldSegment(segment, fold), shape, node });
    return node;
  }

  private belowText(text: string): Node<L> {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    const node = new Node<L>();
    this.texts.set(text, node);
    if (this.texts.size > maxCompared) this.compared = undefined;
    this.compared?.push({ text, node });
    return node;
  }
}

/** A mixed segment with its texts as they are compared. */
export function foldSegment(segment: MixedSegment, fold: Fold): MixedSegment {
  return fold === undefined ? segment : { ...segment, texts: segment.texts.map(fold) };
}

/** A mixed segment without the names of its parameters. */
export function shapeOf(segment: MixedSegment, fold: Fold): string {
  // No text has a slash.
  return foldSegment(segment, fold).texts.join("/");
}

/** The named arguments that a path which matched these segments has. */
export function readParams(segments: readonly Segment[], path: string, fold: Fold): Record<string, string | readonly string[]> {
  const named: Record<string, string | readonly string[]> = {};
  let from = 1;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as Segment;
    if (segment.kind === "text") {
      from += segment.text.length + 1;
      continue;
    }
    if (segment.kind === "rest") {
      named[segment.name] = splitFrom(path, from);
      break;
    }
    const slash = path.indexOf("/", from);
    const end = slash === -1 ? path.length : slash;
    if (segment.kind === "param") named[segment.name] = path.slice(from, end);
    else matchMixed(foldSegment(segment, fold), path.slice(from, end), fold, named);
    from = end + 1;
  }
  return named;
}

/** The segments from there on. Written out for the first few: an array that grows, as with `split`, costs more than all the rest. */
function splitFrom(path: string, from: number): string[] {
  const first = path.indexOf("/", from);
  if (first === -1) return [path.slice(from)];
  const second = path.indexOf("/", first + 1);
  if (second === -1) return [path.slice(from, first), path.slice(first + 1)];
  const third = path.indexOf("/", second + 1);
  if (third === -1) return [path.slice(from, first), path.slice(first + 1, second), path.slice(second + 1)];
  return path.slice(from).split("/");
}
