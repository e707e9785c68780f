import { checkOptionNames } from "@gateway/core";
import { randomInt } from "node:crypto";
import type { Environ, HeaderList } from "@gateway/core";
import { boundedCache } from "./bounded-cache.ts";
import { allCodings, availableCodings, methods, type Coding, type CodingMethods } from "./codings.ts";
import { isCompressible } from "./compressible.ts";

/** How hard to work: a level of the coding, or a function of the bytes of the body (`undefined` where they are not known beforehand). */
export type CodingLevel = number | ((bytes: number | undefined) => number);

/** An answer that could be coded. */
export interface Answer {
  readonly environ: Environ;
  readonly status: string;
  /** Not to be changed. */
  readonly headers: Readonly<HeaderList>;
}

/** Settings of `gzip`. */
export interface GzipOptions {
  /**
   * The codings to use, the one to take first when the client likes several equally well (default `["zstd", "br", "gzip", "deflate"]`).
   * `zstd` does not count where the runtime has none (Node before 22.15).
   */
  codings?: readonly Coding[];
  /**
   * The level of each coding: `gzip` and `deflate` 0 to 9 (default 1), `br` 0 to 11 (default 4, and 1 where more than 32 KiB are
   * announced), `zstd` 1 to 19 (default 3, and 1 for streams of unknown length, whose coder then takes a sixth of the memory).
   */
  levels?: Readonly<Partial<Record<Coding, CodingLevel>>>;
  /** Bodies of a known length below it go as they are, unless the client refuses that (default 1024 bytes). */
  thresholdBytes?: number;
  /**
   * Buffered bodies up to it are coded at once, in the thread of the application; longer ones in the thread pool (default 131072 bytes,
   * half a millisecond at the default levels). Set it lower with higher levels.
   */
  syncBytes?: number;
  /** Is a media type worth coding? Asked once for each value of Content-Type (default: what `mime-db` says, see `isCompressible`). */
  compressible?: (contentType: string) => boolean;
  /**
   * Leaves an answer as it is that would otherwise be coded. It still says `Vary: Accept-Encoding` (default: none is left).
   */
  skip?: (answer: Answer) => boolean;
  /**
   * Makes each coded body longer by a random number of bytes up to this one, so that its length tells less about secrets in it
   * (default 0: off; 65535 at most). It slows the BREACH attack down; it does not end it. `deflate` is padded in steps of 5 bytes,
   * `zstd` of 3, and `br` is then always coded in the thread pool.
   */
  breachPaddingBytes?: number;
  /** A random whole number from 0 up to `most`, which it may be (default: of `node:crypto`). For padding. */
  random?: (most: number) => number;
}

/** The options, checked, with their defaults. */
export interface GzipSettings {
  readonly codings: readonly Coding[];
  readonly thresholdBytes: number;
  readonly syncBytes: number;
  /** Remembers what it was asked. */
  readonly compressible: (contentType: string) => boolean;
  readonly skip: ((answer: Answer) => boolean) | undefined;
  /** How many bytes to pad the next body by. */
  readonly paddingBytes: () => number;
  /** @throws {RangeError} when the function of the options gives what is no level. */
  readonly levelOf: (coding: Coding, bytes: number | undefined) => number;
}

/** Where `br` changes over: below, level 4 takes a third of a millisecond at most and the body is 6 to 10 percent smaller. */
const largeBytes = 32 * 1024;

const defaultLevels: Readonly<Record<Coding, CodingLevel>> = {
  gzip: 1,
  deflate: 1,
  br: (bytes) => (bytes !== undefined && bytes > largeBytes ? 1 : 4),
  zstd: (bytes) => (bytes === undefined ? 1 : 3),
};

/** @throws {TypeError | RangeError} for options that cannot be. */
export function gzipSettings(options: GzipOptions): GzipSettings {
  checkOptionNames("gzip", options, {
    codings: true,
    levels: true,
    thresholdBytes: true,
    syncBytes: true,
    compressible: true,
    skip: true,
    breachPaddingBytes: true,
    random: true,
  });
  const { compressible = isCompressible, skip, random = (most) => randomInt(most + 1) } = options;
  checkFunction("compressible", compressible);
  checkFunction("random", random);
  if (skip !== undefined) checkFunction("skip", skip);
  const most = wholeNumber("breachPaddingBytes", options.breachPaddingBytes, 0, 65_535);
  return {
    codings: checkCodings(options.codings ?? allCodings),
    thresholdBytes: wholeNumber("thresholdBytes", options.thresholdBytes, 1024),
    syncBytes: wholeNumber("syncBytes", options.syncBytes, 131_072),
    compressible: boundedCache(compressible, 256),
    skip,
    paddingBytes: most === 0 ? () => 0 : () => random(most),
    levelOf: levels(options.levels ?? {}),
  };
}

function checkCodings(codings: readonly Coding[]): readonly Coding[] {
  if (!Array.isArray(codings) || codings.length === 0) {
    throw new TypeError("gzip: codings is a list of one or more codings; without the layer nothing is coded");
  }
  for (const coding of codings as readonly Coding[]) checkCoding("codings", coding);
  if (new Set(codings).size !== codings.length) throw new TypeError("gzip: codings names one twice");
  return (codings as readonly Coding[]).filter((coding) => availableCodings.includes(coding));
}

function levels(given: Readonly<Partial<Record<Coding, CodingLevel>>>): GzipSettings["levelOf"] {
  for (const name of Object.keys(given)) checkCoding("levels", name);
  const known: Readonly<Record<Coding, CodingLevel>> = { ...defaultLevels, ...given };
  for (const coding of availableCodings) {
    const level = known[coding];
    if (typeof level !== "function") checkLevel(coding, level, methods[coding]);
  }
  return (coding, bytes) => {
    const level = known[coding];
    if (typeof level !== "function") return level;
    const chosen = level(bytes);
    checkLevel(coding, chosen, methods[coding]);
    return chosen;
  };
}

function checkLevel(coding: Coding, level: unknown, of: CodingMethods | undefined): void {
  if (of === undefined) return;
  const { lowestLevel, highestLevel } = of;
  if (typeof level === "number" && Number.isInteger(level) && level >= lowestLevel && level <= highestLevel) return;
  throw new RangeError(`gzip: levels.${coding} is a whole number from ${lowestLevel} to ${highestLevel}, not ${String(level)}`);
}

function checkCoding(option: string, coding: string): void {
  if ((allCodings as readonly string[]).includes(coding)) return;
  throw new TypeError(`gzip: ${option} knows ${allCodings.join(", ")}, not ${JSON.stringify(coding)}`);
}

function checkFunction(option: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`gzip: ${option} is a function, not ${typeof value}`);
}

function wholeNumber(option: string, value: number | undefined, fallback: number, most = Number.MAX_SAFE_INTEGER): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`gzip: ${option} is a whole number of bytes from 0 to ${most}, not ${String(value)}`);
}
