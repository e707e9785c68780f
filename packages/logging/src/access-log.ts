import { checkOptionNames, isToken, layer, whenReady, type Middleware, type StartResponse } from "@gateway/core";
import { Entry, type AccessEntry } from "./access-entry.ts";
import type { CustomAtom } from "./atoms.ts";
import { attributeReader, attributesOf, jsonWriter } from "./attributes.ts";
import { compileFormat } from "./compile-format.ts";
import type { LogDestination } from "./destination.ts";
import { devWriter, wantsColour } from "./dev-format.ts";
import { oneLine } from "./escape.ts";
import { formats, type FormatFunction, type FormatName } from "./formats.ts";
import { levelByStatus, type LogLevel } from "./levels.ts";
import { logFile } from "./log-file.ts";
import { logStream, type WritableStreamLike } from "./log-stream.ts";
import { Redactor, type RedactedNames } from "./redact.ts";

/** A logger, by its shape: pino's, winston's, the console. */
export interface Logger {
  info(attributes: object | string, message?: string): unknown;
  warn(attributes: object | string, message?: string): unknown;
  error(attributes: object | string, message?: string): unknown;
  /** Without it, lines of that level go to `info`. */
  debug?(attributes: object | string, message?: string): unknown;
}

/** Settings of {@link accessLog}. At most one of `file`, `stream`, `logger` and `destination` (default: standard error). */
export interface AccessLogOptions {
  /**
   * `"common"`, `"combined"`, `"timed"` (combined, then milliseconds to the head and in all, how it ended, the request id), `"tiny"`, `"dev"`,
   * `"json"`, a string with Apache's atoms or with gunicorn's, or a function (default `"timed"`; `"json"` for a logger).
   */
  readonly format?: FormatName | FormatFunction | (string & Record<never, never>) | undefined;
  /** The path of a file: `logFile(path)` with its defaults. */
  readonly file?: string | URL | undefined;
  /** With `file`: the signal that opens it anew (default: none). */
  readonly reopenSignal?: NodeJS.Signals | undefined;
  /** A writable stream: `logStream(stream)` with its defaults. */
  readonly stream?: WritableStreamLike | undefined;
  /** A logger: it gets the attributes and a short message, or the line where `format` is another than `"json"`. */
  readonly logger?: Logger | undefined;
  /** What `logFile` or `logStream` made, or anything else with `write(line)`; `"wsgi.errors"` writes where the errors of the request go. */
  readonly destination?: LogDestination | "wsgi.errors" | undefined;
  /** Whether a request is left out (default: none is). `healthChecks` is one. */
  readonly skip?: ((entry: AccessEntry) => boolean) | undefined;
  /** Which share of the requests of level `debug` and `info` is logged, 0 to 1; the others always are (default 1). */
  readonly sample?: number | undefined;
  /** How much a request matters (default: `levelByStatus`). */
  readonly level?: ((entry: AccessEntry) => LogLevel) | undefined;
  /** What is redacted, besides what always is. */
  readonly redact?: RedactedNames | undefined;
  /** What is not redacted, though it would be. */
  readonly reveal?: RedactedNames | undefined;
  /** Atoms of your own: `%{name}x`, `%({name}x)s`, and attributes of that name. What they give is escaped, not redacted (default: none). */
  readonly atoms?: Readonly<Record<string, CustomAtom>> | undefined;
  /** Request headers that `json` shows, as `http.request.header.<name>` (default: none but `Referer`). */
  readonly requestHeaders?: readonly string[] | undefined;
  /** Response headers that `json` shows, as `http.response.header.<name>` (default: none). */
  readonly responseHeaders?: readonly string[] | undefined;
  /** Colours of `dev`: `"auto"` where lines go to a terminal and `NO_COLOR` is not set (default), `"always"`, `"never"`. */
  readonly colour?: "auto" | "always" | "never" | undefined;
}

/** Writes what a request became. */
type Emit = (entry: Entry) => void;

/** Standard error, once for all layers that write there. */
let standardError: LogDestination | undefined;

/**
 * Logs each request with one line, when its response is over, `close()` included: status and bytes that were really sent, time to the head and in
 * all, and how it ended. It leaves request and response alone.
 *
 * @throws {TypeError} {@link RangeError} while wrapping, for wrong options.
 * @throws what the system says, if `file` cannot be opened.
 */
export function accessLog(options: AccessLogOptions = {}): Middleware {
  checkOptions(options);
  const { skip, sample = 1, level = levelByStatus } = options;
  const { emit, ready } = emitterOf(options);
  const seesHead = needsHead(options);

  const finish = (entry: Entry): void => {
    if (sample < 1 && isOrdinary(entry.level) && Math.random() >= sample) return;
    if (skip?.(entry) === true) return;
    emit(entry);
  };

  return layer((app) => (environ, startResponse) => {
    const entry = new Entry(environ, level);
    environ["gateway.exchange"].onEnd((ending) => {
      entry.end(ending);
      finish(entry);
    });
    const start = seesHead ? rememberingHead(entry, startResponse) : startResponse;
    const room = ready?.();
    return room === undefined ? app(environ, start) : whenReady(room, () => app(environ, start));
  });
}

function isOrdinary(level: LogLevel): boolean {
  return level === "info" || level === "debug";
}

function rememberingHead(entry: Entry, startResponse: StartResponse): StartResponse {
  return (status, headers, excInfo) => {
    entry.head = { status, headers };
    return startResponse(status, headers, excInfo);
  };
}

/** Are there response headers in it? Else the layer does not have to look at the head. */
function needsHead({ format, responseHeaders = [] }: AccessLogOptions): boolean {
  return responseHeaders.length > 0 || (typeof format === "string" && /\}o/.test(format));
}

