import { allIn, tokenOctets } from "./octets.ts";

/** What the server does with a request header beyond handing it on. */
export const Kind = {
  plain: 0,
  /** Not for the application: its name has an underscore, and would be taken for another header's, or it is `Proxy` (httpoxy). */
  dropped: 1,
  host: 2,
  contentLength: 3,
  transferEncoding: 4,
  connection: 5,
  expect: 6,
} as const;

export type HeaderKey = `HTTP_${string}` | "CONTENT_TYPE" | "CONTENT_LENGTH";

/** A request header name, as it was spelled by a client. */
export interface HeaderName {
  /** The key in environ: `HTTP_ACCEPT`, `CONTENT_TYPE`. */
  readonly key: HeaderKey;
  readonly kind: number;
  /** What joins the values of a header that is repeated. */
  readonly joint: string;
}

const kinds: ReadonlyMap<string, number> = new Map([
  ["proxy", Kind.dropped],
  ["host", Kind.host],
  ["content-length", Kind.contentLength],
  ["transfer-encoding", Kind.transferEncoding],
  ["connection", Kind.connection],
  ["expect", Kind.expect],
]);

// By spelling on the wire, so that a name is checked and translated once. Bounded: clients choose what goes in.
const known = new Map<string, HeaderName>();
const maxKnown = 1024;
const maxKnownLength = 64;

/** The name as the parser uses it; `undefined` when it is not a token (RFC 9110 section 5.1). */
export function headerName(spelling: string): HeaderName | undefined {
  return known.get(spelling) ?? learn(spelling);
}

function learn(spelling: string): HeaderName | undefined {
  if (spelling === "" || !allIn(tokenOctets, spelling)) return undefined;
  const lower = spelling.toLowerCase();
  const kind = spelling.includes("_") ? Kind.dropped : (kinds.get(lower) ?? Kind.plain);
  const name: HeaderName = { key: keyOf(lower), kind, joint: lower === "cookie" ? "; " : ", " };
  // The spelling is a slice of the head it came in; a copy keeps that head from living as long as this table.
  if (known.size < maxKnown && spelling.length <= maxKnownLength)
    known.set(Buffer.from(spelling, "latin1").toString("latin1"), name);
  return name;
}

function keyOf(lower: string): HeaderKey {
  const upper = lower.toUpperCase().replaceAll("-", "_");
  return upper === "CONTENT_TYPE" || upper === "CONTENT_LENGTH" ? upper : `HTTP_${upper}`;
}
