import { isToken } from "@gateway/core";
import { fileName } from "./file-name.ts";
import { malformed } from "./refusals.ts";

/** What the head of a part says about it. */
export interface Disposition {
  readonly name: string;
  /** Without folders; `""` where a browser had no file to send. `undefined` for a field. */
  readonly filename: string | undefined;
}

const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads the `Content-Disposition` of a part (RFC 7578, section 4.2; RFC 6266). `filename*` (RFC 8187) counts more than `filename`. A backslash in quotes
 * escapes a quote and a backslash only: browsers write those of a path as they are. `%22` stays as it is, since nobody can tell what it was.
 *
 * @param value in latin-1, as on the wire.
 * @throws {HTTPError} 400 with the reason.
 */
export function parseDisposition(value: string): Disposition {
  const parameters = parseParameters(value);
  const name = parameters.get("name");
  if (name === undefined) throw malformed("A part of the multipart body has no name.");
  const extended = parameters.get("filename*");
  const plain = parameters.get("filename");
  let filename: string | undefined;
  if (extended !== undefined) filename = decodeExtended(extended);
  else if (plain !== undefined) filename = octets(plain).toString("utf8");
  return { name: decodeName(name), filename: filename === undefined ? undefined : fileName(filename) };
}

function decodeName(name: string): string {
  try {
    return strict.decode(octets(name));
  } catch {
    throw malformed("The name of a part of the multipart body is not valid UTF-8.");
  }
}

/** Strings are latin-1 on the wire; what they hold is UTF-8. */
function octets(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

const unreadable = "A part of the multipart body has a Content-Disposition that cannot be read.";

/** `form-data; name="a"; filename="b"`: one pass, no guess. */
function parseParameters(value: string): ReadonlyMap<string, string> {
  const semicolon = value.indexOf(";");
  const type = trim(semicolon === -1 ? value : value.slice(0, semicolon));
  if (type.toLowerCase() !== "form-data") throw malformed("A part of the multipart body is no form-data.");
  const parameters = new Map<string, string>();
  for (let at = semicolon; at !== -1 && at < value.length;) {
    at = skipSpace(value, at + 1); // past the semicolon
    if (at >= value.length) break; // one at the end does no harm
    const equals = value.indexOf("=", at);
    if (equals === -1) throw malformed(unreadable);
    const key = trim(value.slice(at, equals)).toLowerCase();
    if (!isToken(key)) throw malformed(unreadable);
    const begin = skipSpace(value, equals + 1);
    const { text, end } = value[begin] === '"' ? quoted(value, begin + 1) : bare(value, begin);
    // Two that differ are read in two ways by two readers.
    if (parameters.has(key)) throw malformed(unreadable);
    parameters.set(key, text);
    at = skipSpace(value, end);
    if (at < value.length && value[at] !== ";") throw malformed(unreadable);
  }
  return parameters;
}

function quoted(value: string, from: number): { text: string; end: number } {
  let text = "";
  let start = from;
  for (let i = from; i < value.length; i++) {
    const character = value[i];
    if (character === '"') return { text: text + value.slice(start, i), end: i + 1 };
    if (character === "\\" && (value[i + 1] === '"' || value[i + 1] === "\\") && !closes(value, i + 1)) {
      text += value.slice(start, i);
      start = ++i;
    }
  }
  throw malformed(unreadable);
}

/** Is it the quote that ends the value, behind a backslash that a browser did not escape: `filename="C:\dir\"`? */
function closes(value: string, at: number): boolean {
  if (value[at] !== '"') return false;
  const next = skipSpace(value, at + 1);
  return next >= value.length;
}

function bare(value: string, from: number): { text: string; end: number } {
  const semicolon = value.indexOf(";", from);
  const end = semicolon === -1 ? value.length : semicolon;
  return { text: trim(value.slice(from, end)), end };
}

/** `UTF-8''na%C3%AFve.txt` (RFC 8187, section 3.2.1). */
function decodeExtended(value: string): string {
  const first = value.indexOf("'");
  const second = value.indexOf("'", first + 1);
  const charset = value.slice(0, Math.max(first, 0)).toLowerCase();
  if (first === -1 || second === -1 || (charset !== "utf-8" && charset !== "iso-8859-1")) throw malformed(unreadable);
  const text = value.slice(second + 1);
  try {
    if (charset === "utf-8") return decodeURIComponent(text);
  } catch {
    throw malformed(unreadable);
  }
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, octet: string) => String.fromCharCode(Number.parseInt(octet, 16)));
}

function skipSpace(value: string, from: number): number {
  let at = from;
  while (value[at] === " " || value[at] === "\t") at++;
  return at;
}

/** Spaces and tabs only: the trim() of JavaScript takes more than HTTP has. */
function trim(text: string): string {
  let end = text.length;
  while (text[end - 1] === " " || text[end - 1] === "\t") end--;
  return text.slice(skipSpace(text, 0), end);
}
