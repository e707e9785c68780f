import { randomFillSync } from "node:crypto";

// One call for many: what a call costs is not the octets.
const pool: Buffer = Buffer.alloc(4096);
let used = pool.length;

/** Fresh random octets, put into a buffer. Each octet of the pool is used once, and wiped. */
export function fillRandom(target: Uint8Array, offset: number, length: number): void {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  pool.copy(target, offset, used, used + length);
  pool.fill(0, used, used + length);
  used += length;
}
