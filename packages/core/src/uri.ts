import type { Environ } from "./contract.ts";
import { encodePath } from "./path.ts";

/** What {@link applicationUri} reads. */
export interface ApplicationUriEnviron extends Pick<Environ, "wsgi.url_scheme" | "SERVER_NAME" | "SERVER_PORT" | "SCRIPT_NAME"> {
  HTTP_HOST?: string | undefined;
}

/** What {@link requestUri} reads. */
export interface RequestUriEnviron extends ApplicationUriEnviron, Pick<Environ, "PATH_INFO" | "QUERY_STRING"> {}

/**
 * A guess at `wsgi.url_scheme`, for gateways whose server tells no more than `HTTPS`: `"https"` where that is `yes`, `on` or `1` in
 * any case, else `"http"` (PEP 3333, "environ Variables"). Looks at no `X-Forwarded-Proto`: no proxy is trusted here.
 */
export function guessScheme(environ: Pick<Environ, "HTTPS">): "http" | "https" {
  return /^(?:yes|on|1)$/i.test(environ.HTTPS ?? "") ? "https" : "http";
}

/**
 * The URI of the application itself: scheme, authority and `SCRIPT_NAME` (`/` at the root), percent-encoded (PEP 3333, "URL
 * Reconstruction"). The authority is `HTTP_HOST`, as the client sent it; without one `SERVER_NAME`, an IPv6 address in brackets,
 * and `SERVER_PORT` unless it is the scheme's own (443 for https, else 80).
 *
 * Does not check `HTTP_HOST`: what a stranger wrote there must not end up in a mail or a cache before something has compared it
 * with the names this server answers to.
 */
export function applicationUri(environ: ApplicationUriEnviron): string {
  const scheme = environ["wsgi.url_scheme"];
  return `${scheme}://${environ.HTTP_HOST || serverAuthority(scheme, environ)}${encodePath(environ.SCRIPT_NAME || "/")}`;
}

function serverAuthority(scheme: string, { SERVER_NAME, SERVER_PORT }: Pick<Environ, "SERVER_NAME" | "SERVER_PORT">): string {
  // RFC 3986, section 3.2.2: only brackets keep the colons of an address apart from that of the port.
  const host = SERVER_NAME.includes(":") && !SERVER_NAME.startsWith("[") ? `[${SERVER_NAME}]` : SERVER_NAME;
  const defaultPort = scheme === "https" ? "443" : "80";
  return SERVER_PORT === "" || SERVER_PORT === defaultPort ? host : `${host}:${SERVER_PORT}`;
}

/**
 * The URI of the request, put together again from environ: {@link applicationUri}, `PATH_INFO` percent-encoded, and `QUERY_STRING` as
 * it is (PEP 3333, "URL Reconstruction"). Equivalent to what the client asked for, not always the same text: a `%2F` has become a
 * slash, and what needed no encoding has lost it. `rawPath` has the path as it was sent. For `OPTIONS *` it is the root.
 *
 * @param includeQuery whether the query is added (default true); an empty one never is.
 */
export function requestUri(environ: RequestUriEnviron, includeQuery = true): string {
  const path = encodePath(environ.PATH_INFO);
  const uri = applicationUri(environ) + (environ.SCRIPT_NAME === "" ? path.slice(1) : path);
  return includeQuery && environ.QUERY_STRING !== "" ? `${uri}?${environ.QUERY_STRING}` : uri;
}

/**
 * Moves the first segment of `PATH_INFO` to the end of `SCRIPT_NAME`, changing environ, and returns it: one step down a tree of
 * applications (PEP 3333, "environ Variables"). Copy environ first if the old values are still needed.
 *
 * As in wsgiref: empty and `.` segments vanish on the way, but a last one does not: for `/` it returns `""` and `SCRIPT_NAME` ends
 * with a slash, so that `/x/` can be told from `/x`. A `..` takes a segment off `SCRIPT_NAME` and is returned: treat it as not found,
 * and never hand it to a file system. A final `/.` is moved and returns `undefined`.
 *
 * @returns the segment, decoded (it may hold any character but `/`); `undefined` when nothing is left, environ then unchanged, also
 *   by the `*` of `OPTIONS *`.
 */
export function shiftPathInfo(environ: Pick<Environ, "SCRIPT_NAME" | "PATH_INFO">): string | undefined {
  const [lead, ...segments] = environ.PATH_INFO.split("/");
  const last = segments.pop();
  if (lead === undefined || last === undefined) return undefined;
  const kept = [...segments.filter((segment) => segment !== "" && segment !== "."), last];
  const name = kept[0] ?? "";
  kept[0] = lead; // what stands before the first slash (nothing, in a well-formed environ) stays there
  const script = normalize(`${environ.SCRIPT_NAME}/${name}`);
  const trimmed = script.endsWith("/") ? script.slice(0, -1) : script;
  environ.SCRIPT_NAME = name === "" && !trimmed.endsWith("/") ? `${trimmed}/` : trimmed;
  environ.PATH_INFO = kept.join("/");
  return name === "." ? undefined : name;
}

/** Resolves `//`, `.` and `..` in a path; exactly two slashes in front stay two, as POSIX has it (wsgiref uses posixpath.normpath). */
function normalize(path: string): string {
  const slashes = /^\/{0,3}/.exec(path)?.[0].length ?? 0;
  const root = slashes === 0 ? "" : slashes === 2 ? "//" : "/";
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    // Above the root there is nothing; above a relative path there is.
    if (segment !== ".." || kept.at(-1) === ".." || (root === "" && kept.length === 0)) kept.push(segment);
    else kept.pop();
  }
  return root + kept.join("/") || ".";
}
