import { isToken } from "@gateway/core";
import {
  bytes,
  bytesOrDash,
  dash,
  extension,
  field,
  microseconds,
  milliseconds,
  ownField,
  path,
  query,
  remoteAddress,
  remoteUser,
  requestHeader,
  requestLine,
  responseHeader,
  seconds,
  status,
  time,
  variable,
  type Atom,
  type MakeAtom,
  type Place,
} from "./atoms.ts";

/** The identifiers of gunicorn's `access_log_format`. */
const plain: Readonly<Record<string, MakeAtom>> = {
  h: remoteAddress,
  l: dash,
  u: remoteUser,
  t: time,
  r: requestLine,
  m: (place) => field((entry) => entry.method, "latin1", place),
  U: path,
  q: (place) => query("", place),
  H: (place) => field((entry) => entry.environ.SERVER_PROTOCOL, "latin1", place),
  s: status,
  B: bytes,
  b: bytesOrDash,
  f: (place) => requestHeader("Referer", place),
  a: (place) => requestHeader("User-Agent", place),
  T: seconds,
  M: milliseconds,
  D: microseconds,
  L: ownField((entry) => (entry.totalMilliseconds / 1000).toFixed(6)),
  p: ownField(() => `<${process.pid}>`),
};

const named: Readonly<Record<string, (name: string, place: Place) => Atom | undefined>> = {
  i: (name, place) => (isToken(name) ? requestHeader(name, place) : undefined),
  o: (name, place) => (isToken(name) ? responseHeader(name, place) : undefined),
  e: (name, place) => variable(name.includes(".") ? name : name.toUpperCase(), place),
  x: extension,
};

const known = [
  ...Object.keys(plain).map((letter) => `%(${letter})s`),
  ...Object.keys(named).map((letter) => `%({...}${letter})s`),
  "%%",
].join(" ");
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
  if (match === null) throw unknown(format.slice(at, at + 16));
  const [whole, name, letter = ""] = match;
  return {
    end: at + whole.length,
    make(place) {
      const make = name === undefined && Object.hasOwn(plain, letter) ? plain[letter] : undefined;
      const makeNamed = name !== undefined && Object.hasOwn(named, letter) ? named[letter] : undefined;
      const atom = make?.(place) ?? makeNamed?.(name ?? "", place);
      if (atom === undefined) throw unknown(whole);
      return atom;
    },
  };
}

function unknown(what: string): TypeError {
  return new TypeError(`format: "${what}" is not known; known are ${known}`);
}
