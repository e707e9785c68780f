import { isHopByHop, isToken } from "@gateway/core";
import { breach } from "./breach.ts";

/** What the rules of the body need to know of a head. */
export interface HeadFacts {
  readonly code: number;
  /** A 204 or a 304: there is no body. */
  readonly bodiless: boolean;
  /** What `Content-Length` says; -1 when it says nothing (or nothing that can be counted). */
  readonly length: number;
  readonly hasType: boolean;
}

/** Checks the status and the headers that `startResponse` was given: rules A7 to A15 and A20 to A22. */
export function checkHead(status: unknown, headers: unknown): HeadFacts {
  const code = checkStatus(status);
  checkHeaders(headers);
  const lengths = valuesOf(headers, "content-length");
  const types = valuesOf(headers, "content-type");
  const length = countOf(lengths);
  if (length === undefined) breach("A21", lengths);
  else if (code === 204 && lengths.length > 0) breach("A22", lengths[0]);
  const bodiless = code === 204 || code === 304;
  if (bodiless && types.length > 0) breach("A20", types[0]);
  return { code, bodiless, length: length ?? -1, hasType: types.length > 0 };
}

function checkStatus(status: unknown): number {
  if (typeof status !== "string" || !/^[1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?$/.test(status)) breach("A7", status);
  else if (status.startsWith("1")) breach("A8", status);
  return typeof status === "string" ? Number(status.slice(0, 3)) : NaN;
}

/** Checks a list of headers, of the head or of early hints: rules A9 to A15. */
export function checkHeaders(headers: unknown): void {
  if (!Array.isArray(headers) || !Object.isExtensible(headers)) return breach("A9", headers);
  // By index: holes count too.
  for (let i = 0; i < headers.length; i++) checkHeader(headers[i]);
}

function checkHeader(header: unknown): void {
  if (!isPair(header)) return breach("A10", header);
  const [name, value] = header;
  if (!isToken(name)) breach("A11", name);
  else if (name.toLowerCase() === "status") breach("A14", name);
  else if (isHopByHop(name)) breach("A15", name);
  checkValue(value);
}

function isPair(header: unknown): header is [name: string, value: string] {
  return Array.isArray(header) && header.length === 2 && typeof header[0] === "string" && typeof header[1] === "string";
}

function checkValue(value: string): void {
  const bad = /[^\t\x20-\x7e\x80-\xff]/.exec(value)?.[0];
  if (bad === undefined) return;
  if (bad > "\xff") breach("A13", value);
  else breach("A12", value);
}

function valuesOf(headers: unknown, name: string): string[] {
  if (!Array.isArray(headers)) return [];
  return headers.filter((header) => isPair(header) && header[0].toLowerCase() === name).map(([, value]) => value);
}

/** What `Content-Length` says: -1 where it is absent, `undefined` where it is wrong. */
function countOf(lengths: readonly string[]): number | undefined {
  const [length] = lengths;
  if (length === undefined) return -1;
  const count = /^[0-9]+$/.test(length) ? Number(length) : NaN;
  return lengths.length === 1 && Number.isSafeInteger(count) ? count : undefined;
}
