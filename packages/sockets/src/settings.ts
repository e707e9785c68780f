import type { ErrorStream } from "@gateway/core";
import { errorStream } from "@gateway/core/gateway";
import type { ListenerOptions } from "./protocol.ts";

const standardErrors: ErrorStream = {
  write(text) {
    process.stderr.write(text);
  },
  writelines(lines) {
    for (const line of lines) process.stderr.write(line);
  },
  flush() {},
};

/** The defaults of the settings that every server has. */
export const listenerDefaults: Readonly<Required<ListenerOptions>> = {
  maxConnections: Infinity,
  stopIdleSeconds: 0.5,
  shutdownSeconds: 30,
  backlog: 511,
  errors: standardErrors,
  onRefused() {},
};

/** What kind of number a setting is. */
export type NumberKind = "whole" | "whole or endless" | "number";

/** The numbers among the settings that every server has. */
export const listenerNumbers: Readonly<Record<string, NumberKind>> = {
  maxConnections: "whole or endless",
  stopIdleSeconds: "number",
  shutdownSeconds: "number",
  backlog: "whole",
};

/**
 * The options of a server with their defaults filled in, and checked; what is `undefined` counts as not given.
 *
 * @param numbers what kind each number is: none of them may be negative.
 * @throws {RangeError} for a number that cannot be a limit.
 * @throws {TypeError} for an option that does not exist, an `errors` that is no error stream, or an `onRefused` that is no function.
 */
export function settle<Settings extends Pick<Readonly<Required<ListenerOptions>>, "errors" | "onRefused">>(
  maker: string,
  defaults: Settings,
  options: object,
  numbers: Readonly<Record<string, NumberKind>>,
): Settings {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`${maker} has no option ${name}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: Settings = { ...defaults, ...Object.fromEntries(given) };
  checkNumbers(numbers, settings);
  const { errors, onRefused } = settings;
  if (typeof onRefused !== "function") throw new TypeError("onRefused is a function");
  errorStream(errors);
  return settings;
}

/** @throws {RangeError} for a number among the settings that is not of its kind. */
export function checkNumbers(numbers: Readonly<Record<string, NumberKind>>, settings: object): void {
  for (const [name, kind] of Object.entries(numbers)) checkNumber(name, kind, (settings as Record<string, unknown>)[name]);
}

function checkNumber(name: string, kind: NumberKind, value: unknown): void {
  const isWhole = Number.isSafeInteger(value) && (value as number) >= 0;
  switch (kind) {
    case "whole":
      if (!isWhole) throw new RangeError(`${name} is a whole number from 0, not ${shown(value)}`);
      break;
    case "whole or endless":
      if (!isWhole && value !== Infinity)
        throw new RangeError(`${name} is a whole number from 0, or Infinity, not ${shown(value)}`);
      break;
    case "number":
      if (typeof value !== "number" || !(value >= 0)) throw new RangeError(`${name} is a number from 0, not ${shown(value)}`);
  }
}

/** A value in an error message: a string shows that it is one. */
function shown(value: unknown): string {
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : String(value);
}
