import type { CapturedResponse, Environ } from "@gateway/core";
import type { Coding } from "./codings.ts";
import type { GzipSettings } from "./gzip-options.ts";
import { headFacts, verdict, type HeadFacts, type Verdict } from "./head-facts.ts";
import type { Choice } from "./negotiate.ts";

/** What is to be done with an answer. */
export interface Plan {
  readonly facts: HeadFacts;
  readonly verdict: Verdict;
  /** How to code it; `undefined` when it goes as it is. */
  readonly work: Work | undefined;
}

/** How a body is to be coded. */
export interface Work {
  readonly coding: Coding;
  readonly level: number;
  /** The length of the body, where it is known. */
  readonly bytes: number | undefined;
  readonly paddingBytes: number;
}

/**
 * Decides about an answer whose head is known. Changes nothing.
 *
 * @param isHead by the method as it came: a layer further in may have changed it.
 * @throws what the functions of the options throw.
 */
export function plan(response: CapturedResponse, isHead: boolean, environ: Environ, choice: Choice, settings: GzipSettings): Plan {
  const { status, headers, body } = response;
  const facts = headFacts(status, headers);
  const known = verdict(facts, settings.compressible);
  const asItIs: Plan = { facts, verdict: known, work: undefined };
  const { coding } = choice;
  if (known !== "code" || coding === undefined) return asItIs;
  const given = Array.isArray(body) ? byteLength(body as readonly Uint8Array[]) : -1;
  // What is no bytes, or of a wrong length, is for the server to tell.
  if (Number.isNaN(given) || (given !== -1 && facts.length !== -1 && given !== facts.length && !isHead)) return asItIs;
  // Of HEAD an empty array is no sign that there is nothing.
  const length = given === -1 || (isHead && given === 0) ? facts.length : given;
  if (length === 0) return asItIs;
  if (length !== -1 && length < settings.thresholdBytes && choice.isIdentityAcceptable) return asItIs;
  if (settings.skip?.({ environ, status, headers }) === true) return asItIs;
  const bytes = length === -1 ? undefined : length;
  return {
    facts,
    verdict: known,
    work: { coding, bytes, level: settings.levelOf(coding, bytes), paddingBytes: settings.paddingBytes() },
  };
}

/** How many bytes the chunks have together; NaN where one is no chunk. */
export function byteLength(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.byteLength;
  return bytes;
}
