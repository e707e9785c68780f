import type { Notebook } from "./notebook.ts";
import type { ConformanceCase, ConformanceResponse, Expectation } from "./types.ts";

const latin1 = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** What is wrong with what a client saw: one line each, empty when all is as expected. */
export function differences(known: ConformanceCase, response: ConformanceResponse | undefined, notebook: Notebook): string[] {
  const { expect } = known;
  const wrong: string[] = [];
  const compare = (what: string, expected: unknown, got: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(got)) wrong.push(`${what}: expected ${show(expected)}, got ${show(got)}`);
  };
  if (expect.status !== undefined || response !== undefined) compareResponse(known, response, compare);
  compare("notes", expect.notes ?? [], notebook.notes);
  const errors = expect.errors ?? "none";
  if (errors === "none") compare("wsgi.errors", "", notebook.errors);
  else if (errors === "some" && notebook.errors === "") wrong.push("wsgi.errors: expected a report, got nothing");
  for (const text of expect.errorsWith ?? []) compare(`wsgi.errors contains ${show(text)}`, true, notebook.errors.includes(text));
  return wrong;
}

type Compare = (what: string, expected: unknown, got: unknown) => void;

function compareResponse({ expect, request }: ConformanceCase, response: ConformanceResponse | undefined, compare: Compare): void {
  if (response === undefined) return compare("response", `status ${expect.status}`, "none");
  if (expect.status !== undefined) compare("status", expect.status, Number(response.status.slice(0, 3)));
  if (expect.reason !== undefined) compare("reason", expect.reason, response.status.slice(4));
  compareHeaders(expect, response, compare);
  const { truncated = false } = expect;
  if (truncated !== "maybe" && request.leave === undefined) compare("truncated", truncated, response.truncated);
  if (expect.body !== undefined) {
    const whole = typeof expect.body === "string" ? encoder.encode(expect.body) : expect.body;
    const partial = response.truncated || request.leave !== undefined;
    compareBytes(partial ? whole.subarray(0, response.body.length) : whole, response.body, compare);
  }
  const text = latin1.decode(response.body);
  for (const secret of expect.bodyWithout ?? []) compare(`body contains ${show(secret)}`, false, text.includes(secret));
}

function compareHeaders({ headers = {} }: Expectation, response: ConformanceResponse, compare: Compare): void {
  const valuesOf = (name: string): string[] =>
    response.headers.filter(([known]) => known.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  for (const [name, value] of Object.entries(headers.equals ?? {})) compare(`header ${name}`, [value], valuesOf(name));
  for (const [name, values] of Object.entries(headers.all ?? {})) compare(`header ${name}`, values, valuesOf(name));
  for (const name of headers.absent ?? []) compare(`header ${name}`, [], valuesOf(name));
  const names = new Set(response.headers.map(([name]) => name));
  for (const name of headers.spelled ?? []) compare(`header spelled ${name}`, true, names.has(name));
}

/** Compares by length and by where they part, because a message with a megabyte in it helps nobody. */
function compareBytes(expected: Uint8Array, got: Uint8Array, compare: Compare): void {
  if (expected.length <= 2048 && got.length <= 2048) return compare("body", latin1.decode(expected), latin1.decode(got));
  compare("length of the body", expected.length, got.length);
  const at = expected.findIndex((byte, index) => got[index] !== byte);
  compare("body", "as expected", at === -1 ? "as expected" : `another byte at ${at}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
