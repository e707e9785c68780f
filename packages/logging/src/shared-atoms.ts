import { isToken } from "@gateway/core";
import {
  bytes,
  bytesOrDash,
  dash,
  extension,
  field,
  microseconds,
  path,
  remoteAddress,
  remoteUser,
  requestHeader,
  requestLine,
  responseHeader,
  seconds,
  status,
  time,
  type Atom,
  type MakeAtom,
  type Place,
} from "./atoms.ts";

/** Makes an atom that has a name, `%{Referer}i`; `undefined` for a name that is none. */
export type MakeNamedAtom = (name: string, place: Place) => Atom | undefined;

/** The letters that mean the same to Apache and to gunicorn. */
export const sharedLetters: Readonly<Record<string, MakeAtom>> = {
  h: remoteAddress,
  l: dash,
  u: remoteUser,
  t: time,
  r: requestLine,
  m: (place) => field((entry) => entry.method, "latin1", place),
  U: path,
  H: (place) => field((entry) => entry.environ.SERVER_PROTOCOL, "latin1", place),
  s: status,
  B: bytes,
  b: bytesOrDash,
  T: seconds,
  D: microseconds,
};

/** The letters behind a name that mean the same to both; `x` is ours. */
export const sharedNames: Readonly<Record<string, MakeNamedAtom>> = {
  i: (name, place) => (isToken(name) ? requestHeader(name, place) : undefined),
  o: (name, place) => (isToken(name) ? responseHeader(name, place) : undefined),
  x: extension,
};

/** What a table has itself at a key, which comes from a format. */
export function own<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** The error for an atom that there is not. */
export function unknownAtom(what: string, known: readonly string[]): TypeError {
  return new TypeError(`format: "${what}" is not known; known are ${known.join(" ")} %%`);
}
