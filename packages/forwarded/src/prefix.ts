import { decodePath } from "@gateway/core";

/** A path prefix that a proxy took off. */
export interface Prefix {
  /** For `SCRIPT_NAME`. */
  readonly decoded: string;
  /** For `REQUEST_URI`. */
  readonly raw: string;
}

/**
 * Reads `X-Forwarded-Prefix`: a path, percent-encoded as in a URL, a slash at its end left off. Empty segments are refused (a path
 * that begins with `//` is a host to browsers), and so are `.` and `..`, encoded slashes, and whatever does not belong in a path.
 *
 * @returns an empty prefix for `/`.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const raw = text.endsWith("/") ? text.slice(0, -1) : text;
  if (raw === "") return text === "/" ? { decoded: "", raw } : undefined;
  if (text.length > 1024 || !/^(?:\/[\w.~!$&'()*+;=:@%-]+)+$/.test(raw)) return undefined;
  const segments = raw.split("/").slice(1).map(decodePath);
  if (segments.some((segment) => segment === undefined || segment === "." || segment === ".." || /[/\\]/.test(segment)))
    return undefined;
  return { decoded: `/${segments.join("/")}`, raw };
}
