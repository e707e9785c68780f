import {
  checkOptionNames,
  encodePath,
  isToken,
  markLayer,
  toApplication,
  type Application,
  type ApplicationLike,
  type Environ,
  type StartResponse,
} from "@gateway/core";
import type { ParamData } from "path-to-regexp";
import { allowValue, answer, otherSlash, otherSlashLocation } from "./answers.ts";
import { matchedPath } from "./matched-path.ts";
import type { PathParams, RoutePattern, RoutingArgs, RoutingEnviron } from "./params.ts";
import { RouteTable } from "./route-table.ts";
import { urlBuilder, type UrlBuilder } from "./url-builder.ts";

/** Settings of one route. */
export interface RouteOptions {
  /** The methods that it takes, in upper case (default: any). With `GET` it takes `HEAD` too, see {@link RouterOptions.automaticHead}. */
  readonly methods?: readonly string[];
  /** What {@link Router.url} knows it by (default: nothing). Not for regular expressions, of which no path can be made. */
  readonly name?: string;
}

/**
 * One route: what it matches, the application, and its settings. `Entry` is the pattern and the options together, since a tuple has
 * only one type to be inferred from.
 */
export type Route<Entry = RoutePattern | RouteOptions, Needs = unknown> = readonly [
  pattern: Entry & RoutePattern,
  app: ApplicationLike<Environ & Needs & RoutingEnviron<Extract<Entry, RoutePattern>>>,
  options?: Entry & RouteOptions,
];

/** Settings of {@link router}. */
export interface RouterOptions<Needs = unknown> {
  /** Answers where no route has the path (default: 404). It does not see requests whose method is wrong: those get 405. */
  readonly fallback?: ApplicationLike<Environ & Needs>;
  /**
   * What becomes of a path that is right but for a slash at its end (default `"strict"`): it is another path; `"ignore"` serves it;
   * `"redirect"` sends 308 to the right one.
   */
  readonly trailingSlash?: "strict" | "ignore" | "redirect";
  /** Whether the texts of patterns are compared by case (default `true`). Regular expressions have their flag `i`. */
  readonly caseSensitive?: boolean;
  /** Routes that take `GET` take `HEAD` (default `true`). The application sees `HEAD`; the gateway sends no body. */
  readonly automaticHead?: boolean;
  /** `OPTIONS` is answered with `Allow` where no route takes it (default `true`). */
  readonly automaticOptions?: boolean;
}

/** Where {@link Router.url} begins, and what it ends with. */
export interface UrlOptions {
  /** The environ of the request, for the prefix that the router is mounted at (default: none). */
  readonly environ?: Pick<Environ, "SCRIPT_NAME">;
  /** The query, without its question mark (default: none). */
  readonly query?: URLSearchParams | Readonly<Record<string, string>>;
}

/** An application that hands requests to others, and knows the URLs of those that have a name. */
export interface Router<Names = Readonly<Record<string, ParamData>>, Needs = unknown> extends Application<Environ & Needs> {
  /**
   * The path of a route, percent-encoded. Takes the parameters of its pattern; those in braces may be left out.
   *
   * @throws {TypeError} for a name that no route has, for a parameter that is missing or empty, and for what no URL can say: a segment
   *   `.` or `..`, or a path that begins with `//`.
   */
  url<Name extends keyof Names & string>(name: Name, params: Names[Name], options?: UrlOptions): string;
}

/** The parameters of the routes that have a name, by that name. */
export type NamedParams<Entries> = Entries extends readonly [infer First, ...infer Rest]
  ? NameOf<First> & NamedParams<Rest>
  : unknown;

type NameOf<Entry> =
  Extract<Entry, { readonly name: string }> extends { readonly name: infer Name extends string }
    ? { readonly [K in Name]: PathParams<Extract<Entry, string>> }
    : unknown;

/**
 * Hands each request to the first route in the list that matches its path and takes its method. Says 404 where no route has the path,
 * 405 with `Allow` where none takes the method, and answers `OPTIONS`.
 *
 * ```ts
 * const app = router([
 *   ["/", home],
 *   ["/hello/:name", hello, { methods: ["GET"], name: "hello" }],
 *   [/^\/x(.*)$/, other],
 * ]);
 * app.url("hello", { name: "Ada Lovelace" }); // "/hello/Ada%20Lovelace"
 * ```
 *
 * What stood in the path is in `environ["wsgiorg.routing_args"]`, with the type that the pattern says. Paths are compared decoded, segment by
 * segment, and a `%2F` is no border of one. `SCRIPT_NAME` and `PATH_INFO` stay as they are: `mount` moves prefixes.
 * An application that needs what outer layers add can stand here where the whole is used as `Application<Environ & ThatEnviron>`.
 *
 * @throws {TypeError} while wrapping, for a pattern or a setting that is none, and for a route that no request could reach.
 */
