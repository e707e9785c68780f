import { checkOptionNames, layer, type Middleware } from "@gateway/core";
import { randomHex } from "./random-hex.ts";
import { formatTraceparent, parseTraceparent, TraceFlag } from "./traceparent.ts";
import { parseTracestate } from "./tracestate.ts";
import { trustOf, type Trust } from "./trust.ts";

/** The place of a request in a trace. */
export interface TraceContext {
  /** 32 hex digits: one for all that happens because of the first request. */
  readonly traceId: string;
  /** 16 hex digits: this request. */
  readonly spanId: string;
  /** The span that caused it, where the client said so and is trusted. */
  readonly parentId: string | undefined;
  /** Bit 0: sampled. Bit 1: the trace id is random. */
  readonly flags: number;
  /** The `tracestate` to hand on; `""` for none. */
  readonly state: string;
  /** The `traceparent` to hand on with requests that the application makes itself. */
  readonly traceparent: string;
}

/** What {@link traceContext} adds to environ. */
export interface TraceEnviron {
  "gateway.trace": TraceContext;
}

/** Settings of {@link traceContext}. */
export interface TraceContextOptions {
  /** Whose `traceparent` and `tracestate` are taken over (default `false`: every request begins a trace of its own). */
  readonly trust?: Trust | undefined;
  /**
   * Which share of the traces that begin here are marked as sampled, 0 to 1 (default 1). It is what the services behind go by, not
   * whether a line is logged.
   */
  readonly sampled?: number | undefined;
}

/**
 * Gives each request a place in a trace (W3C Trace Context): `environ["gateway.trace"]`. Takes the client's over where it is trusted and
 * valid, with a new span id of its own. It makes no spans and sends nothing anywhere, and leaves the response as it is.
 *
 * @throws {TypeError} while wrapping, for a `trust` that is neither boolean nor function.
 * @throws {RangeError} while wrapping, for a `sampled` that is no share.
 */
export function traceContext(options: TraceContextOptions = {}): Middleware<TraceEnviron> {
  checkOptionNames("traceContext", options, { trust: true, sampled: true });
  const isTrusted = trustOf(options.trust ?? false);
  const { sampled = 1 } = options;
  if (typeof sampled !== "number" || !(sampled >= 0 && sampled <= 1)) throw new RangeError("sampled is a number from 0 to 1");

  return layer<TraceEnviron>((app) => (environ, startResponse) => {
    const header = environ.HTTP_TRACEPARENT;
    const given = header !== undefined && isTrusted(environ) ? parseTraceparent(header) : undefined;
    const spanId = randomHex(8);
    const traceId = given?.traceId ?? randomHex(16);
    const begun = sampled === 1 || Math.random() < sampled ? TraceFlag.sampled | TraceFlag.random : TraceFlag.random;
    const flags = given?.flags ?? begun;
    environ["gateway.trace"] = {
      traceId,
      spanId,
      parentId: given?.parentId,
      flags,
      state: given === undefined ? "" : parseTracestate(environ.HTTP_TRACESTATE ?? ""),
      traceparent: formatTraceparent(traceId, spanId, flags),
    };
    return app(environ, startResponse);
  });
}
