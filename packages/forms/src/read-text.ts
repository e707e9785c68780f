import type { Environ } from "@gateway/core";
import { checkLimit, checkLimitNames, checkTypes, mebibyte, type TextLimits } from "./form-limits.ts";
import { decoderOf, requestType } from "./media-type.ts";
import { readBytes } from "./read-bytes.ts";
import { readOnce } from "./read-once.ts";

const textTypes: readonly string[] = ["text/*"];
const textLimits: readonly (keyof TextLimits)[] = ["bytes", "nesting", "types"];

/**
 * The request body as text: UTF-8, or what the charset of its type says; without a byte order mark. A second call gives the same.
 *
 * Rejects with an `HTTPError`: 413 above a limit, 415 for another type, charset or coding, 400 for bytes that are no text, and with what the input
 * throws.
 *
 * @throws {RangeError} rejects with it for a limit that is none. @throws {TypeError} for types that are none.
 */
export function readText(environ: Environ, limits: TextLimits = {}): Promise<string> {
  return readOnce(environ, "readText", () => decodedBody(environ, limits, textTypes, "readText"));
}

/** The body, decoded. @param types what is taken where the limits do not say. */
export async function decodedBody(environ: Environ, limits: TextLimits, types: readonly string[], where: string): Promise<string> {
  checkLimitNames(where, limits, textLimits);
  const bytes = checkLimit(where, "bytes", limits.bytes ?? mebibyte);
  const decode = decoderOf(requestType(environ, limits.types === undefined ? types : checkTypes(where, limits.types)));
  return decode(await readBytes(environ, bytes));
}
