import type { HeaderList } from "./contract.ts";

/** One request and its response: is the client still there, and how did it end? Every gateway gives one to every request. */
export interface Exchange {
  /**
   * Aborted when nobody waits for the response any more; its reason is an {@link ExchangeAborted}. Made when it is first read, so a
   * request that never looks pays nothing. Not aborted when the response has simply been sent.
   */
  readonly signal: AbortSignal;
  /**
   * Calls the listener once, when the response has been sent or given up and the body's `close()` has run; at once when that
   * is past. What it throws goes to `wsgi.errors`.
   */
  onEnd(listener: (ending: Ending) => void): void;
  /**
   * Tells the client what it will need before the response is ready (103, RFC 8297). Does nothing where the gateway or the client
   * cannot take it, and once the head has gone.
   *
   * @throws {TypeError} for headers that may not be sent.
   */
  earlyHints(headers: HeaderList): void;
}

/**
 * How an exchange ended. Times are milliseconds on the clock of `performance.now()`; the clock is read only while somebody listens,
 * so a time is `undefined` where nobody did yet.
 */
export interface Ending {
  /** `finished`: every byte was handed to the system. `gone`: the client left, or was cut off. `failed`: the application broke off. */
  readonly outcome: "finished" | "gone" | "failed";
  /** What broke it off; `undefined` when it finished. */
  readonly reason: unknown;
  /** The status that was sent, `"200 OK"`; `""` when no head went out. */
  readonly status: string;
  /** Bytes of the body that were handed to the system, without framing. */
  readonly bodyBytes: number;
  /** When the first listener was registered: the start, for a layer that registers before it calls the application. */
  readonly startedAt: number | undefined;
  /** When the head went out. */
  readonly headAt: number | undefined;
  /** When the last byte was handed over, or the exchange was given up. */
  readonly endedAt: number | undefined;
}

/** Why {@link Exchange.signal} was aborted. */
export type AbortCode = "CLIENT_GONE" | "TIME_LIMIT" | "SERVER_STOPPING";

const messages: Record<AbortCode, string> = {
  CLIENT_GONE: "the client left before the response was complete",
  TIME_LIMIT: "the request took longer than the server allows",
  SERVER_STOPPING: "the server is stopping",
};

/** The reason of an aborted {@link Exchange.signal}. Tell by `code`, never by `instanceof`: two copies of core may be loaded. */
export class ExchangeAborted extends Error {
  readonly code: AbortCode;

  constructor(code: AbortCode, options?: { cause?: unknown }) {
    super(messages[code], options);
    this.name = code === "TIME_LIMIT" ? "TimeoutError" : "AbortError";
    this.code = code;
  }
}
