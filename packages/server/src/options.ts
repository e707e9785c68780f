import type { TlsOptions } from "node:tls";
import { listenerDefaults, listenerNumbers, settle, type ListenerOptions, type NumberKind } from "@gateway/sockets";
import { defaultParserLimits, type ParserLimits } from "./limits.ts";

/** Settings of {@link makeServer}. */
export interface ServerOptions extends Partial<ParserLimits>, ListenerOptions {
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
  /** Serves TLS: `key` and `cert`, or anything else that `tls.createServer` takes (default: plain HTTP). Speaks `http/1.1` (ALPN). */
  tls?: TlsOptions;
  /** The `Server` header of responses that have none (default `"gateway"`); `""` sends none. */
  serverHeader?: string;
}

/** The settings with their defaults. */
export interface Settings extends ParserLimits, Readonly<Required<ListenerOptions>> {
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
  readonly tls: TlsOptions | undefined;
  readonly serverHeader: string;
}

const defaults: Settings = {
  ...defaultParserLimits,
  ...listenerDefaults,
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
  tls: undefined,
  serverHeader: "gateway",
};

const numbers: Readonly<Record<string, NumberKind>> = {
  ...listenerNumbers,
  requestLineBytes: "whole",
  headerBytes: "whole",
  headerCount: "whole",
  chunkOverheadBytes: "whole",
  trailerBytes: "whole",
  maxReadBytes: "whole",
  drainBytes: "whole",
  maxBodyBytes: "whole or endless",
  headerSeconds: "number",
  silentSeconds: "number",
  keepAliveSeconds: "number",
  bodyBytesPerSecond: "number",
  bodyGraceSeconds: "number",
  writeStallSeconds: "number",
  requestSeconds: "number",
};

/**
 * The options with their defaults filled in.
 *
 * @throws {RangeError} for a number that cannot be a limit.
 * @throws {TypeError} for an option that does not exist, or a `serverHeader` that cannot be sent.
 */
export function settingsOf(options: ServerOptions): Settings {
  const settings = settle("makeServer", defaults, options, numbers);
  const { tls } = settings;
  if (tls !== undefined && (typeof tls !== "object" || !["key", "pfx", "SNICallback", "pskCallback"].some((name) => name in tls))) {
    throw new TypeError("tls is an object with key and cert, or pfx, or SNICallback, as tls.createServer takes it");
  }
  if (!/^[\x20-\x7e]*$/.test(settings.serverHeader))
    throw new TypeError("serverHeader has characters that cannot be sent in a header");
  return settings;
}
