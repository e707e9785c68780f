import { milliseconds, ownField, query, requestHeader, variable, type MakeAtom } from "./atoms.ts";
import { own, sharedLetters, sharedNames, unknownAtom, type MakeNamedAtom } from "./shared-atoms.ts";

/** The identifiers of gunicorn's `access_log_format`. */
const plain: Readonly<Record<string, MakeAtom>> = {
  ...sharedLetters,
  q: (place) => query("", place),
  f: (place) => requestHeader("Referer", place),
  a: (place) => requestHeader("User-Agent", place),
  M: milliseconds,
  L: ownField((entry) => (entry.totalMilliseconds / 1000).toFixed(6)),
  p: ownField(() => `<${process.pid}>`),
};

const named: Readonly<Record<string, MakeNamedAtom>> = {
  e: (name, place) => variable(name.includes(".") ? name : name.toUpperCase(), place),
  ...sharedNames,
};

const known = [...Object.keys(plain).map((letter) => `%(${letter})s`), ...Object.keys(named).map((letter) => `%({...}${letter})s`)];
const shape = /%\((?:\{([^{}]+)\})?([A-Za-z])\)s/y;

/**
 * Reads one of gunicorn's atoms.
 *
 * @returns how it is written in its place, and where it ends.
 * @throws {TypeError} for what is none; it lists those that are known.
 */
export function gunicornAtom(format: string, at: number): { readonly make: MakeAtom; readonly end: number } {
  shape.lastIndex = at;
  const match = shape.exec(format);
  if (match === null) throw unknownAtom(format.slice(at, at + 16), known);
  const [whole, name, letter = ""] = match;
  return {
    end: at + whole.length,
    make(place) {
      const atom = name === undefined ? own(plain, letter)?.(place) : own(named, letter)?.(name, place);
      if (atom === undefined) throw unknownAtom(whole, known);
      return atom;
    },
  };
}
