import type { TlsOptions } from "node:tls";
import type { ErrorStream } from "@gateway/core";
import { defaultParserLimits, type ParserLimits } from "./limits.ts";

/** A request that the server answered itself, for the log. Nothing in it was chosen by the client but its address. */
export interface RefusedRequest {
  /** The status it was answered with: 400, 408, 413, 414, 417, 431, 501, 503 or 505; 0 for a TLS handshake that failed. */
  readonly code: number;
  /** What was wrong, with the section of the RFC where there is one. */
  readonly reason: string;
  readonly remoteAddress: string;
}

/** Settings of {@link makeServer}. */
export interface ServerOptions extends Partial<ParserLimits> {
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. Streams have no limit. */
  maxReadBytes?: number;
  /** How much of a body that the application left unread is read and thrown away, in bytes (default 64 KiB), before the connection is closed. */
  drainBytes?: number;
  /** From the first byte of a request to the end of its head, in seconds (default 10): then 408. A total: more bytes do not extend it. */
  headerSeconds?: number;
  /** From a connection to its first byte, in seconds (default 10): then it is closed. */
  silentSeconds?: number;
  /** From one answer to the next request on a connection, in seconds (default 75): then it is closed. */
  keepAliveSeconds?: number;
  /** The largest request body, in bytes (default `Infinity`); more is answered with 413. */
  maxBodyBytes?: number;
  /** How fast a body must come, in bytes a second (default 500), over the time the server waits for it; else the read fails with 408. */
  bodyBytesPerSecond?: number;
  /** For how long a body may come more slowly, in seconds (default 5). */
  bodyGraceSeconds?: number;
  /** How long a client may take nothing of a response that waits for it, in seconds (default 60): then it is cut off. */
  writeStallSeconds?: number;
  /** From the head of a request to the end of its response, in seconds (default 0: no limit): then 503, or the connection is cut. */
  requestSeconds?: number;
  /** How many connections may be open (default `Infinity`); one more is answered with 503 and closed. */
  maxConnections?: number;
  /** Serves TLS: `key` and `cert`, or anything else that `tls.createServer` takes (default: plain HTTP). Speaks `http/1.1` (ALPN). */
  tls?: TlsOptions;
  /** How long a stopping server lets idle connections send one more request, in seconds (default 0.5). */
  stopIdleSeconds?: number;
  /** How long {@link GatewayServer.shutdown} waits for requests under way, in seconds (default 30), before it cuts them. */
  shutdownSeconds?: number;
  /** How many connections may wait to be accepted (default 511); the system may take fewer. */
  backlog?: number;
  /** The `Server` header of responses that have none (default `"gateway"`); `""` sends none. */
  serverHeader?: string;
  /** Where `wsgi.errors` goes (default: the standard error of the process). */
  errors?: ErrorStream;
  /** Told of each request that the server answered itself, and of each TLS handshake that failed (default: nobody is). */
  onRefused?: (refused: RefusedRequest) => void;
}

/** The settings with their defaults. */
export interface Settings extends ParserLimits {
  readonly maxReadBytes: number;
  readonly drainBytes: number;
  readonly headerSeconds: number;
  readonly silentSeconds: number;
  readonly keepAliveSeconds: number;
  readonly maxBodyBytes: number;
  readonly bodyBytesPerSecond: number;
  readonly bodyGraceSeconds: number;
  readonly writeStallSeconds: number;
  readonly requestSeconds: number;
  readonly maxConnections: number;
  readonly tls: TlsOptions | undefined;
  readonly stopIdleSeconds: number;
  readonly shutdownSeconds: number;
  readonly backlog: number;
  readonly serverHeader: string;
  readonly errors: ErrorStream;
  readonly onRefused: (refused: RefusedRequest) => void;
}

const standardErrors: ErrorStream = {
  write(text) {
    process.stderr.write(text);
  },
  writelines(lines) {
    for (const line of lines) process.stderr.write(line);
  },
  flush() {},
};

const defaults: Settings = {
  ...defaultParserLimits,
  maxReadBytes: 16 * 1024 * 1024,
  drainBytes: 64 * 1024,
  headerSeconds: 10,
  silentSeconds: 10,
  keepAliveSeconds: 75,
  maxBodyBytes: Infinity,
  bodyBytesPerSecond: 500,
  bodyGraceSeconds: 5,
  writeStallSeconds: 60,
  requestSeconds: 0,
  maxConnections: Infinity,
  tls: undefined,
  stopIdleSeconds: 0.5,
  shutdownSeconds: 30,
  backlog: 511,
  serverHeader: "gateway",
  errors: standardErrors,
  onRefused() {},
};

const wholeNumbers = [
  "requestLineBytes",
  "headerBytes",
  "headerCount",
  "chunkOverheadBytes",
  "trailerBytes",
  "maxReadBytes",
  "drainBytes",
  "backlog",
] as const;
const wholeOrEndless = ["maxBodyBytes", "maxConnections"] as const;
const numbers = [
  "headerSeconds",
  "silentSeconds",
  "keepAliveSeconds",
  "bodyBytesPerSecond",
  "bodyGraceSeconds",
  "writeStallSeconds",
  "requestSeconds",
  "stopIdleSeconds",
  "shutdownSeconds",
] as const;

/**
 * The options with their defaults filled in.
 *
 * @throws {RangeError} for a number that cannot be a limit.
 * @throws {TypeError} for an option that does not exist, or a `serverHeader` that cannot be sent.
 */
export function settingsOf(options: ServerOptions): Settings {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`makeServer has no option ${name}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: Settings = { ...defaults, ...Object.fromEntries(given) };
  for (const name of wholeNumbers) {
    const value: unknown = settings[name];
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      throw new RangeError(`${name} is a whole number from 0, not ${shown(value)}`);
    }
  }
  for (const name of wholeOrEndless) {
    const value: unknown = settings[name];
    if (value !== Infinity && (!Number.isSafeInteger(value) || (value as number) < 0)) {
      throw new RangeError(`${name} is a whole number from 0, or Infinity, not ${shown(value)}`);
    }
  }
  for (const name of numbers) {
    const value: unknown = settings[name];
    if (typeof value !== "number" || !(value >= 0)) throw new RangeError(`${name} is a number from 0, not ${shown(value)}`);
  }
  const { tls, errors } = settings;
  if (tls !== undefined && (typeof tls !== "object" || !["key", "pfx", "SNICallback", "pskCallback"].some((name) => name in tls))) {
    throw new TypeError("tls is an object with key and cert, or pfx, or SNICallback, as tls.createServer takes it");
  }
  for (const name of ["write", "writelines", "flush"] as const) {
    if (typeof errors[name] !== "function")
      throw new TypeError(`errors is an object with write, writelines and flush: ${name} is missing`);
  }
  if (!/^[\x20-\x7e]*$/.test(settings.serverHeader))
    throw new TypeError("serverHeader has characters that cannot be sent in a header");
  return settings;
}

/** A value in an error message: a string shows that it is one. */
function shown(value: unknown): string {
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : String(value);
}
