import { decodePath, rawPath, type Environ } from "@gateway/core";

/**
 * Stands for a slash that was sent as `%2F` and so belongs to its segment. No path can hold a NUL: gateways answer 400 to one.
 */
export const encodedSlash = "\0";

/**
 * `PATH_INFO` as routes see it: decoded, but with each `%2F` of the request target kept apart from the slashes between segments. That
 * counts only while the target still is the path of this environ (see `rawPath` of core): after a rewrite `PATH_INFO` itself does.
 */
export function matchedPath(environ: Pick<Environ, "REQUEST_URI" | "SCRIPT_NAME" | "PATH_INFO">): string {
  const { REQUEST_URI: target, PATH_INFO: path } = environ;
  // Most targets have no percent sign, and one character is soon looked for.
  if (target === undefined || !target.includes("%") || !/%2f/i.test(target)) return path;
  const raw = rawPath(environ);
  if (raw === undefined) return path;
  // Characters and their places stay the same, so the prefix that is in SCRIPT_NAME is as long as that.
  const pieces = raw.split(/%2f/i).map((piece) => decodePath(piece) ?? "");
  return pieces.join(encodedSlash).slice(environ.SCRIPT_NAME.length);
}

/** What stood in the path, with its slashes. */
export function restoreSlashes(text: string): string {
  return text.replaceAll(encodedSlash, "/");
}
