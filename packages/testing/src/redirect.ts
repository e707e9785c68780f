/** Where a redirect leads. */
export interface Redirect {
  /** The absolute URL, without the fragment. */
  readonly url: URL;
  readonly method: string;
  /** Whether the body goes along. */
  readonly keepsBody: boolean;
  /** Whether it leads to another scheme, host or port, which must not see the Authorization header. */
  readonly crossesOrigin: boolean;
}

/**
 * Where a response leads a client that follows redirects; `undefined` when it leads nowhere (RFC 9110, section 15.4, and what browsers
 * do). 303 becomes GET (HEAD stays HEAD), 301 and 302 make GET of a POST, 307 and 308 keep method and body.
 */
export function redirectOf(method: string, url: string, status: number, location: string | undefined): Redirect | undefined {
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  // URL.parse would do both, but not on every Node 20.
  const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol))
    throw new TypeError(`a redirect to nowhere: Location is ${JSON.stringify(location)}`);
  target.hash = "";
  const becomesGet =
    (status === 303 && method !== "GET" && method !== "HEAD") || ((status === 301 || status === 302) && method === "POST");
  return {
    url: target,
    method: becomesGet ? "GET" : method,
    keepsBody: !becomesGet && status !== 303,
    crossesOrigin: target.origin !== new URL(url).origin,
  };
}
