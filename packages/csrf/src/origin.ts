import type { Environ } from "@gateway/core";

/** What {@link ownOrigin} reads. */
export type OriginEnviron = Pick<Environ, "wsgi.url_scheme" | "SERVER_NAME" | "SERVER_PORT"> & { HTTP_HOST?: string | undefined };

/** The origin that a request was sent to, as a browser writes it in `Origin`: in lower case, without the scheme's own port (RFC 6454, section 6.1). */
export function ownOrigin(environ: OriginEnviron): string {
  const scheme = environ["wsgi.url_scheme"];
  const host = (environ.HTTP_HOST || `${environ.SERVER_NAME}:${environ.SERVER_PORT}`).toLowerCase();
  const port = scheme === "https" ? ":443" : ":80";
  return `${scheme}://${host.endsWith(port) ? host.slice(0, -port.length) : host}`;
}

/**
 * Checks an origin of a list: written as browsers write it, or it would never match.
 *
 * @throws {TypeError} that says how it is written.
 */
export function checkOrigin(origin: unknown): string {
  if (origin === "null") {
    throw new TypeError('csrf: origins cannot hold "null": that is what every sandboxed frame and every file sends');
  }
  const url = typeof origin === "string" && URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new TypeError(`csrf: an origin is a scheme and a host, like "https://app.example", not ${JSON.stringify(origin)}`);
  }
  if (url.origin !== origin)
    throw new TypeError(`csrf: write the origin ${JSON.stringify(origin)} as browsers do: "${url.origin}"`);
  return url.origin;
}
