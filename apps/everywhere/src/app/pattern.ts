/** 5 MiB. */
export const largeBytes: number = 5 * 1024 * 1024;

/** Bytes that differ from place to place, so that a mix-up shows: those from one place to another. */
export function pattern(from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(to - from);
  for (let i = from; i < to; i++) bytes[i - from] = (i * 31 + (i >> 8)) & 0xff;
  return bytes;
}
