/** Where an application is mounted: a path prefix, on one host or on any. */
export interface MountPoint {
  /** `"a.example"`, with a port if only that shall do, or `"*.example"` for every name below (default: any host). */
  readonly host?: string;
  /** Whole segments, decoded, without a slash at the end: `"/shop"` (default `""`: every path). */
  readonly path?: string;
}

/** A mount point, checked. */
export interface ParsedMountPoint {
  /** In lower case; `undefined` for any host. */
  readonly host: string | undefined;
  readonly path: string;
}

/**
 * Reads a mount point: `"/shop"`, `"//a.example/shop"`, or an object.
 *
 * @throws {TypeError} that says what is wrong with it.
 */
export function parseMountPoint(given: string | MountPoint): ParsedMountPoint {
  const { host, path } = typeof given === "string" ? split(given) : { host: given.host, path: given.path ?? "" };
  const shown = JSON.stringify(given).slice(0, 200);
  if (host !== undefined && !/^(?:\*\.)?(?:\[[\da-f:.]+\]|[\w.~-]+)(?::\d{1,5})?$/i.test(host)) {
    throw new TypeError(`mount: ${shown} has no host in it: write //a.example/path, //a.example:8080/path or //*.example/path`);
  }
  if (host?.startsWith("*.") === true && host.includes(":"))
    throw new TypeError(`mount: ${shown} has a port, which *.example does not take`);
  // The root itself, written as people do.
  const prefix = path === "/" ? "" : path;
  if (prefix !== "" && !prefix.startsWith("/")) throw new TypeError(`mount: ${shown} does not begin with a slash`);
  if (/%[\dA-Fa-f]{2}/.test(prefix)) throw new TypeError(`mount: ${shown} is percent-encoded: write it decoded`);
  const segments = prefix.split("/").slice(1);
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..") || prefix.includes("\0")) {
    throw new TypeError(
      `mount: ${shown} is not made of whole segments: leave out the slash at the end, and empty, . and .. segments`,
    );
  }
  return { host: host?.toLowerCase().replace(/\.(?=:|$)/, ""), path: prefix };
}

function split(text: string): { host: string | undefined; path: string } {
  if (!text.startsWith("//")) return { host: undefined, path: text };
  const slash = text.indexOf("/", 2);
  return slash === -1 ? { host: text.slice(2), path: "" } : { host: text.slice(2, slash), path: text.slice(slash) };
}

/** The host of a request, for comparing: in lower case, the dot of a rooted name left off. The port is apart. */
export function hostOf(authority: string): { readonly name: string; readonly port: string | undefined } {
  const lower = authority.toLowerCase();
  const colon = lower.indexOf(":", lower.lastIndexOf("]") + 1);
  const name = colon === -1 ? lower : lower.slice(0, colon);
  return { name: name.endsWith(".") ? name.slice(0, -1) : name, port: colon === -1 ? undefined : lower.slice(colon + 1) };
}
