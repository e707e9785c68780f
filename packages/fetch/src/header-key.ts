export type HeaderKey = `HTTP_${string}` | "CONTENT_TYPE" | "CONTENT_LENGTH";

// Bounded: clients choose what goes in.
const known = new Map<string, HeaderKey | "">();
const maxKnown = 1024;
const maxKnownLength = 64;

/**
 * The key in environ of a request header, by its name in lower case. `""` for those that the application does not get: a name with an
 * underscore would be taken for another's, and `Proxy` for a setting of this machine (httpoxy).
 */
export function headerKey(name: string): HeaderKey | "" {
  const key = known.get(name);
  if (key !== undefined) return key;
  const made = make(name);
  if (known.size < maxKnown && name.length <= maxKnownLength) known.set(name, made);
  return made;
}

function make(name: string): HeaderKey | "" {
  if (name.includes("_") || name === "proxy") return "";
  const upper = name.toUpperCase().replaceAll("-", "_");
  return upper === "CONTENT_TYPE" || upper === "CONTENT_LENGTH" ? upper : `HTTP_${upper}`;
}

// The way back, for handlers that are given headers.
const names = new Map<string, string>();

/** The name of a request header, in lower case, by its key in environ; `""` for a key that is no header. */
export function headerName(key: string): string {
  const name = names.get(key);
  if (name !== undefined) return name;
  const made = nameOf(key);
  if (names.size < maxKnown && key.length <= maxKnownLength) names.set(key, made);
  return made;
}

function nameOf(key: string): string {
  if (key === "CONTENT_TYPE" || key === "CONTENT_LENGTH") return key.toLowerCase().replace("_", "-");
  return key.startsWith("HTTP_") && !key.includes(".") ? key.slice(5).toLowerCase().replaceAll("_", "-") : "";
}
