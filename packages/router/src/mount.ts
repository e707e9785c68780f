import { markLayer, toApplication, type Application, type ApplicationLike, type Environ } from "@gateway/core";
import { answer } from "./answers.ts";
import { matchedPath } from "./matched-path.ts";
import { parseMountPoint, type MountPoint } from "./mount-point.ts";
import { MountTable } from "./mount-table.ts";

/** Applications and where they are mounted: a record by prefix, or pairs. */
export type Mounts<Needs = unknown> =
  | Readonly<Record<string, ApplicationLike<Environ & Needs>>>
  | readonly (readonly [point: string | MountPoint, app: ApplicationLike<Environ & Needs>])[];

/**
 * Hands each request to the application mounted at the longest prefix of its path, on whole segments: `/shop` takes `/shop` and
 * `/shop/cart`, never `/shopping` nor `/shop%2Fcart`. With hosts (`"//a.example/shop"`, `{ host, path }`) the most particular host
 * counts first: with its port, without, `*.example`, any.
 *
 * The application gets the prefix in `SCRIPT_NAME` instead of `PATH_INFO`; `REQUEST_URI` still decodes to both together. It gets them
 * in an environ of its own, a copy: layers outside see theirs unchanged at any time, and a body that is made late sees its own. So what
 * an application below adds to environ stays below.
 *
 * @param fallback answers where nothing is mounted (default: 404). Its environ is unchanged.
 * @throws {TypeError} while wrapping, for a mount point that is none, or is there twice.
 */
export function mount<Needs = unknown>(
  mounts: Mounts<NoInfer<Needs>>,
  fallback?: ApplicationLike<Environ & NoInfer<Needs>>,
): Application<Environ & Needs> {
  const table = new MountTable<Application<Environ & Needs>>();
  const entries = isPairs(mounts) ? mounts : Object.entries(mounts);
  for (const [point, app] of entries) {
    if (!table.add(parseMountPoint(point), toApplication(app))) {
      throw new TypeError(`mount: two applications are mounted at ${JSON.stringify(point)}`);
    }
  }
  const otherwise = fallback === undefined ? undefined : toApplication<Environ & Needs>(fallback);

  const serve: Application<Environ & Needs> = (environ, startResponse) => {
    const mounted = table.find(matchedPath(environ), environ.HTTP_HOST || environ.SERVER_NAME, environ["wsgi.url_scheme"]);
    if (mounted === undefined) return otherwise === undefined ? answer(startResponse, 404) : otherwise(environ, startResponse);
    const { app, prefix } = mounted;
    if (prefix === "") return app(environ, startResponse);
    const { SCRIPT_NAME, PATH_INFO } = environ;
    // Only keys that are there already: a copy that gets a new one costs twenty times as much on Node 20.
    return app({ ...environ, SCRIPT_NAME: SCRIPT_NAME + prefix, PATH_INFO: PATH_INFO.slice(prefix.length) }, startResponse);
  };
  return markLayer(serve, [...entries.map(([, app]) => app), otherwise]);
}

function isPairs<Needs>(mounts: Mounts<Needs>): mounts is Extract<Mounts<Needs>, readonly unknown[]> {
  return Array.isArray(mounts);
}
