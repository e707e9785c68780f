/** What a `traceparent` header says (W3C Trace Context, section 3.2). */
export interface Traceparent {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero: the span of whoever sent it. */
  readonly parentId: string;
  /** Bits of {@link TraceFlag}; those that this version of the specification does not know are 0. */
  readonly flags: number;
}

/** Bits of the trace flags. */
export const TraceFlag = { sampled: 1, random: 2 } as const;

const length = 55;
// Every part has a fixed length, so there is nothing to go back over.
const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

/**
 * Reads a `traceparent`, as strictly as the specification asks: lower-case hex, version 00 of exactly 55 characters; a later version may go
 * on after a `-`, and is read as far as version 00 goes; version `ff`, and ids of zeros, are invalid. Two headers, which a gateway joins,
 * are invalid too.
 *
 * @returns `undefined` for what is invalid: then a new trace begins.
 */
export function parseTraceparent(header: string): Traceparent | undefined {
  const match = shape.exec(header);
  if (match === null) return undefined;
  const [, version, traceId = "", parentId = "", flags = ""] = match;
  if (version === "ff" || /^0*$/.test(traceId) || /^0*$/.test(parentId)) return undefined;
  if (header.length !== length && (version === "00" || header.charAt(length) !== "-")) return undefined;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) & (TraceFlag.sampled | TraceFlag.random) };
}

/** Writes one, of version 00. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags.toString(16)}`;
}
