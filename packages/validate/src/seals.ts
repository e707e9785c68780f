import { breach } from "./breach.ts";

/** Tells whether bytes that were handed over have been changed since. Keeps a checksum, not a copy. */
export interface Seal {
  readonly chunk: Uint8Array;
  readonly sum: number;
}

/** How many chunks of a stream are watched: who uses a buffer again does so soon, and older chunks must not be kept in memory. */
const maxSeals = 4;

/** The chunks of one response that may still be on their way: rule A27. */
export class Seals {
  #seals: Seal[] = [];

  /** Watches a chunk of a stream, or of an array, which is in memory as a whole anyway. */
  add(chunk: Uint8Array, keep: number = maxSeals): void {
    this.#seals.push(seal(chunk));
    if (this.#seals.length > keep) this.#seals.shift();
  }

  check(): void {
    const broken = this.#seals.find((seal) => isBroken(seal));
    if (broken === undefined) return;
    this.#seals = []; // told once
    breach("A27", broken.chunk);
  }
}

export function seal(chunk: Uint8Array): Seal {
  return { chunk, sum: sumOf(chunk) };
}

/** @throws {ValidationError} if the bytes have changed. */
export function checkSeal(seal: Seal): void {
  if (isBroken(seal)) breach("A27", seal.chunk);
}

function isBroken({ chunk, sum }: Seal): boolean {
  return sumOf(chunk) !== sum;
}

/** FNV-1a: cheap, and any single byte that changes shows. */
function sumOf(chunk: Uint8Array): number {
  let sum = 0x811c9dc5 ^ chunk.byteLength;
  for (let i = 0; i < chunk.length; i++) sum = Math.imul(sum ^ (chunk[i] ?? 0), 0x01000193);
  return sum;
}
