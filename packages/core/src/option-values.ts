import type { ErrorStream } from "./contract.ts";
import { isThenable } from "./thenable.ts";

// For authors of gateways: checks that their options share.

/**
 * A prefix of paths: `""`, or a decoded path without a slash at its end.
 *
 * @throws {TypeError} for anything else.
 */
export function pathPrefix(name: string, value: string): string {
  if (typeof value !== "string" || (value !== "" && (!value.startsWith("/") || value.endsWith("/") || value.includes("\0")))) {
    throw new TypeError(
      `${name} is "" or a path like "/app", decoded and without a slash at its end, not ${JSON.stringify(value) ?? typeof value}`,
    );
  }
  return value;
}

/**
 * A limit in bytes.
 *
 * @throws {RangeError} for what is no whole number from 0, nor `Infinity`.
 */
export function byteLimit(name: string, value: number): number {
  if (!(Number.isSafeInteger(value) && value >= 0) && value !== Infinity)
    throw new RangeError(`${name} is a whole number of bytes from 0, or Infinity, not ${String(value)}`);
  return value;
}

/**
 * A function, where one is given.
 *
 * @throws {TypeError} for anything else.
 */
export function optionalFunction<F>(name: string, value: F | undefined): F | undefined {
  if (value !== undefined && typeof value !== "function") throw new TypeError(`${name} is a function, not a ${typeof value}`);
  return value;
}

/**
 * What an option that is a function gives.
 *
 * @throws {TypeError} for a promise, which would be taken for an object that has nothing.
 */
export function notPromise<T>(name: string, value: T): T {
  if (isThenable(value))
    throw new TypeError(`the option ${name} gives its value at once, and not a promise of it: wait in a layer`);
  return value;
}

/**
 * An error stream.
 *
 * @throws {TypeError} for what lacks one of its functions.
 */
export function errorStream(value: ErrorStream): ErrorStream {
  for (const name of ["write", "writelines", "flush"] as const) {
    if (typeof value?.[name] !== "function")
      throw new TypeError(`errors is an object with write, writelines and flush: ${name} is missing`);
  }
  return value;
}
