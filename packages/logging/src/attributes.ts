import type { Environ } from "@gateway/core";
import type { AccessEntry, Entry } from "./access-entry.ts";
import { requestKey, userOf, type CustomAtom } from "./atoms.ts";
import { escapeJson, escaper, type Octets } from "./escape.ts";
import { redacted, type Redactor } from "./redact.ts";
import { isoTime, threeDigits } from "./time-format.ts";

/** What an attribute has as its value; `undefined` leaves it out. */
type Value = string | number | Seconds | readonly string[] | undefined;

/** Longer text is not kept, for the little it would save. */
const maxRemembered = 512;

/** A time, in whole microseconds: to write seconds as the language does costs more than any other attribute. */
class Seconds {
  private readonly microseconds: number;

  constructor(milliseconds: number) {
    this.microseconds = Math.round(milliseconds * 1000);
  }

  get value(): number {
    return this.microseconds / 1_000_000;
  }

  toString(): string {
    const { microseconds } = this;
    const thousands = Math.floor(microseconds / 1000);
    return `${Math.floor(thousands / 1000)}.${threeDigits(thousands % 1000)}${threeDigits(microseconds % 1000)}`;
  }
}

/** One attribute of a request: its name, how it is read, and what the characters of its text are. */
export interface Attribute {
  readonly name: string;
  readonly read: (entry: Entry) => Value;
  readonly octets: Octets;
}

/** What of an entry is shown, besides what always is. */
export interface AttributeSettings {
  readonly redactor: Redactor;
  /** Names of request headers, as `http.request.header.<name>`. */
  readonly requestHeaders: readonly string[];
  /** Names of response headers, as `http.response.header.<name>`. */
  readonly responseHeaders: readonly string[];
  readonly custom: Readonly<Record<string, CustomAtom>>;
}

