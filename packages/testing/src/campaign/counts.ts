/** Great counts: `GATEWAY_LONG=1` runs them in full, otherwise a seeded part of them is run. */
export const isLong: boolean = process.env["GATEWAY_LONG"] === "1";

/** @returns `full` in a long run, else a tenth of it, or the part that is given. */
export function scaled(full: number, part: number = Math.ceil(full / 10)): number {
  return isLong ? full : part;
}

/** What a long run may take, in milliseconds. */
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

/** A text in pieces of these lengths, and what is left of it. */
export function cut(text: string, sizes: readonly number[]): string[] {
  const all: string[] = [];
  let at = 0;
  for (const size of sizes) {
    all.push(text.slice(at, at + size));
    at += size;
  }
  all.push(text.slice(at));
  return all;
}

/** A text in pieces of any length, long ones rarely. */
export function pieces(text: string, random: () => number): string[] {
  const all: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + 1 + Math.floor(random() ** 3 * text.length);
    all.push(text.slice(at, end));
    at = end;
  }
  return all;
}
