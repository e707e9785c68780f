/** The one among the names that was most likely meant; `undefined` when none is near. Case, dashes and underscores do not count. */
export function nearest(text: string, names: Iterable<string>): string | undefined {
  const wanted = plain(text);
  let found: string | undefined;
  // One slip in three letters still looks like the word.
  let best = Math.min(3, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(wanted, plain(name), best);
    if (distance < best) {
      best = distance;
      found = name;
    }
  }
  return found;
}

/**
 * How many letters must be inserted, removed, replaced, or swapped with their neighbour (optimal string alignment).
 *
 * @param limit from there on the number says only that they are so far apart or farther.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + cost,
        swapped ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

function plain(text: string): string {
  return text.slice(0, 100).replaceAll(/[-_]/g, "").toLowerCase();
}
