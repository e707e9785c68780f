import { malformed, tooMuch } from "./refusals.ts";

/**
 * JSON from a stranger.
 *
 * @param nesting how deep arrays and objects may lie in each other.
 * @throws {HTTPError} 413 when they lie deeper, 400 for what is no JSON, and for keys that reach a prototype.
 */
export function parseJson(text: string, nesting: number): unknown {
  checkNesting(text, nesting);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(`The request body is not valid JSON${place(error)}.`);
  }
  // Only such texts can have such keys: written out, or with escapes.
  if (text.includes("__proto__") || text.includes("constructor") || text.includes("\\u")) refusePrototypes(value);
  return value;
}

/** Before it is parsed: whoever walks through the value later is likely to call itself. */
function checkNesting(text: string, nesting: number): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c)
        i++; // what follows a backslash ends no string
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > nesting) throw tooMuch(`The JSON is nested deeper than the ${nesting} levels that are allowed.`);
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

/** Where the parser stopped, without what it found there: the words of a stranger stay out of messages. */
function place(error: unknown): string {
  const [found = ""] = /at position \d+/.exec(error instanceof Error ? error.message : "") ?? [];
  return found === "" ? "" : ` (${found})`;
}

function refusePrototypes(value: unknown): void {
  const open: unknown[] = [value];
  for (let one = open.pop(); open.length > 0 || one !== undefined; one = open.pop()) {
    if (typeof one !== "object" || one === null) continue;
    const inner: unknown = Object.hasOwn(one, "constructor") ? (one as { constructor: unknown }).constructor : undefined;
    const reaches = typeof inner === "object" && inner !== null && Object.hasOwn(inner, "prototype");
    if (reaches || Object.hasOwn(one, "__proto__"))
      throw malformed("The JSON has a key that is not allowed: it names a prototype.");
    for (const member of Object.values(one)) if (typeof member === "object" && member !== null) open.push(member);
  }
}
