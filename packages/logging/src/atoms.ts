import type { AccessEntry, Entry } from "./access-entry.ts";
import { escaper, type Escape, type Octets } from "./escape.ts";
import { redacted, type Redactor } from "./redact.ts";
import { commonLogTime } from "./time-format.ts";

/** Writes one field of a line, and the text behind it: every piece of a line costs. */
export type Atom = (entry: Entry) => string;

/** Makes an atom for its place in a line. */
export type MakeAtom = (place: Place) => Atom;

/** A field of somebody's own, `%{name}x`; without a value it is `-`. */
export type CustomAtom = (entry: AccessEntry) => string | undefined;

/** Where in the line an atom stands, and what it may show. */
export interface Place {
  /** Inside of double quotes. */
  readonly isQuoted: boolean;
  /** What ends it where it stands free: the marks that stand behind fields in this format. */
  readonly marks: string;
  /** The text behind it, up to the next field. */
  readonly behind: string;
  readonly redactor: Redactor;
  readonly custom: Readonly<Record<string, CustomAtom>>;
}

/** What begins or ends a field that stands free, in any format: those who read lines take brackets for quotes, as around the time. */
const freeDelimiters = " []";

/** The escaping of a field whose text is the client's. Between quotes only the quote ends it; outside of them a client could begin another. */
function fieldEscape(octets: Octets, { isQuoted, marks }: Place, behind: string): Escape {
  return escaper(octets, isQuoted ? "" : freeDelimiters + marks, behind);
}

/** A field that is ours, and so needs no escaping. */
export function ownField(write: (entry: Entry) => string): MakeAtom {
  return ({ behind }) => {
    let last: string | undefined;
    let lastPiece = "";
    return (entry) => {
      const text = write(entry);
      if (text !== last) {
        last = text;
        lastPiece = text + behind;
      }
      return lastPiece;
    };
  };
}

/** A field that may be missing; an empty one is seen between quotes only. */
export function field(read: (entry: Entry) => string | undefined, octets: Octets, place: Place): Atom {
  const escape = fieldEscape(octets, place, place.behind);
  const none = `-${place.behind}`;
  return (entry) => {
    const value = read(entry);
    return value === undefined || (value === "" && !place.isQuoted) ? none : escape(value);
  };
}

/** A request header; a secret one shows only that it was there. */
export function requestHeader(header: string, place: Place): Atom {
  const name = header.toLowerCase();
  const key = requestKey(name);
  if (place.redactor.isSecretHeader(name)) return ownField((entry) => (entry.environ[key] === undefined ? "-" : redacted))(place);
  return field((entry) => urlOf(entry.environ[key], place.redactor), "latin1", place);
}

