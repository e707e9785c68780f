/** Great counts: `GATEWAY_LONG=1` runs them in full, otherwise a seeded part of them is run. */
const isLong: boolean = process.env["GATEWAY_LONG"] === "1";

/** @returns `full` in a long run, else a tenth of it. */
export function scaled(full: number): number {
  return isLong ? full : Math.ceil(full / 10);
}

/** What a long run may take. */
export const campaignTimeout = 900_000;

/** Numbers from 0 to 1 that are the same in every run: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Lets the loop turn until the condition holds; it is the test that has a time limit. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets the loop turn some times. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