export function router<const Entries extends readonly (RoutePattern | RouteOptions)[], Needs = unknown>(
  routes: { readonly [I in keyof Entries]: Route<Entries[I], NoInfer<Needs>> },
  options: RouterOptions<NoInfer<Needs>> = {},
): Router<NamedParams<Entries>, Needs> {
  checkOptionNames("router", options, {
    fallback: true,
    trailingSlash: true,
    caseSensitive: true,
    automaticHead: true,
    automaticOptions: true,
  });
  const { trailingSlash = "strict", caseSensitive = true, automaticHead = true, automaticOptions = true } = options;
  if (!["strict", "ignore", "redirect"].includes(trailingSlash)) {
    throw new TypeError(`router: trailingSlash is "strict", "ignore" or "redirect", not ${JSON.stringify(trailingSlash)}`);
  }
  for (const [key, value] of Object.entries({ caseSensitive, automaticHead, automaticOptions })) {
    if (typeof value !== "boolean") throw new TypeError(`router: ${key} is true or false, not ${String(value)}`);
  }
  const fallback = options.fallback === undefined ? undefined : toApplication<Environ & Needs>(options.fallback);
  if (!Array.isArray(routes)) throw new TypeError("router: routes is a list of [pattern, application, options]");
  const table = new RouteTable(caseSensitive);
  const urls = new Map<string, UrlBuilder>();
  const allMethods = new Set<string>();
  for (const [i, [pattern, app, settings = {}]] of (routes as readonly Route[]).entries()) {
    const label = labelOf(pattern, i);
    checkOptionNames<RouteOptions>(label, settings, { methods: true, name: true });
    const methods = methodsOf(settings.methods, label, automaticHead);
    for (const method of methods ?? []) allMethods.add(method);
    table.add(pattern, { app: toApplication(app) as Application<never>, label, methods });
    if (settings.name !== undefined) addName(urls, settings.name, pattern, label);
  }

  const serve = (environ: Environ & Needs, startResponse: StartResponse): ReturnType<Application> => {
    const path = matchedPath(environ) || "/";
    const method = environ.REQUEST_METHOD;
    const isPath = path.startsWith("/");
    const match =
      (isPath ? table.find(path, method, path !== environ.PATH_INFO) : undefined) ??
      (isPath && trailingSlash === "ignore" ? table.find(otherSlash(path), method) : undefined);
    if (match === undefined) return refuse(environ, startResponse, path);
    setRoutingArgs(environ, match.args);
    return match.route.app(environ as never, startResponse);
  };

  const refuse = (environ: Environ & Needs, startResponse: StartResponse, path: string): ReturnType<Application> => {
    const method = environ.REQUEST_METHOD;
    if (path === "*" && method === "OPTIONS" && automaticOptions) {
      return answer(startResponse, 204, [["Allow", allowValue(allMethods, true)]]);
    }
    if (path.startsWith("/")) {
      if (trailingSlash === "redirect" && table.find(otherSlash(path), method) !== undefined) {
        const location = otherSlashLocation(environ);
        if (location !== undefined) return answer(startResponse, 308, [["Location", location]]);
      }
      const methods = new Set<string>();
      table.gatherMethods(path, methods);
      if (trailingSlash === "ignore") table.gatherMethods(otherSlash(path), methods);
      if (methods.size > 0) {
        const allow = allowValue(methods, automaticOptions);
        return answer(startResponse, method === "OPTIONS" && automaticOptions ? 204 : 405, [["Allow", allow]]);
      }
    }
    return fallback === undefined ? answer(startResponse, 404) : fallback(environ, startResponse);
  };

  const url = (name: string, params: unknown, { environ, query }: UrlOptions = {}): string => {
    const build = urls.get(name);
    if (build === undefined)
      throw new TypeError(`no route is called ${JSON.stringify(name)}: the names are ${[...urls.keys()].join(", ") || "none"}`);
    const search = query === undefined ? "" : new URLSearchParams(query).toString();
    return `${encodePath(environ?.SCRIPT_NAME ?? "")}${build(params as ParamData)}${search === "" ? "" : `?${search}`}`;
  };

  const apps = [...routes.map(([, app]) => app), ...(options.fallback === undefined ? [] : [options.fallback])];
  return markLayer(Object.assign(serve, { url }), apps);
}

function labelOf(pattern: unknown, index: number): string {
  if (typeof pattern !== "string" && !(pattern instanceof RegExp)) {
    throw new TypeError(`router: a route begins with a pattern or a regular expression, which route ${index + 1} does not`);
  }
  return `route ${index + 1} (${typeof pattern === "string" ? JSON.stringify(pattern.slice(0, 100)) : String(pattern).slice(0, 100)})`;
}

function methodsOf(given: readonly string[] | undefined, label: string, automaticHead: boolean): ReadonlySet<string> | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given) || given.length === 0)
    throw new TypeError(`${label}: methods is a list of methods; leave it out for any`);
  for (const method of given as readonly unknown[]) {
    if (typeof method !== "string" || !isToken(method)) throw new TypeError(`${label}: ${JSON.stringify(method)} is no method`);
    if (method !== method.toUpperCase())
      throw new TypeError(`${label}: methods are case-sensitive: write ${method.toUpperCase()}, not ${method}`);
  }
  return new Set(automaticHead && given.includes("GET") ? [...given, "HEAD"] : given);
}

function addName(urls: Map<string, UrlBuilder>, name: string, pattern: RoutePattern, label: string): void {
  if (typeof name !== "string" || name === "") throw new TypeError(`${label}: a name is a text that is not empty`);
  if (typeof pattern !== "string") throw new TypeError(`${label} has a name, but no path can be made of a regular expression`);
  if (urls.has(name)) throw new TypeError(`${label}: another route is called ${JSON.stringify(name)} already`);
  urls.set(name, urlBuilder(pattern));
}

/** Adds to what a router outside has found, as the specification of the key has it. */
function setRoutingArgs(environ: Environ, args: RoutingArgs): void {
  const outer = environ["wsgiorg.routing_args"] as RoutingArgs | undefined;
  environ["wsgiorg.routing_args"] = outer === undefined ? args : [[...outer[0], ...args[0]], { ...outer[1], ...args[1] }];
}
