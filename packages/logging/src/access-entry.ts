import { encodePath, rawPath, type Ending, type Environ, type HeaderList } from "@gateway/core";
import type { LogLevel } from "./levels.ts";
import type { TraceContext } from "./trace-context.ts";
import { wallClock } from "./wall-clock.ts";

/** How it ended, as a word: the client left (`gone`), the server cut it off (`timeout`, `stopped`), the application broke off (`failed`). */
export type Outcome = "finished" | "gone" | "timeout" | "stopped" | "failed";

/**
 * One request and what became of it, for functions that decide or write. Everything in it is raw, as the client sent it: what such a
 * function returns is escaped, but not redacted.
 */
export interface AccessEntry {
  /** As it is now; what the layers inside did to it shows, unless they made a copy. */
  readonly environ: Environ;
  /** As it was when the request came to this layer, like the next three. */
  readonly method: string;
  /** `SCRIPT_NAME` + `PATH_INFO`, decoded. */
  readonly path: string;
  /** `QUERY_STRING`. */
  readonly query: string;
  /** `REQUEST_URI`, or path and query encoded again where the gateway does not know it. */
  readonly target: string;
  /** The code that was sent; 0 when no head went out. */
  readonly status: number;
  readonly outcome: Outcome;
  /** What broke it off; `undefined` when it finished. */
  readonly reason: unknown;
  /** Bytes of the body that were handed to the system. */
  readonly bodyBytes: number;
  /** When the request came to this layer: milliseconds since 1970. */
  readonly startedAt: number;
  /** From then to the head of the response; `undefined` when none went out. */
  readonly firstByteMilliseconds: number | undefined;
  /** From then to the last byte, or to where it broke off. */
  readonly totalMilliseconds: number;
  /** By the `level` option. */
  readonly level: LogLevel;
  /** `environ["gateway.request_id"]`, where a layer set it. */
  readonly requestId: string | undefined;
  /** `environ["gateway.trace"]`, where a layer set it. */
  readonly trace: TraceContext | undefined;
}

const outcomes: Readonly<Record<string, Outcome>> = { TIME_LIMIT: "timeout", SERVER_STOPPING: "stopped" };

/** What is kept of a request until it is over; then the line is made of it. */
export class Entry implements AccessEntry {
  readonly environ: Environ;
  readonly method: string;
  readonly query: string;
  readonly scriptName: string;
  readonly pathInfo: string;
  readonly requestUri: string | undefined;
  /** The head as it was given last, where the format has response headers in it. */
  head: { readonly status: string; readonly headers: HeaderList } | undefined = undefined;
  private readonly levelOf: (entry: AccessEntry) => LogLevel;
  private ending: Ending | undefined = undefined;

  constructor(environ: Environ, levelOf: (entry: AccessEntry) => LogLevel) {
    this.levelOf = levelOf;
    this.environ = environ;
    this.method = environ.REQUEST_METHOD;
    this.query = environ.QUERY_STRING;
    this.scriptName = environ.SCRIPT_NAME;
    this.pathInfo = environ.PATH_INFO;
    this.requestUri = environ.REQUEST_URI;
  }

  /** Everything below is known from here on. */
  end(ending: Ending): void {
    this.ending = ending;
  }

  get path(): string {
    return this.scriptName + this.pathInfo;
  }

  get target(): string {
    const { requestUri, query } = this;
    if (requestUri !== undefined) return requestUri;
    return query === "" ? this.encodedPath : `${this.encodedPath}?${query}`;
  }

  /** The path as it was sent, or encoded again. */
  get encodedPath(): string {
    const { scriptName, pathInfo, requestUri } = this;
    const raw = rawPath({ REQUEST_URI: requestUri, SCRIPT_NAME: scriptName, PATH_INFO: pathInfo });
    return raw ?? encodePath(scriptName + pathInfo);
  }

  /** Three digits, or nothing. */
  get statusCode(): string {
    return codeOfStatus(this.ending === undefined ? "" : this.ending.status);
  }

  get status(): number {
    return Number(this.statusCode);
  }

  get outcome(): Outcome {
    const { outcome, reason } = this.ending ?? { outcome: "failed", reason: undefined };
    return outcome === "gone" ? (outcomes[codeOf(reason)] ?? "gone") : outcome;
  }

  get reason(): unknown {
    return this.ending?.reason;
  }

  get level(): LogLevel {
    return this.levelOf(this);
  }

  get bodyBytes(): number {
    return this.ending?.bodyBytes ?? 0;
  }

  get startedAt(): number {
    return wallClock(this.ending?.startedAt ?? this.endedAt, this.endedAt);
  }

  get firstByteMilliseconds(): number | undefined {
    const { startedAt, headAt } = this.ending ?? {};
    return startedAt === undefined || headAt === undefined ? undefined : headAt - startedAt;
  }

  get totalMilliseconds(): number {
    const startedAt = this.ending?.startedAt;
    return startedAt === undefined ? 0 : this.endedAt - startedAt;
  }

  get requestId(): string | undefined {
    const id = this.environ["gateway.request_id"];
    return typeof id === "string" ? id : undefined;
  }

  get trace(): TraceContext | undefined {
    const trace = this.environ["gateway.trace"];
    return isTrace(trace) ? trace : undefined;
  }

  /** A header of the response that was sent; none where the gateway answered in place of the application. @param name in lower case. */
  responseHeader(name: string): string | undefined {
    if (this.head === undefined || this.head.status !== this.ending?.status) return undefined;
    let value: string | undefined;
    for (const header of this.head.headers) {
      if (header[0].toLowerCase() === name) value = value === undefined ? header[1] : `${value}, ${header[1]}`;
    }
    return value;
  }

  private get endedAt(): number {
    return this.ending?.endedAt ?? performance.now();
  }
}

let lastStatus = "";
let lastCode = "";

/** Most are what they were before, and a piece cut from a string costs. */
function codeOfStatus(status: string): string {
  if (status !== lastStatus) {
    lastStatus = status;
    lastCode = status.slice(0, 3);
  }
  return lastCode;
}

/** Not by `instanceof`: two copies of core may be loaded. */
function codeOf(reason: unknown): string {
  return reason instanceof Error && "code" in reason ? String(reason.code) : "";
}

function isTrace(value: unknown): value is TraceContext {
  return typeof value === "object" && value !== null && "traceId" in value && "spanId" in value;
}
