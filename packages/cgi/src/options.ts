import { parseMounts } from "@gateway/core/gateway";

/** Settings of every handler. */
export interface HandlerLimits {
  /** The largest request body, in bytes (default `Infinity`); more is answered with 413. */
  maxBodyBytes?: number;
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. */
  maxReadBytes?: number;
  /** Prefixes at which SCRIPT_NAME + PATH_INFO is split again, for front servers that cannot split it (default: as it comes). */
  mounts?: readonly string[];
}

/** The same with their defaults. */
export interface HandlerSettings {
  readonly maxBodyBytes: number;
  readonly maxReadBytes: number;
  readonly mounts: readonly string[] | undefined;
}

/** The names of {@link HandlerLimits}. */
export const limitNames: readonly string[] = ["maxBodyBytes", "maxReadBytes", "mounts"];

/**
 * The limits of a handler, checked.
 *
 * @param names of the options that there are.
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function settingsOf(handler: string, options: HandlerLimits, names: readonly string[]): HandlerSettings {
  for (const name of Object.keys(options)) if (!names.includes(name)) throw new TypeError(`${handler} has no option ${name}`);
  const { maxBodyBytes = Infinity, maxReadBytes = 16 * 1024 * 1024, mounts } = options;
  for (const [name, value] of Object.entries({ maxBodyBytes, maxReadBytes })) {
    const isEndless = name === "maxBodyBytes" && value === Infinity;
    if (!isEndless && !(Number.isSafeInteger(value) && value >= 0))
      throw new RangeError(`${name} is a whole number of bytes, not ${String(value)}`);
  }
  return { maxBodyBytes, maxReadBytes, mounts: mounts === undefined ? undefined : parseMounts(mounts) };
}
