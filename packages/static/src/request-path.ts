import { rawPath, type Environ } from "@gateway/core";

/** What of environ tells the path. */
export type PathEnviron = Pick<Environ, "REQUEST_URI" | "SCRIPT_NAME" | "PATH_INFO">;

/**
 * Did the client write a slash as `%2F`? It is decoded in `PATH_INFO`, where it would look like a slash that separates folders, while
 * a guard in front of the application may have seen one segment. Known only while the raw path is.
 */
export function hasEncodedSlash(environ: PathEnviron): boolean {
  const target = environ.REQUEST_URI;
  if (target === undefined || !target.includes("%")) return false;
  const raw = rawPath(environ);
  return raw !== undefined && /%2f/i.test(raw);
}

/** Which names that begin with a dot are served. */
export type Dotfiles = "refuse" | "serve" | readonly string[];

const nul = String.fromCharCode(0);
const lastControl = String.fromCharCode(0x1f);

// NUL ends names in C, a backslash separates folders on Windows, and U+FFFD stands for octets that were no UTF-8.
const neverInName = new RegExp(`[${nul}\\\\\uFFFD]`);

/**
 * May a file of this path be looked for? Not with an empty, `.` or `..` segment, a NUL, a backslash, octets that are not UTF-8, a name
 * that begins with a dot (unless allowed), or what Windows takes for something else.
 *
 * @param path decoded, below the root: `"/docs/a.html"`, `"/docs/"`.
 */
export function isServable(path: string, dotfiles: Dotfiles, onWindows: boolean): boolean {
  if (!path.startsWith("/") || neverInName.test(path)) return false;
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] ?? "";
    // The last one is empty where the path ends with a slash.
    if (segment === "" && i === segments.length - 1) return true;
    if (segment === "" || segment === "." || segment === "..") return false;
    if (segment.startsWith(".") && dotfiles !== "serve" && (dotfiles === "refuse" || !dotfiles.includes(segment))) return false;
    if (onWindows && isSpecialOnWindows(segment)) return false;
  }
  return true;
}

const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:$|[. ])/i;

const special = new RegExp(`[:*?"<>|${nul}-${lastControl}]|[. ]$|~\\d`);

/** Drives and streams (`:`), names of devices, short names (`~1`), endings that Windows drops, and control characters. */
function isSpecialOnWindows(segment: string): boolean {
  return special.test(segment) || device.test(segment);
}
