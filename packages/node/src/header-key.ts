export type HeaderKey = `HTTP_${string}` | "CONTENT_TYPE" | "CONTENT_LENGTH";

/** A request header name, as it was spelled by a client. */
export interface HeaderName {
  /** The key in environ; `""` for those that the application does not get. */
  readonly key: HeaderKey | "";
  /** What joins the values of a header that is repeated. */
  readonly joint: string;
}

// By spelling, so that a name is translated once. Bounded: clients choose what goes in.
const known = new Map<string, HeaderName>();
const maxKnown = 1024;
const maxKnownLength = 64;

/**
 * What becomes of a request header. A name with an underscore would be taken for another's, and `Proxy` for a setting of this machine
 * (httpoxy): neither is handed on; nor are the pseudo-headers of HTTP/2.
 */
export function headerKey(spelling: string): HeaderName {
  const name = known.get(spelling);
  if (name !== undefined) return name;
  const lower = spelling.toLowerCase();
  const isDropped = spelling.includes("_") || spelling.startsWith(":") || lower === "proxy";
  const made: HeaderName = { key: isDropped ? "" : keyOf(lower), joint: lower === "cookie" ? "; " : ", " };
  if (known.size < maxKnown && spelling.length <= maxKnownLength) known.set(spelling, made);
  return made;
}

function keyOf(lower: string): HeaderKey {
  const upper = lower.toUpperCase().replaceAll("-", "_");
  return upper === "CONTENT_TYPE" || upper === "CONTENT_LENGTH" ? upper : `HTTP_${upper}`;
}

// The way back, for handlers that are given headers.
const spellings = new Map<string, string>();

/** A request header as most clients spell it, by its key in environ: `HTTP_X_REAL_IP` is `X-Real-Ip`. `""` for a key that is no header. */
export function headerSpelling(key: string): string {
  const spelling = spellings.get(key);
  if (spelling !== undefined) return spelling;
  const made = spell(key);
  if (spellings.size < maxKnown && key.length <= maxKnownLength) spellings.set(key, made);
  return made;
}

function spell(key: string): string {
  const isType = key === "CONTENT_TYPE" || key === "CONTENT_LENGTH";
  if (!isType && (!key.startsWith("HTTP_") || key.includes("."))) return "";
  const words = (isType ? key : key.slice(5)).toLowerCase().split("_");
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("-");
}
