const maxEntries = 512;

/**
 * Remembers what a function made of a text. Bounded, for the texts come from outside: a full cache is emptied, and one text too long is
 * worked out each time.
 */
export function boundedCache<T>(work: (text: string) => T, maxTextLength: number): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = work(text);
    if (text.length > maxTextLength) return made;
    if (known.size >= maxEntries) known.clear();
    known.set(text, made);
    return made;
  };
}
