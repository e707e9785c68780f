import type { Host } from "./host.ts";

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Where a value was written, which decides what it means. */
export interface Place {
  /** Where relative paths begin: the working directory, or the folder of the config file. */
  readonly directory: string;
  readonly host: Host;
}

/** A kind of value: how it is read from each source, and how it is shown. */
export interface Kind<T> {
  /** What a value is called in the help; `""` for a switch, whose flag takes none. */
  readonly placeholder: string;
  /** Its type in the config file, in TypeScript. */
  readonly type: string;
  /** What may be written, for the reference page. */
  readonly what: string;
  /** Whether flags are repeated, and variables separated by commas. */
  readonly isList: boolean;
  /** What it is when nobody says anything and there is no default; missing where there must be one. */
  readonly absent?: () => T;
  /** Whether it can be taken back with `--no-NAME`. */
  readonly hasNegative: boolean;
  /**
   * Reads what a flag or a variable says; a list gets all of them, any other kind exactly one.
   *
   * @throws {Unfit} for what is no such value.
   */
  fromTexts(texts: readonly string[], place: Place): T;
  /**
   * Reads what the config file says.
   *
   * @throws {Unfit} for what is no such value.
   */
  fromFile(value: unknown, place: Place): T;
  /** As `--print-config` shows it: something that the config file would take. */
  json(value: T): Json;
  /** As `--explain` and the reference page show it. */
  text(value: T): string;
}

/** A value that cannot be used, and why; where it came from is added by the reader. */
export class Unfit extends Error {
  override readonly name = "Unfit";

  /** @param reason goes on after "is VALUE, ": which it is not, and what to write instead. */
  constructor(value: unknown, reason: string) {
    super(`is ${shown(value)}, ${reason}`);
  }
}

/** A kind made of one text. */
export interface ScalarKind<T> {
  readonly placeholder: string;
  readonly type: string;
  readonly what: string;
  /** @throws {Unfit} for what is no such value. */
  readonly parse: (text: string, place: Place) => T;
  /** For values of the file that are no text; `undefined` for what is none of this kind (default: only texts are). */
  readonly accept?: (value: unknown, place: Place) => T | undefined;
  /** Default: the value itself. */
  readonly json?: (value: T) => Json;
  /** Default: `String`. */
  readonly text?: (value: T) => string;
}

/** Makes a kind of one value. */
export function scalar<T extends Json>(scalar: ScalarKind<T>): Kind<T>;
export function scalar<T>(scalar: ScalarKind<T> & { readonly json: (value: T) => Json }): Kind<T>;
export function scalar<T>({ placeholder, type, what, parse, accept, json, text = String }: ScalarKind<T>): Kind<T> {
  return {
    placeholder,
    type,
    what,
    isList: false,
    hasNegative: false,
    fromTexts: ([text = ""], place) => parse(text, place),
    fromFile(value, place) {
      if (typeof value === "string") return parse(value, place);
      const accepted = accept?.(value, place);
      if (accepted === undefined) throw new Unfit(value, `which is not ${what}`);
      return accepted;
    },
    json: json ?? ((value) => value as Json),
    text,
  };
}

/** The same kind, or nothing: `none` in a text, `null` or `false` in the file, `--no-NAME` on the command line. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return {
    ...kind,
    type: `${kind.type} | false | null`,
    hasNegative: true,
    absent: () => undefined,
    fromTexts: (texts, place) => (texts[0] === noneText ? undefined : kind.fromTexts(texts, place)),
    fromFile: (value, place) => (value === false || value === null || value === noneText ? undefined : kind.fromFile(value, place)),
    json: (value) => (value === undefined ? null : kind.json(value)),
    text: (value) => (value === undefined ? noneText : kind.text(value)),
  };
}

/** What takes an optional value back, where it can only be said in a text. */
export const noneText = "none";

/** Many of a kind; none by default. */
export function list<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    ...kind,
    type: kind.type.includes("|") ? `${kind.type} | readonly (${kind.type})[]` : `${kind.type} | readonly ${kind.type}[]`,
    isList: true,
    absent: () => [],
    fromTexts: (texts, place) => texts.map((text) => kind.fromTexts([text], place)),
    fromFile: (value, place) => (Array.isArray(value) ? value : [value]).map((item: unknown) => kind.fromFile(item, place)),
    json: (values) => values.map((value) => kind.json(value)),
    text: (values) => (values.length === 0 ? noneText : values.map((value) => kind.text(value)).join(", ")),
  };
}

/** A value in a message, on one line and short. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "bigint") return `the bigint ${value}`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : typeof value === "function" ? "a function" : String(value);
}
