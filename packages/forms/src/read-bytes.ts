import type { Environ } from "@gateway/core";
import { tooMuch } from "./refusals.ts";

/**
 * The whole body, in one piece.
 *
 * @throws {HTTPError} 413 when it has more bytes: before any is read, where its length is known.
 */
export async function readBytes(environ: Environ, bytes: number): Promise<Uint8Array> {
  checkLength(environ, bytes);
  // Without a limit of ours that of the input counts.
  const body = await (bytes === Infinity ? environ["wsgi.input"].read() : environ["wsgi.input"].read(bytes + 1));
  if (body.byteLength > bytes) throw bodyTooLarge(bytes);
  return body;
}

/** @throws {HTTPError} 413 for a Content-Length above the limit. */
export function checkLength({ CONTENT_LENGTH: length }: Environ, bytes: number): void {
  if (length !== undefined && !(Number(length) <= bytes)) throw bodyTooLarge(bytes);
}

/** The error for a body that is too large. */
export function bodyTooLarge(bytes: number): Error {
  return tooMuch(`The request body has more than the ${bytes} bytes that are allowed.`);
}
