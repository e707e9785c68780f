import { decodePath, encodePath, rawPath, type Environ } from "@gateway/core";

/** Whether the back end is told of the part of the path that led to this application. */
export type ScriptNameRule = "keep" | "strip";

/**
 * The target of the request to the back end: the path byte for byte as the client sent it, or encoded again where a layer has changed it, and
 * the query.
 *
 * @param prefix of the origin, before each path.
 */
export function requestTarget(environ: Environ, scriptName: ScriptNameRule, prefix: string): string {
  const { PATH_INFO, SCRIPT_NAME, QUERY_STRING } = environ;
  if (PATH_INFO === "*" && SCRIPT_NAME === "") return prefix === "" ? "*" : prefix;
  const raw = rawPath(environ);
  const path = scriptName === "keep" ? (raw ?? encodePath(SCRIPT_NAME + PATH_INFO)) : withoutScript(raw, SCRIPT_NAME, PATH_INFO);
  const whole = prefix + path;
  // A target in origin form begins with a slash (RFC 9112, section 3.2.1).
  const target = whole.startsWith("/") ? whole : `/${whole}`;
  return QUERY_STRING === "" ? target : `${target}?${QUERY_STRING}`;
}

/** What is left of the raw path behind SCRIPT_NAME, which ends before one of its slashes. */
function withoutScript(raw: string | undefined, script: string, path: string): string {
  if (raw === undefined) return encodePath(path);
  if (script === "") return raw;
  for (let at = raw.indexOf("/", 1); at !== -1; at = raw.indexOf("/", at + 1))
    if (at >= script.length - 1 && decodePath(raw.slice(0, at)) === script && decodePath(raw.slice(at)) === path)
      return raw.slice(at);
  return encodePath(path);
}