interface Emitter {
  readonly emit: Emit;
  readonly ready: (() => Promise<void> | undefined) | undefined;
}

function emitterOf(options: AccessLogOptions): Emitter {
  const { logger, atoms = {}, requestHeaders = [], responseHeaders = [] } = options;
  const redactor = new Redactor(options.redact, options.reveal);
  const format = options.format ?? (logger === undefined ? "timed" : "json");
  const attributes = attributesOf({ redactor, requestHeaders, responseHeaders, custom: atoms });
  if (logger !== undefined && format === "json") {
    const read = attributeReader(attributes);
    const message = compileFormat("%m %{target}x %s", redactor);
    return { emit: (entry) => loggerOf(logger, entry)(read(entry), message(entry)), ready: undefined };
  }
  const end = logger === undefined ? "\n" : "";
  const write = writerOf(format, options, redactor, end, () => jsonWriter(attributes, end));
  if (logger !== undefined) return lines(write, (line, entry) => loggerOf(logger, entry)(line));
  if (options.destination === "wsgi.errors") return lines(write, (line, { environ }) => environ["wsgi.errors"].write(line));
  const destination = destinationOf(options);
  const ready = destination.ready === undefined ? undefined : (): Promise<void> | undefined => destination.ready?.();
  return { ...lines(write, (line) => destination.write(line)), ready };
}

function lines(write: (entry: Entry) => string | undefined, hand: (line: string, entry: Entry) => void): Emitter {
  const emit = (entry: Entry): void => {
    const line = write(entry);
    if (line !== undefined) hand(line, entry);
  };
  return { emit, ready: undefined };
}

function loggerOf(logger: Logger, { level }: Entry): (attributes: object | string, message?: string) => unknown {
  if (level === "debug") return logger.debug === undefined ? logger.info.bind(logger) : logger.debug.bind(logger);
  return logger[level].bind(logger);
}

function destinationOf(options: AccessLogOptions): LogDestination {
  const { file, reopenSignal, stream, destination } = options;
  if (destination !== undefined && destination !== "wsgi.errors") return destination;
  if (file !== undefined) return logFile(file, { reopenSignal });
  if (stream !== undefined) return logStream(stream);
  standardError ??= logStream(process.stderr);
  return standardError;
}

function writerOf(
  format: NonNullable<AccessLogOptions["format"]>,
  options: AccessLogOptions,
  redactor: Redactor,
  end: string,
  json: () => (entry: Entry) => string,
): (entry: Entry) => string | undefined {
  if (typeof format === "function") {
    return (entry) => {
      const line = format(entry);
      return line === undefined ? undefined : oneLine(line) + end;
    };
  }
  if (format === "json") return json();
  if (format === "dev") return devWriter(redactor, hasColour(options), end);
  if (Object.hasOwn(formats, format)) return compileFormat(formats[format as keyof typeof formats], redactor, {}, end);
  if (!format.includes("%")) {
    const names = [...Object.keys(formats), "dev", "json"].join(", ");
    throw new TypeError(`format: "${format}" is no format; those with a name are ${names}`);
  }
  return compileFormat(format, redactor, options.atoms, end);
}

function hasColour({ colour = "auto", file, stream, logger, destination }: AccessLogOptions): boolean {
  if (colour !== "auto") return colour === "always";
  if (file !== undefined || logger !== undefined || destination !== undefined) return false;
  return wantsColour(stream ?? process.stderr, process.env);
}

function checkOptions(options: AccessLogOptions): void {
  checkOptionNames("accessLog", options, {
    format: true,
    file: true,
    reopenSignal: true,
    stream: true,
    logger: true,
    destination: true,
    skip: true,
    sample: true,
    level: true,
    redact: true,
    reveal: true,
    atoms: true,
    requestHeaders: true,
    responseHeaders: true,
    colour: true,
  });
  const { format, logger, destination, sample = 1, colour = "auto", atoms = {} } = options;
  const given = (["file", "stream", "logger", "destination"] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1) throw new TypeError(`lines go to one place, not to ${given.join(" and ")}: use one accessLog for each`);
  if (options.reopenSignal !== undefined && options.file === undefined) {
    throw new TypeError("reopenSignal is for file; give it to logFile where that makes the destination");
  }
  if (format !== undefined && typeof format !== "string" && typeof format !== "function")
    throw new TypeError("format is a string or a function");
  for (const name of ["skip", "level"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "function")
      throw new TypeError(`${name} is a function of an entry`);
  }
  if (typeof sample !== "number" || !(sample >= 0 && sample <= 1)) throw new RangeError("sample is a number from 0 to 1");
  if (!["auto", "always", "never"].includes(colour)) throw new TypeError('colour is "auto", "always" or "never"');
  for (const name of ["requestHeaders", "responseHeaders"] as const) {
    const bad = (options[name] ?? []).find((header) => typeof header !== "string" || !isToken(header));
    if (bad !== undefined) throw new TypeError(`${name}: ${JSON.stringify(bad)} is no header name`);
  }
  for (const [name, read] of Object.entries(atoms)) {
    if (!/^[\w.-]+$/.test(name) || typeof read !== "function") throw new TypeError(`atoms: ${name} is no name with a function`);
  }
  if (logger !== undefined && (["info", "warn", "error"] as const).some((name) => typeof logger[name] !== "function")) {
    throw new TypeError("a logger has info, warn and error");
  }
  if (destination !== undefined && destination !== "wsgi.errors" && typeof destination.write !== "function") {
    throw new TypeError('a destination has a function write, or is "wsgi.errors"');
  }
}
