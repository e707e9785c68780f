/** Where a host has mounted a handler, and what of the path is its own; both raw. */
export interface MountedPath {
  readonly prefix: string;
  readonly rest: string;
}

/**
 * Splits the path of a request between the prefix that a host has removed and the rest. Express, Connect and the middleware engine of Fastify keep the
 * whole target as `originalUrl`, and cut the prefix off `url`; Express keeps it as `baseUrl`. At the mount point itself they make a slash of
 * what is left, which is nothing: so `/x` can be told from `/x/`.
 *
 * @param path of `url`.
 * @param original path of `originalUrl`; the same where nothing was cut off.
 * @param base `baseUrl`, where there is one.
 */
export function mountedPath(path: string, original: string, base: string | undefined): MountedPath {
  if (base === undefined && original.endsWith(path)) {
    const prefix = original.slice(0, original.length - path.length);
    return prefix.endsWith("/") ? { prefix: "", rest: path } : { prefix, rest: path };
  }
  // Connect and Express both make "/" of nothing.
  if (path === "/" && (base === undefined ? !original.endsWith("/") : base === original)) return { prefix: original, rest: "" };
  // Where something has rewritten the path, what it made of it counts.
  return { prefix: base ?? "", rest: path };
}
