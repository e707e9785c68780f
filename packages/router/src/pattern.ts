import { parse, PathError, type Token } from "path-to-regexp";
import type { MixedSegment } from "./mixed-segment.ts";

type SegmentPart = { readonly text: string } | { readonly name: string };

/**
 * One segment of a pattern: `text` as it is, `param` anything but nothing, `mixed` texts and parameters in turn, `rest` all that is
 * left of the path, also across slashes.
 */
export type Segment =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "param"; readonly name: string }
  | MixedSegment
  | { readonly kind: "rest"; readonly name: string };

/** Longer ones are a mistake; and the time that a path takes grows with the pattern. */
const maxLength = 2048;
/** Each optional part doubles what a pattern stands for. */
const maxVariants = 64;
/** Braces in braces: what parses them calls itself. */
const maxDepth = 16;

/**
 * Reads a pattern in the language of path-to-regexp: `/hello/:name`, `/files/*path`, `/archive{/:year}`, `/:name.:extension`.
 *
 * @returns what it stands for: one list of segments for each way to take its optional parts, the fullest first.
 * @throws {TypeError} that says what is wrong with it, and what to do.
 */
export function parsePattern(pattern: string): readonly (readonly Segment[])[] {
  const fail = (problem: string): never => {
    throw new TypeError(`the pattern ${JSON.stringify(pattern.slice(0, 100))} ${problem}`);
  };
  if (pattern.length > maxLength) fail(`is longer than ${maxLength} characters`);
  if (depthOf(pattern) > maxDepth) fail(`has braces in braces, more than ${maxDepth} deep`);
  if (pattern.includes("\0")) fail("has a NUL, which no path can have");
  if (/%[\dA-Fa-f]{2}/.test(pattern)) fail("is percent-encoded: write it decoded, since it is compared with decoded segments");
  let tokens: readonly Token[] = [];
  try {
    ({ tokens } = parse(pattern));
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    fail(
      `cannot be read: ${error.message.split(":", 1)[0] ?? ""} (in it : * { } ( ) [ ] + ? ! and \\ are special; \\ before one makes it text)`,
    );
  }
  return variantsOf(tokens, fail).map((flat) => segmentsOf(flat, fail));
}

function depthOf(pattern: string): number {
  let depth = 0;
  let most = 0;
  for (const character of pattern) {
    if (character === "{") most = Math.max(most, ++depth);
    else if (character === "}") depth--;
  }
  return most;
}

type FlatToken = Exclude<Token, { type: "group" }>;

/** Each way to take the optional parts or leave them. */
function variantsOf(tokens: readonly Token[], fail: (problem: string) => never): readonly (readonly FlatToken[])[] {
  let variants: (readonly FlatToken[])[] = [[]];
  for (const token of tokens) {
    const taken = token.type === "group" ? [...variantsOf(token.tokens, fail), []] : [[token]];
    if (variants.length * taken.length > maxVariants)
      fail(`stands for more than ${maxVariants} patterns: it has too many optional parts`);
    variants = variants.flatMap((before) => taken.map((after) => before.concat(after)));
  }
  return variants;
}

function segmentsOf(tokens: readonly FlatToken[], fail: (problem: string) => never): readonly Segment[] {
  const segments: SegmentPart[][] = [];
  const names = new Set<string>();
  let rest: string | undefined;
  for (const token of tokens) {
    if (rest !== undefined) fail(`has something behind *${rest}: a wildcard stands at the end`);
    if (token.type === "text") {
      const [first = "", ...others] = token.value.split("/");
      if (segments.length === 0 && first !== "") fail("does not begin with a slash");
      if (first !== "") addText(segments, first);
      for (const text of others) segments.push(text === "" ? [] : [{ text }]);
      continue;
    }
    if (segments.length === 0) fail("does not begin with a slash");
    if (names.has(token.name)) fail(`has two parameters called ${token.name}`);
    if (token.name === "__proto__") fail("has a parameter called __proto__");
    names.add(token.name);
    const parts = segments.at(-1) ?? [];
    if (token.type === "wildcard") {
      if (parts.length > 0) fail(`has *${token.name} behind something in the same segment: a wildcard stands for whole segments`);
      rest = token.name;
    } else {
      const last = parts.at(-1);
      if (last !== undefined && "name" in last) fail(`has no text between :${last.name} and :${token.name}`);
      parts.push({ name: token.name });
    }
  }
  // An optional part that is the whole of it leaves nothing: that is the root.
  if (segments.length === 0) segments.push([]);
  const all = segments.map(segmentOf);
  return rest === undefined ? all : [...all.slice(0, -1), { kind: "rest", name: rest }];
}

/** Adds text to the last segment; two pieces may meet where an optional part was left out. */
function addText(segments: SegmentPart[][], text: string): void {
  const parts = segments.at(-1) ?? [];
  const last = parts.at(-1);
  if (last !== undefined && "text" in last) parts[parts.length - 1] = { text: last.text + text };
  else parts.push({ text });
}

function segmentOf(parts: readonly SegmentPart[]): Segment {
  const [first] = parts;
  if (first === undefined) return { kind: "text", text: "" };
  if (parts.length === 1) return "text" in first ? { kind: "text", text: first.text } : { kind: "param", name: first.name };
  const texts: string[] = [];
  const names: string[] = [];
  for (const part of parts) {
    if ("text" in part) texts.push(part.text);
    else {
      if (texts.length === names.length) texts.push("");
      names.push(part.name);
    }
  }
  if (texts.length === names.length) texts.push("");
  return { kind: "mixed", texts, names };
}
