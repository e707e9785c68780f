/** How durations are written, and how many seconds each unit has. Milliseconds come as a divisor: 1/1000 is no binary fraction. */
const durationUnits: Readonly<Record<string, { readonly times: number; readonly over: number }>> = {
  ms: { times: 1, over: 1000 },
  s: { times: 1, over: 1 },
  m: { times: 60, over: 1 },
  h: { times: 3600, over: 1 },
  d: { times: 86_400, over: 1 },
};

/** Units of sizes in bytes, in lower case: those with an `i` are powers of 1024 (IEC 80000-13), the others of 1000. */
const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/** No more digits than a number can hold exactly. */
const quantity = /^([0-9]{1,16}(?:\.[0-9]{1,9})?) ?([A-Za-z]{0,3})$/;

const nearlyQuantity = /^([0-9]{1,16}(?:\.[0-9]{1,9})?) ?([A-Za-z]{1,12})$/;
const sizeWord = /^([kmgt])(?:(i)|(?:ilo|ega|iga|era)?(?:bytes?)?)$/;

/** `10s`, `500ms`, `1.5m`, `2h`, `1d` or a plain number of seconds, in seconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = ""] = quantity.exec(text) ?? [];
  const factor = Object.hasOwn(durationUnits, unit || "s") ? durationUnits[unit || "s"] : undefined;
  return digits === undefined || factor === undefined ? undefined : (Number(digits) * factor.times) / factor.over;
}

/** `16KiB`, `2MB`, `1.5GiB` or a plain number of bytes, in whole bytes; `undefined` for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ""] = quantity.exec(text) ?? [];
  const name = unit.toLowerCase() || "b";
  const factor = Object.hasOwn(sizeUnits, name) ? sizeUnits[name] : undefined;
  if (digits === undefined || factor === undefined) return undefined;
  const bytes = Math.round(Number(digits) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** How people write the units of times that are none here. */
const durationWords: readonly (readonly [unit: string, words: RegExp])[] = [
  ["ms", /^(?:ms|msecs?|millis|milliseconds?)$/],
  ["s", /^(?:s|secs?|seconds?)$/],
  ["m", /^(?:m|mins?|minutes?)$/],
  ["h", /^(?:h|hrs?|hours?)$/],
  ["d", /^(?:d|days?)$/],
];

/** What was meant by a duration that is none, `30s` for `30 sec`; `undefined` where nobody knows. */
export function meantDuration(text: string): string | undefined {
  const [, digits = "", word = ""] = nearlyQuantity.exec(text) ?? [];
  const unit = durationWords.find(([, words]) => words.test(word.toLowerCase()))?.[0];
  const meant = `${digits}${unit ?? ""}`;
  return unit === undefined || parseDuration(meant) === undefined ? undefined : meant;
}

/** What was meant by a size that is none: `200MB` or `200MiB` for `200M`, `200MiB` for `200Mi`; `undefined` where nobody knows. */
export function meantSize(text: string): string | undefined {
  const [, digits = "", word = ""] = nearlyQuantity.exec(text) ?? [];
  const [, letter = "", isBinary] = sizeWord.exec(word.toLowerCase()) ?? [];
  const prefix = letter.toUpperCase();
  if (prefix === "" || parseSize(`${digits}${prefix}B`) === undefined) return undefined;
  const decimal = `${digits}${prefix === "K" ? "k" : prefix}B`;
  return isBinary === undefined ? `${decimal} or ${digits}${prefix}iB` : `${digits}${prefix}iB`;
}

/** `75%` as 0.75; `undefined` for what is no percentage from above 0 to 100. */
export function parsePercentage(text: string): number | undefined {
  const digits = /^([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%$/.exec(text)?.[1];
  const share = digits === undefined ? 0 : Number(digits) / 100;
  return share > 0 && share <= 1 ? share : undefined;
}

/** Seconds with the unit in which people would say it. */
export function durationText(seconds: number): string {
  if (seconds === Infinity) return "unlimited";
  if (seconds === 0) return "0s";
  for (const unit of ["d", "h", "m"] as const) {
    const { times } = durationUnits[unit] ?? { times: 1 };
    // 75s, not 1.25m; 90s, not 1.5m.
    if (seconds % times === 0 && seconds >= 2 * times) return `${seconds / times}${unit}`;
  }
  const milliseconds = seconds * 1000;
  return seconds < 1 && Number.isInteger(milliseconds) ? `${milliseconds}ms` : `${seconds}s`;
}

/** Bytes with the greatest unit of 1024 that divides them. */
export function sizeText(bytes: number): string {
  if (bytes === Infinity) return "unlimited";
  if (bytes === 0) return "0B";
  for (const [unit, name] of [
    ["tib", "TiB"],
    ["gib", "GiB"],
    ["mib", "MiB"],
    ["kib", "KiB"],
  ] as const) {
    const factor = sizeUnits[unit] ?? 1;
    if (bytes % factor === 0) return `${bytes / factor}${name}`;
  }
  return `${bytes}B`;
}
