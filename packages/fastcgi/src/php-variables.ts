import { HTTPError, type Environ } from "@gateway/core";

/** A site of PHP, as the machine that runs PHP sees it. */
export interface PhpSite {
  /** The folder of the scripts: an absolute path. */
  readonly root: string;
  /** The script for every path that names none (default `"/index.php"`), below the root. */
  readonly frontController?: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The script of a path, and what follows it. */
export interface PhpScript {
  readonly script: string;
  readonly pathInfo: string;
}

/**
 * The script that a path means: the first segment that ends with `.php` ends it, and what follows is its PATH_INFO. A path without one means
 * the front controller, and is not its PATH_INFO: frameworks read it from REQUEST_URI.
 *
 * @param path decoded, from the root of the site.
 * @returns `undefined` for a path that could leave the root, or that another program may read in another way.
 */
export function phpScript(path: string, frontController: string): PhpScript | undefined {
  const segments = path.split("/");
  const end = segments.findIndex((segment) => segment.toLowerCase().endsWith(".php"));
  if (end === -1) return { script: frontController, pathInfo: "" };
  const script = segments.slice(0, end + 1);
  if (script.some((segment) => segment === ".." || segment === "." || /[\\\0]/.test(segment))) return undefined;
  const rest = segments.slice(end + 1);
  return { script: script.join("/"), pathInfo: rest.length === 0 ? "" : `/${rest.join("/")}` };
}

/**
 * The variables that PHP-FPM wants.
 *
 * @throws {TypeError} for a root that is no absolute path, or a front controller that is none below it.
 */
export function phpVariables(
  site: PhpSite,
  more: Readonly<Record<string, string>> | ((environ: Environ) => Variables) = {},
): (environ: Environ) => Variables {
  const { root, frontController = "/index.php" } = site;
  if (typeof root !== "string" || !root.startsWith("/")) throw new TypeError("php.root is an absolute path");
  if (typeof frontController !== "string" || !frontController.startsWith("/") || frontController.split("/").includes(".."))
    throw new TypeError('php.frontController is a path below the root, such as "/index.php"');
  const folder = root.endsWith("/") ? root.slice(0, -1) : root;
  return (environ) => {
    const found = phpScript(environ.PATH_INFO, frontController);
    if (found === undefined) throw new HTTPError(404);
    return {
      SCRIPT_FILENAME: folder + found.script,
      DOCUMENT_ROOT: folder,
      SCRIPT_NAME: environ.SCRIPT_NAME + found.script,
      PATH_INFO: found.pathInfo,
      ...(typeof more === "function" ? more(environ) : more),
    };
  };
}
