import { encodePath } from "@gateway/core";
import { compile, type ParamData } from "path-to-regexp";

/** Builds the path of a pattern; a parameter in braces may be left out. */
export type UrlBuilder = (params: ParamData) => string;

/**
 * Makes what builds the path of a pattern, percent-encoded: a slash in a parameter becomes `%2F`.
 *
 * It throws a `TypeError` for a parameter that is missing or empty, for a path with a segment `.` or `..`, which clients resolve
 * however it is encoded, and for one that begins with `//`, which they take for a host.
 */
export function urlBuilder(pattern: string): UrlBuilder {
  const build = compile(pattern, { encode: encodeSegment, encodePath });
  return (params) => {
    const path = build(params) || "/";
    if (path.startsWith("//"))
      throw new TypeError(`the path of ${pattern} would begin with //, and clients would take what follows for a host`);
    if (path.split("/").some((segment) => segment === "." || segment === "..")) {
      throw new TypeError(`the path of ${pattern} would have a segment . or .., which clients resolve: no URL can say it`);
    }
    return path;
  };
}

function encodeSegment(value: string): string {
  return encodePath(value).replaceAll("/", "%2F");
}
