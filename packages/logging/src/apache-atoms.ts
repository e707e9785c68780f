import {
  field,
  microseconds,
  milliseconds,
  ownField,
  query,
  remoteAddress,
  seconds,
  variable,
  type Atom,
  type MakeAtom,
  type Place,
} from "./atoms.ts";
import { own, sharedLetters, sharedNames, unknownAtom, type MakeNamedAtom } from "./shared-atoms.ts";
import { commonLogTime, timeFormat } from "./time-format.ts";

const processId: MakeAtom = ownField(() => `${process.pid}`);

/** What stands alone: `%h`. (Apache HTTP Server, mod_log_config and mod_logio.) */
const plain: Readonly<Record<string, MakeAtom>> = {
  ...sharedLetters,
  a: remoteAddress,
  "^FB": ownField(({ firstByteMilliseconds: wait }) => (wait === undefined ? "-" : `${Math.floor(wait * 1000)}`)),
  L: (place) => field((entry) => entry.requestId, "latin1", place),
  p: (place) => field((entry) => entry.environ.SERVER_PORT, "latin1", place),
  P: processId,
  q: (place) => query("?", place),
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
const named: Readonly<Record<string, MakeNamedAtom>> = {
  ...sharedNames,
  e: variable,
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
};

/** As Apache's own table has them: by the alphabet, `^FB` under F. */
const sorted = (table: object): string[] =>
  Object.keys(table).toSorted((one, other) => one.replace("^", "").localeCompare(other.replace("^", ""), "en"));
const known = [...sorted(plain).map((letter) => `%${letter}`), ...sorted(named).map((letter) => `%{...}${letter}`)];

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
  if (match === null) throw unknownAtom(format.slice(at, at + 16), known);
  const [whole, not = "", statuses, name, letter = ""] = match;
  return {
    end: at + whole.length,
    make(place) {
      const atom = name === undefined ? own(plain, letter)?.(place) : own(named, letter)?.(name, place);
      if (atom === undefined) throw unknownAtom(whole, known);
      return statuses === undefined ? atom : forStatuses(atom, new Set(statuses.split(",")), not === "", place);
    },
  };
}

function forStatuses(atom: Atom, statuses: ReadonlySet<string>, isIncluded: boolean, { behind }: Place): Atom {
  const none = `-${behind}`;
  return (entry) => (statuses.has(entry.statusCode) === isIncluded ? atom(entry) : none);
}
