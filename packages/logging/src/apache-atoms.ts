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
import { commonLogTime, timeFormat } from "./time-format.ts";

const processId: MakeAtom = ownField(() => `${process.pid}`);

/** What stands alone: `%h`. (Apache HTTP Server, mod_log_config and mod_logio.) */
const plain: Readonly<Record<string, MakeAtom>> = {
  a: remoteAddress,
  b: bytesOrDash,
  B: bytes,
  D: microseconds,
  "^FB": ownField(({ firstByteMilliseconds: wait }) => (wait === undefined ? "-" : `${Math.floor(wait * 1000)}`)),
  h: remoteAddress,
  H: (place) => field((entry) => entry.environ.SERVER_PROTOCOL, "latin1", place),
  l: dash,
  L: (place) => field((entry) => entry.requestId, "latin1", place),
  m: (place) => field((entry) => entry.method, "latin1", place),
  p: (place) => field((entry) => entry.environ.SERVER_PORT, "latin1", place),
  P: processId,
  q: (place) => query("?", place),
  r: requestLine,
  s: status,
  t: time,
  T: seconds,
  u: remoteUser,
  U: path,
  v: (place) => field((entry) => entry.environ.SERVER_NAME, "latin1", place),
  V: (place) => field((entry) => entry.environ.HTTP_HOST ?? entry.environ.SERVER_NAME, "latin1", place),
  X: ownField((entry) => {
    if (entry.outcome !== "finished") return "X";
    const asksToClose = /\bclose\b/i.test(entry.environ.HTTP_CONNECTION ?? "");
    return asksToClose || entry.environ.SERVER_PROTOCOL === "HTTP/1.0" ? "-" : "+";
  }),
};

const units: Readonly<Record<string, MakeAtom>> = { s: seconds, ms: milliseconds, us: microseconds };

/** What has a name in braces: `%{Referer}i`. */
const named: Readonly<Record<string, (name: string, place: Place) => Atom | undefined>> = {
  e: variable,
  i: (name, place) => (isToken(name) ? requestHeader(name, place) : undefined),
  o: (name, place) => (isToken(name) ? responseHeader(name, place) : undefined),
  p: (name, place) => {
    if (name === "remote") return field((entry) => entry.environ.REMOTE_PORT, "latin1", place);
    return name === "canonical" || name === "local" ? field((entry) => entry.environ.SERVER_PORT, "latin1", place) : undefined;
  },
  P: (name, place) => (name === "pid" ? processId(place) : undefined),
  t: (name, place) => {
    const [, moment, format = ""] = /^(begin:|end:)?([^]*)$/.exec(name) ?? [];
    const write = format === "" ? commonLogTime : timeFormat(format);
    const isEnd = moment === "end:";
    return ownField((entry) => write(isEnd ? entry.startedAt + entry.totalMilliseconds : entry.startedAt))(place);
  },
  T: (name, place) => own(units, name)?.(place),
  x: extension,
};

const known = [
  ...Object.keys(plain).map((letter) => `%${letter}`),
  ...Object.keys(named).map((letter) => `%{...}${letter}`),
  "%%",
].join(" ");
/** Statuses that it is for (`%!200,304{Referer}i`), `<` or `>`, a name in braces, the letter. */
const shape = /%(?:(!?)([0-9]{3}(?:,[0-9]{3})*))?[<>]?(?:\{([^{}]*)\})?(\^FB|[A-Za-z])/y;

/**
 * Reads one of Apache's atoms.
 *
 * @returns how it is written in its place, and where it ends.
 * @throws {TypeError} for what is none; it lists those that are known.
 */
export function apacheAtom(format: string, at: number): { readonly make: MakeAtom; readonly end: number } {
  shape.lastIndex = at;
  const match = shape.exec(format);
  if (match === null) throw unknown(format.slice(at, at + 16));
  const [whole, not = "", statuses, name, letter = ""] = match;
  return {
    end: at + whole.length,
    make(place) {
      const atom = name === undefined ? own(plain, letter)?.(place) : own(named, letter)?.(name, place);
      if (atom === undefined) throw unknown(whole);
      return statuses === undefined ? atom : forStatuses(atom, new Set(statuses.split(",")), not === "", place);
    },
  };
}

function own<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function forStatuses(atom: Atom, statuses: ReadonlySet<string>, isIncluded: boolean, { behind }: Place): Atom {
  const none = `-${behind}`;
  return (entry) => (statuses.has(entry.statusCode) === isIncluded ? atom(entry) : none);
}

function unknown(what: string): TypeError {
  return new TypeError(`format: "${what}" is not known; known are ${known}`);
}
