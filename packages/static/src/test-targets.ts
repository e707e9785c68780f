// Targets of requests that try to get out of a root, made of a grammar and a seed.

/** Picks one of several. */
type Pick = <T>(of: readonly T[]) => T;

const dots = [
  "..",
  "..",
  ".",
  "...",
  "%2e%2e",
  "%2E.",
  ".%2e",
  "%252e%252e",
  "%25252e%25252e",
  // Overlong and otherwise wrong UTF-8 for a dot.
  "%c0%ae%c0%ae",
  "%c0%2e%c0%2e",
  "%e0%80%ae%e0%80%ae",
  "%f0%80%80%ae%f0%80%80%ae",
  "%u002e%u002e",
  "%uff0e%uff0e",
  "%ef%bc%8e%ef%bc%8e",
  "..;",
  "..%00",
  "..%01",
  "..%20",
  ". .",
  "%2e%2e%09",
  "..\\",
  "..%5c",
  "..%255c",
] as const;

const slashes = [
  "/",
  "/",
  "/",
  "/",
  "//",
  "///",
  "/./",
  "%2f",
  "%2F",
  "%252f",
  "%5c",
  "%255c",
  "\\",
  // Overlong slashes and backslashes.
  "%c0%af",
  "%c1%9c",
  "%c1%1c",
  "%e0%80%af",
  "%ef%bc%8f",
  "%u2215",
  ";/",
  "/;/",
  "?/",
  "#/",
  "%00/",
  "%0a/",
  "/%20/",
] as const;

/** Percent-encodes a share of the characters, once or twice. */
function encodeSome(text: string, random: () => number): string {
  const share = random();
  const encode = (character: string): string => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  const once = text.replaceAll(/[\x20-\x7e]/g, (character) => (random() < share * share ? encode(character) : character));
  return random() < 0.15 ? once.replaceAll("%", "%25") : once;
}

/** One target. `names` are segments and paths worth asking for, those outside the root among them. */
export function randomTarget(random: () => number, names: readonly string[]): string {
  const pick: Pick = (of) => of[Math.floor(random() * of.length)] as (typeof of)[number];
  const count = 1 + Math.floor(random() * 7);
  let target =
    random() < 0.95 ? "/" : pick(["", "//", "/\\", "\\", "%2f", "http://localhost/", "http://localhost", "file:///", "*"]);
  for (let i = 0; i < count; i++) {
    const roll = random();
    const part = roll < 0.35 ? pick(dots) : pick(names);
    target += random() < 0.3 ? encodeSome(part, random) : part;
    if (i < count - 1 || random() < 0.15) target += random() < 0.75 ? "/" : pick(slashes);
  }
  if (random() < 0.1)
    target += pick(["?", "?a=/../..", "%3f", "%23", "%00", "%00.txt", ".", "/.", "/..", "%20", "::$DATA", "~", ".br", ".gz", "%"]);
  if (random() < 0.05) {
    // A random octet somewhere.
    const at = Math.floor(random() * target.length);
    target = target.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + target.slice(at + 1);
  }
  return target;
}
