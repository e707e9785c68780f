/** Why a request was let through, or not. See the README for each. */
export type CsrfReason =
  | "exempt"
  | "same-origin"
  | "user"
  | "listed-origin"
  | "token"
  | "no-headers"
  | "cross-site"
  | "same-site"
  | "cross-origin"
  | "opaque-origin"
  | "no-token"
  | "wrong-token";

/** What was decided about a request, and why. */
export interface CsrfDecision {
  readonly outcome: "allowed" | "refused";
  readonly reason: CsrfReason;
}

/** Methods that change nothing (RFC 9110, section 9.2.1). In this case only: methods are case-sensitive. */
export function isSafeMethod(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS" || method === "TRACE";
}

export function allowed(reason: CsrfReason): CsrfDecision {
  return { outcome: "allowed", reason };
}

export function refused(reason: CsrfReason): CsrfDecision {
  return { outcome: "refused", reason };
}

/**
 * Decides by `Sec-Fetch-Site`, which no script can set, and where there is none by `Origin`. A value that is not known, or came twice, is that of a
 * stranger.
 *
 * @param own the origin of the request itself; only asked for when it counts.
 * @param listed further origins that may send requests.
 * @returns `undefined` where there is neither header.
 */
export function decideByHeaders(
  site: string | undefined,
  origin: string | undefined,
  own: () => string,
  listed: ReadonlySet<string>,
): CsrfDecision | undefined {
  if (site === "same-origin") return allowed("same-origin");
  // Typed, bookmarked or opened from another program: no page has made it.
  if (site === "none") return allowed("user");
  if (site === undefined && origin === undefined) return undefined;
  if (origin !== undefined && listed.has(origin)) return allowed("listed-origin");
  if (site !== undefined) return refused(site === "same-site" ? "same-site" : "cross-site");
  if (origin === "null") return refused("opaque-origin");
  return origin === own() ? allowed("same-origin") : refused("cross-origin");
}
