import { isToken } from "@gateway/core";
import { ClientError } from "./client-error.ts";

/**
 * A header line of a response.
 *
 * @param line without its line end, latin-1.
 * @returns name and value, without the blanks around it.
 * @throws {ClientError} for a line that goes on in the next one, a name that is no token, white space before the colon, a control character.
 */
export function headerField(line: string): [name: string, value: string] {
  if (line.startsWith(" ") || line.startsWith("\t")) throw malformed("a header of a response goes on in the next line");
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!isToken(name)) throw malformed("a header of a response does not begin with a name and a colon");
  const value = withoutBlanks(line, colon + 1);
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw malformed("a header of a response has a control character in it");
  return [name, value];
}

/** From there on, without the blanks around: `trim` would take away more than those, and a pattern would go over many of them many times. */
export function withoutBlanks(text: string, start: number): string {
  let from = start;
  let end = text.length;
  while (from < end && isBlank(text.charCodeAt(from))) from++;
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(from, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** What came is no response. */
export function malformed(message: string): ClientError {
  return new ClientError("MALFORMED", message);
}
