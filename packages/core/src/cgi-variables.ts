import { HTTPError } from "./http-error.ts";

/** The variables of one request, as a front server sends them: names and values in turn, octets as latin-1, repeated ones repeated. */
export type CgiVariables = readonly string[];

/** One of the variables: of repeated ones the last counts. */
export function cgiVariable(variables: CgiVariables, name: string): string | undefined {
  for (let i = variables.length - (variables.length % 2) - 2; i >= 0; i -= 2) if (variables[i] === name) return variables[i + 1];
  return undefined;
}

/**
 * How long the body is, as CGI says it: digits. Front servers also leave the variable out, send it empty, or send `-1` for a body whose
 * length they do not know.
 *
 * @returns the number of bytes; `undefined` where the front does not say.
 * @throws {HTTPError} 413 for more than can be counted.
 */
export function cgiContentLength(value: string | undefined): number | undefined {
  if (value === undefined || !/^[0-9]+$/.test(value)) return undefined;
  const length = Number(value);
  if (!Number.isSafeInteger(length)) throw new HTTPError(413, "the Content-Length is more than can be counted");
  return length;
}
