import type { Environ } from "@gateway/core";
import { checkLimit, defaultNesting, type TextLimits } from "./form-limits.ts";
import { parseJson } from "./parse-json.ts";
import { readOnce } from "./read-once.ts";
import { decodedBody } from "./read-text.ts";

const jsonTypes: readonly string[] = ["application/json", "*/*+json"];

/**
 * The request body as JSON (RFC 8259): any value, of which nothing is known yet. A second call gives the same.
 *
 * Rejects with an `HTTPError`: 413 above a limit, 415 for another type, charset or coding, 400 for what is no JSON and for keys that would
 * change the prototype of what it is copied into (`__proto__`, and `prototype` in `constructor`), and with what the input throws.
 *
 * @throws {RangeError} rejects with it for a limit that is none. @throws {TypeError} for types that are none.
 */
export function readJson(environ: Environ, limits: TextLimits = {}): Promise<unknown> {
  return readOnce(environ, "readJson", async () => {
    const nesting = checkLimit("readJson", "nesting", limits.nesting ?? defaultNesting);
    return parseJson(await decodedBody(environ, limits, jsonTypes, "readJson"), nesting);
  });
}