/** Those that OpenTelemetry knows; others are `_OTHER`, so that a client cannot make up values without end. */
const methods = new Set(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"]);

/**
 * The attributes of a request, with the names of OpenTelemetry's semantic conventions for HTTP servers; what they do not name begins
 * with `gateway.`. Times are seconds, as theirs are.
 */
export function attributesOf({ redactor, requestHeaders, responseHeaders, custom }: AttributeSettings): readonly Attribute[] {
  const latin1 = (name: string, read: Attribute["read"]): Attribute => ({ name, read, octets: "latin1" });
  const utf8 = (name: string, read: Attribute["read"]): Attribute => ({ name, read, octets: "utf8" });
  const header = (prefix: string, name: string, read: (entry: Entry) => string | undefined): Attribute => {
    const isSecret = redactor.isSecretHeader(name);
    let last: string | undefined;
    let lastShown: readonly string[] | undefined;
    return latin1(`${prefix}${name}`, (entry) => {
      const value = read(entry);
      if (value === last) return lastShown;
      const shown = value === undefined ? undefined : [isSecret ? redacted : redactor.url(value)];
      if (value !== undefined && value.length > maxRemembered) return shown;
      last = value;
      lastShown = shown;
      return shown;
    });
  };
  return [
    latin1("http.request.method", ({ method }) => (methods.has(method) ? method : "_OTHER")),
    latin1("http.request.method_original", ({ method }) => (methods.has(method) ? undefined : method)),
    latin1("url.scheme", ({ environ }) => environ["wsgi.url_scheme"]),
    latin1("url.path", (entry) => entry.encodedPath),
    latin1("url.query", ({ query }) => (query === "" ? undefined : redactor.query(query))),
    latin1("http.response.status_code", ({ status }) => (status === 0 ? undefined : status)),
    latin1("error.type", errorType),
    latin1("client.address", ({ environ }) => present(environ.REMOTE_ADDR)),
    latin1("server.address", ({ environ }) => hostOf(environ).name),
    latin1("server.port", ({ environ }) => hostOf(environ).port ?? defaultPort(environ)),
    latin1("network.protocol.name", ({ environ }) => protocolOf(environ).name),
    latin1("network.protocol.version", ({ environ }) => protocolOf(environ).version),
    latin1("user_agent.original", ({ environ }) => environ.HTTP_USER_AGENT),
    header("http.request.header.", "referer", ({ environ }) => environ.HTTP_REFERER),
    utf8("user.name", ({ environ }) => userOf(environ)),
    latin1("http.request.body.size", ({ environ }) => whole(environ.CONTENT_LENGTH)),
    latin1("http.response.body.size", ({ bodyBytes }) => bodyBytes),
    latin1("http.server.request.duration", ({ totalMilliseconds }) => inSeconds(totalMilliseconds)),
    latin1("gateway.time_to_first_byte", ({ firstByteMilliseconds }) => inSeconds(firstByteMilliseconds)),
    latin1("gateway.outcome", ({ outcome }) => outcome),
    latin1("gateway.request_id", ({ requestId }) => requestId),
    latin1("trace_id", ({ trace }) => trace?.traceId),
    latin1("span_id", ({ trace }) => trace?.spanId),
    latin1("trace_flags", ({ trace }) => (trace === undefined ? undefined : `0${trace.flags.toString(16)}`)),
    ...requestHeaders
      .map((header) => header.toLowerCase())
      .filter((name) => name !== "referer")
      .map((name) => header("http.request.header.", name, headerReader(requestKey(name)))),
    ...responseHeaders
      .map((header) => header.toLowerCase())
      .map((name) => header("http.response.header.", name, (entry) => entry.responseHeader(name))),
    ...Object.entries(custom).map(([name, read]) => utf8(name, read)),
  ];
}

/** Severity names are those of OpenTelemetry's log data model. */
const severities = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" } as const;

/** Makes a writer of JSON lines: time, severity, and the attributes that the request has. */
export function jsonWriter(attributes: readonly Attribute[], end: string): (entry: Entry) => string {
  const close = `}${end}`;
  const columns = attributes.map(({ name, read }) => new Column(`,"${escapeJson(name)}":`, read));
  return (entry) => {
    let line = `{"timestamp":"${isoTime(entry.startedAt)}","severity_text":"${severities[entry.level]}"`;
    for (const column of columns) line += column.write(entry);
    return line + close;
  };
}

/** An attribute on its way into JSON. Host, protocol, method, browser: most are what they were in the line before, and are not made again. */
class Column {
  private readonly key: string;
  private readonly read: Attribute["read"];
  private last: Value = undefined;
  private lastWritten = "";

  constructor(key: string, read: Attribute["read"]) {
    this.key = key;
    this.read = read;
  }

  write(entry: Entry): string {
    const value = this.read(entry);
    if (value === this.last) return this.lastWritten;
    const written = value === undefined ? "" : this.key + toJson(value);
    if (written.length > maxRemembered) return written;
    this.last = value;
    this.lastWritten = written;
    return written;
  }
}

function toJson(value: NonNullable<Value>): string {
  if (typeof value === "number" || value instanceof Seconds) return value.toString();
  if (typeof value === "string") return `"${escapeJson(value)}"`;
  return `[${value.map((each) => `"${escapeJson(each)}"`).join(",")}]`;
}

/** Makes an object of the attributes, for a logger. Text is escaped as in Apache's formats, because loggers print to terminals as well. */
export function attributeReader(attributes: readonly Attribute[]): (entry: Entry) => Record<string, unknown> {
  const escapes = { latin1: escaper("latin1"), utf8: escaper("utf8") };
  return (entry) => {
    const record: Record<string, unknown> = {};
    for (const { name, read, octets } of attributes) {
      const value = read(entry);
      if (value === undefined) continue;
      const escape = escapes[octets];
      if (typeof value === "string") record[name] = escape(value);
      else if (typeof value === "number") record[name] = value;
      else record[name] = value instanceof Seconds ? value.value : value.map((each) => escape(each));
    }
    return record;
  };
}

/** As the conventions want it: the kind of the error where there was one, else the status of a 5xx, else nothing. */
function errorType({ outcome, reason, status }: AccessEntry): string | undefined {
  if (outcome === "failed") return reason instanceof Error ? reason.name : "_OTHER";
  if (outcome !== "finished") return { gone: "client_gone", timeout: "timeout", stopped: "server_stopping" }[outcome];
  return status >= 500 ? `${status}` : undefined;
}

/** What a `Host` header says; kept for the next, since it is nearly always the same. */
let lastHost: { readonly header: string; readonly name: string; readonly port: number | undefined } = {
  header: "",
  name: "",
  port: undefined,
};

function hostOf(environ: Environ): { readonly name: string; readonly port: number | undefined } {
  const header = environ.HTTP_HOST;
  if (header === undefined || header === "") return { name: environ.SERVER_NAME, port: whole(environ.SERVER_PORT) };
  if (header !== lastHost.header) {
    const [, name = header, port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(header) ?? [];
    lastHost = { header, name, port: whole(port) };
  }
  return lastHost;
}

let lastProtocol: { readonly text: string; readonly name: string | undefined; readonly version: string | undefined } = {
  text: "",
  name: "",
  version: undefined,
};

function protocolOf({ SERVER_PROTOCOL: text }: Environ): {
  readonly name: string | undefined;
  readonly version: string | undefined;
} {
  if (text !== lastProtocol.text) {
    const [name = "", version] = text.split("/");
    // The conventions want the name only where it is another.
    lastProtocol = { text, name: name === "HTTP" ? undefined : name.toLowerCase(), version };
  }
  return lastProtocol;
}

function headerReader(key: ReturnType<typeof requestKey>): (entry: Entry) => string | undefined {
  return ({ environ }) => environ[key];
}

function defaultPort(environ: Environ): number {
  return environ["wsgi.url_scheme"] === "https" ? 443 : 80;
}

function present(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function whole(digits: string | undefined): number | undefined {
  return digits !== undefined && /^[0-9]{1,15}$/.test(digits) ? Number(digits) : undefined;
}

function inSeconds(milliseconds: number | undefined): Seconds | undefined {
  return milliseconds === undefined ? undefined : new Seconds(milliseconds);
}
