/**
 * Compares what came with what was expected.
 *
 * @throws {Error} that says both.
 */
export function same(what: string, got: unknown, wanted: unknown): void {
  const [one, other] = [show(got), show(wanted)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}

/** The same for much data: by length, and by where they part. */
export function sameBytes(what: string, got: Uint8Array, wanted: Uint8Array): void {
  same(`bytes of ${what}`, got.length, wanted.length);
  if (Buffer.compare(got, wanted) === 0) return;
  const at = wanted.findIndex((byte, i) => got[i] !== byte);
  throw new Error(`${what}: another byte at ${at}`);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
