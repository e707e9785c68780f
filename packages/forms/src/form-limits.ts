/** Limits of {@link readText} and {@link readJson}. More than they allow is answered 413. */
export interface TextLimits {
  /** The whole body, in bytes (default 1 MiB, 1048576). */
  readonly bytes?: number | undefined;
  /** How deep arrays and objects of JSON may lie in each other (default 64). */
  readonly nesting?: number | undefined;
  /**
   * The media types that are taken (default: `text/*` for text, `application/json` and whatever ends with `+json` for JSON): `"application/xml"`, `"text/*"`,
   * `"application/*+json"`; either half may be a `*`. Anything else is answered 415.
   */
  readonly types?: readonly string[] | undefined;
}

/** Limits of forms. More than they allow is answered 413. `Infinity` takes a limit away. */
export interface FormLimits {
  /** The whole body, in bytes (default 1 MiB, 1048576; 64 MiB, 67108864, for multipart with files). */
  readonly bytes?: number | undefined;
  /** Names and values of all fields together, in bytes: what may be held in memory (default 1 MiB, 1048576). */
  readonly fieldsBytes?: number | undefined;
  /** How many fields (default 1,000). */
  readonly fields?: number | undefined;
  /** How many parts of a multipart body, fields and files (default 1,000). */
  readonly parts?: number | undefined;
  /** How many files, those not counted that a browser sends for an empty file input (default 10). */
  readonly files?: number | undefined;
  /** The name of a field, in bytes (default 256). */
  readonly nameBytes?: number | undefined;
  /** The value of a field, in bytes (default 1 MiB, 1048576). */
  readonly valueBytes?: number | undefined;
  /** One file, in bytes (default 16 MiB, 16777216). */
  readonly fileBytes?: number | undefined;
  /** The headers of one part, in bytes (default 8 KiB, 8192). */
  readonly headerBytes?: number | undefined;
}

/** Each limit with a number. */
export type CheckedLimits = { readonly [K in keyof FormLimits]-?: number };

/** One mebibyte: what goes into memory where nothing else is said. */
export const mebibyte: number = 1024 * 1024;

/** What a multipart body with files may have where nothing else is said. */
export const multipartBytes: number = 64 * mebibyte;

const formDefaults: CheckedLimits = {
  bytes: mebibyte,
  fieldsBytes: mebibyte,
  fields: 1000,
  parts: 1000,
  files: 10,
  nameBytes: 256,
  valueBytes: mebibyte,
  fileBytes: 16 * mebibyte,
  headerBytes: 8192,
};

const limitNames = Object.keys(formDefaults) as readonly (keyof CheckedLimits)[];

/**
 * @param bytes what the whole body may have, where the limits do not say.
 * @throws {RangeError} for a limit that is none. @throws {TypeError} for one that there is not.
 */
export function checkFormLimits(where: string, limits: FormLimits, bytes: number): CheckedLimits {
  checkLimitNames(where, limits, limitNames);
  const checked: { -readonly [K in keyof CheckedLimits]: number } = { ...formDefaults, bytes };
  for (const name of limitNames) {
    const limit = limits[name];
    if (limit !== undefined) checked[name] = checkLimit(where, name, limit);
  }
  return checked;
}

/**
 * Refuses a limit that there is not: what is spelt otherwise would be ignored without a word.
 *
 * @throws {TypeError} that names it, and those there are.
 */
export function checkLimitNames(where: string, limits: object, known: readonly string[]): void {
  for (const name of Object.keys(limits))
    if (!known.includes(name)) throw new TypeError(`${where}: there is no limit ${name}: there are ${known.join(", ")}`);
}

/** @throws {RangeError} for what is no whole number from 0 on, nor `Infinity`. */
export function checkLimit(where: string, name: string, limit: number): number {
  if (limit === Infinity || (Number.isSafeInteger(limit) && limit >= 0)) return limit;
  throw new RangeError(`${where}: ${name} is a whole number from 0 on, not ${String(limit)}`);
}

/**
 * Media types that are wanted, written as {@link TextLimits.types} are.
 *
 * @throws {TypeError} for what no type could match.
 */
export function checkTypes(where: string, types: readonly string[]): readonly string[] {
  const given: unknown = types;
  const list: readonly unknown[] = Array.isArray(given) ? given : [];
  if (list.length > 0 && list.every((type) => typeof type === "string" && /^[^/;,\sA-Z]+\/[^/;,\sA-Z]+$/.test(type))) return types;
  throw new TypeError(
    `${where}: types is a list of media types in small letters, such as "application/xml" or "text/*", not ${JSON.stringify(types)}`,
  );
}

/** How deep JSON may be nested where nothing else is said. */
export const defaultNesting = 64;