/** Where environ has a request header. @param name in lower case. */
export function requestKey(name: string): "CONTENT_TYPE" | "CONTENT_LENGTH" | `HTTP_${string}` {
  if (name === "content-type") return "CONTENT_TYPE";
  if (name === "content-length") return "CONTENT_LENGTH";
  return `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
}

export function responseHeader(header: string, place: Place): Atom {
  const name = header.toLowerCase();
  if (place.redactor.isSecretHeader(name))
    return ownField((entry) => (entry.responseHeader(name) === undefined ? "-" : redacted))(place);
  return field((entry) => urlOf(entry.responseHeader(name), place.redactor), "latin1", place);
}

/** A variable of environ whose value is text: a CGI variable, a header by its key, or what a layer added. */
export function variable(name: string, place: Place): Atom {
  const { redactor } = place;
  if (name.startsWith("HTTP_")) return requestHeader(name.slice("HTTP_".length).replaceAll("_", "-"), place);
  const read = (entry: Entry): string | undefined => text(entry.environ, name);
  if (name === "QUERY_STRING") return field((entry) => redactor.query(read(entry) ?? ""), "latin1", place);
  return field((entry) => urlOf(read(entry), redactor), "utf8", place);
}

function urlOf(value: string | undefined, redactor: Redactor): string | undefined {
  return value === undefined ? undefined : redactor.url(value);
}

/** `GET /a?b HTTP/1.1`: the request line as it came. */
export function requestLine(place: Place): Atom {
  const { redactor } = place;
  const blank = place.isQuoted ? " " : "\\x20";
  const method = fieldEscape("latin1", place, blank);
  const target = fieldEscape("latin1", place, "");
  const protocol = fieldEscape("latin1", place, place.behind);
  return (entry) => method(entry.method) + target(redactor.url(entry.target)) + blank + protocol(entry.environ.SERVER_PROTOCOL);
}

/** The query, with what stands before it where there is one. */
export function query(before: string, place: Place): Atom {
  const write = field((entry) => place.redactor.query(entry.query), "latin1", place);
  return (entry) => (entry.query === "" ? place.behind : before + write(entry));
}

export function path(place: Place): Atom {
  return field((entry) => entry.path, "utf8", place);
}

export function remoteAddress(place: Place): Atom {
  return field((entry) => entry.environ.REMOTE_ADDR, "latin1", { ...place, marks: "" });
}

export function remoteUser(place: Place): Atom {
  return field((entry) => userOf(entry.environ), "utf8", place);
}

/** Who was authenticated, by the front server or by a layer (RFC 3875, section 4.1.11). */
export function userOf(environ: object): string | undefined {
  // By its name: to look up a key that is computed, and nearly always missing, costs more than the field.
  const { REMOTE_USER } = environ as { readonly REMOTE_USER?: unknown };
  return typeof REMOTE_USER === "string" ? REMOTE_USER : undefined;
}

/** What environ has under any key, where that is text: the type of environ knows only the keys that all gateways give. */
function text(environ: object, key: string): string | undefined {
  const value = (environ as Readonly<Record<string, unknown>>)[key];
  return typeof value === "string" ? value : undefined;
}

export const status: MakeAtom = ownField((entry) => (entry.statusCode === "" ? "-" : entry.statusCode));
export const bytes: MakeAtom = ownField((entry) => `${entry.bodyBytes}`);
/** As the Common Log Format has it: nothing is a dash. */
export const bytesOrDash: MakeAtom = ownField((entry) => (entry.bodyBytes === 0 ? "-" : `${entry.bodyBytes}`));
export const time: MakeAtom = ownField((entry) => commonLogTime(entry.startedAt));
export const seconds: MakeAtom = ownField((entry) => `${Math.floor(entry.totalMilliseconds / 1000)}`);
export const milliseconds: MakeAtom = ownField((entry) => `${Math.floor(entry.totalMilliseconds)}`);
export const microseconds: MakeAtom = ownField((entry) => `${Math.floor(entry.totalMilliseconds * 1000)}`);
export const dash: MakeAtom = ownField(() => "-");

const extensions: Readonly<Record<string, MakeAtom>> = {
  outcome: ownField((entry) => entry.outcome),
  level: ownField((entry) => entry.level),
  first_byte_ms: ownField((entry) => shortMilliseconds(entry.firstByteMilliseconds)),
  total_ms: ownField((entry) => shortMilliseconds(entry.totalMilliseconds)),
  request_id: (place) => field((entry) => entry.requestId, "latin1", place),
  trace_id: (place) => field((entry) => entry.trace?.traceId, "latin1", place),
  span_id: (place) => field((entry) => entry.trace?.spanId, "latin1", place),
  target: (place) => field((entry) => place.redactor.url(entry.target), "latin1", place),
  tls_version: (place) => field((entry) => tls(entry, "version"), "latin1", place),
  tls_cipher: (place) => field((entry) => tls(entry, "cipher"), "latin1", place),
};

/** What no format of old has: `%{outcome}x`, `%({outcome}x)s`, and the atoms of the application. */
export function extension(name: string, place: Place): Atom {
  if (Object.hasOwn(place.custom, name)) {
    const read = place.custom[name];
    if (read !== undefined) return field(read, "utf8", place);
  }
  const make = Object.hasOwn(extensions, name) ? extensions[name] : undefined;
  if (make === undefined) {
    throw new TypeError(
      `%{${name}}x is not known; known are ${[...Object.keys(extensions), ...Object.keys(place.custom)].join(", ")}`,
    );
  }
  return make(place);
}

const thousandths = Array.from({ length: 1000 }, (_, i) => `${i / 1000}`.slice(1));

/** Milliseconds as people read them: three digits behind the point, fewer where they are zeros; `-` for none. */
export function shortMilliseconds(value: number | undefined): string {
  if (value === undefined) return "-";
  const microseconds = Math.round(value * 1000);
  // Whole numbers and a table: to write a fraction as the language does costs more than the rest of the field.
  return `${Math.floor(microseconds / 1000)}${thousandths[microseconds % 1000] ?? ""}`;
}

function tls(entry: Entry, key: "version" | "cipher"): string | undefined {
  const facts = entry.environ["gateway.tls"];
  if (typeof facts !== "object" || facts === null) return undefined;
  const value: unknown = Reflect.get(facts, key);
  return typeof value === "string" ? value : undefined;
}
