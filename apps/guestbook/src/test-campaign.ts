/** Great counts: `GATEWAY_LONG=1` runs them in full, otherwise a seeded tenth of them is run. */
export const isLong: boolean = process.env["GATEWAY_LONG"] === "1";

/** All of them in a long run, else a tenth, the same in every run. */
export function pick<T>(all: readonly T[]): readonly T[] {
  const random = seededRandom(all.length);
  return isLong ? all : all.filter(() => random() < 0.1);
}

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
