import { layer, type Environ, type Middleware, type ResponseBody, type StartResponse } from "@gateway/core";
import { answer } from "./answer.ts";
import { FileStore } from "./file-store.ts";
import { answerListing, listFolder, type Listing } from "./folder-listing.ts";
import { redirectToFolder } from "./folder-redirect.ts";
import { manifestPath } from "./manifest.ts";
import {
  checkFileOptions,
  checkNames,
  checkStaticOptions,
  type FileSettings,
  type StaticFilesOptions,
  type StaticSettings,
} from "./options.ts";
import { RecentAnswers } from "./recent-answers.ts";
import { hasEncodedSlash, isServable } from "./request-path.ts";
import { believedMilliseconds } from "./root-folder.ts";

/**
 * Serves the files below a folder to GET and HEAD. Whatever is no such file goes to the application inside, other methods too. What
 * is in memory is answered synchronously and without a system call; a change to a file is seen within a second.
 *
 * Never serves what lies outside the root, by whatever path or link, nor anything that is not a regular file.
 *
 * @param root the absolute path of the folder, or its URL: `new URL("public/", import.meta.url)`.
 * @throws {TypeError | RangeError} while wrapping, for a root that is no folder and for options that make no sense.
 */
export function staticFiles(root: string | URL, options: StaticFilesOptions = {}): Middleware {
  checkNames("staticFiles", options, "static");
  const settings = checkFileOptions("staticFiles", options);
  const site = new Site(root, settings, checkStaticOptions("staticFiles", options, settings.dotfiles));
  return layer((app) => (environ, startResponse) => site.answer(environ, startResponse) ?? app(environ, startResponse));
}

/** What a path leads to: a file, a folder that lacks its slash, a folder to be listed, or nothing. */
type Route =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "redirect" }
  | { readonly kind: "listing" }
  | { readonly kind: "nothing" };

/** How many paths are remembered that are not those of files, so that an application behind asks the file system once a second. */
const maxRoutes = 2048;
const maxRememberedPath = 256;
/** How many listings are: to make one means to look at everything in the folder, and everybody may ask for it. */
const maxListings = 64;

const nothing: Route = { kind: "nothing" };

class Site {
  readonly #settings: FileSettings;
  readonly #site: StaticSettings;
  readonly #store: FileStore;
  readonly #routes: RecentAnswers<Route> = new RecentAnswers(maxRoutes, believedMilliseconds);
  readonly #listings: RecentAnswers<Listing> = new RecentAnswers(maxListings, believedMilliseconds);
  readonly #onWindows = process.platform === "win32";

  constructor(root: string | URL, settings: FileSettings, site: StaticSettings) {
    this.#settings = settings;
    this.#site = site;
    this.#store = new FileStore(root, settings, () => {
      this.#routes.clear();
      this.#listings.clear();
    });
  }

  /** @returns `undefined` where the application inside is to answer. */
  answer(environ: Environ, startResponse: StartResponse): ResponseBody | undefined {
    const { REQUEST_METHOD: method } = environ;
    if (method !== "GET" && method !== "HEAD") return undefined;
    const path = this.#below(environ.PATH_INFO);
    if (path === undefined || hasEncodedSlash(environ)) return undefined;
    const now = this.#settings.now();
    const fresh = this.#store.fresh(path, now);
    if (fresh !== undefined) {
      const body = answer(this.#store, fresh, environ, startResponse, now);
      if (body !== undefined) return body;
    }
    return this.#answerRoute(path, environ, startResponse, now);
  }

  /** The path below the root; `undefined` for a path that is not below the prefix. */
  #below(path: string): string | undefined {
    const { prefix } = this.#site;
    if (prefix === "") return path;
    if (!path.startsWith(prefix)) return undefined;
    return path.length === prefix.length ? "" : path.charCodeAt(prefix.length) === 0x2f ? path.slice(prefix.length) : undefined;
  }

  #answerRoute(path: string, environ: Environ, startResponse: StartResponse, now: number): ResponseBody | undefined {
    const known = this.#routes.get(path, now);
    const route = known ?? this.#find(path, now);
    if (known === undefined && path.length <= maxRememberedPath) this.#routes.set(path, route, now);
    if (route.kind === "redirect") return redirectToFolder(environ, startResponse);
    if (route.kind === "listing") {
      const listing = this.#listing(path, now);
      return listing === undefined ? undefined : answerListing(environ, startResponse, listing);
    }
    if (route.kind === "nothing") return undefined;
    const resource = this.#store.get(route.path, now);
    const body = resource && answer(this.#store, resource, environ, startResponse, now);
    if (body !== undefined || known === undefined) return body;
    // It has gone since it was found; there may be something else.
    this.#routes.delete(path);
    return this.#answerRoute(path, environ, startResponse, now);
  }

  #listing(path: string, now: number): Listing | undefined {
    const known = this.#listings.get(path, now);
    if (known !== undefined) return known;
    const listing = listFolder(this.#store.root, path, (entry) => this.#isServable(entry), now);
    if (listing !== undefined) this.#listings.set(path, listing, now);
    return listing;
  }

  #isServable(path: string): boolean {
    return isServable(path, this.#settings.dotfiles, this.#onWindows) && path !== manifestPath;
  }

  #find(path: string, now: number): Route {
    // The root itself, asked for without a slash: `""` below a prefix or a mount.
    if (path !== "" && !this.#isServable(path)) return nothing;
    const { index, extensions, redirect, fallback, listing } = this.#site;
    if (path.endsWith("/")) {
      const file = this.#first(
        index.map((name) => path + name),
        now,
      );
      if (file !== undefined) return { kind: "file", path: file };
      if (listing && this.#isFolder(path, now)) return { kind: "listing" };
    } else {
      const file = path === "" ? undefined : this.#first([path, ...extensions.map((ending) => path + ending)], now);
      if (file !== undefined) return { kind: "file", path: file };
      const folder = `${path}/`;
      // A folder that would not answer is not given away.
      const answers = (): boolean =>
        listing ||
        this.#first(
          index.map((name) => folder + name),
          now,
        ) !== undefined;
      if (redirect && this.#isFolder(folder, now) && answers()) return { kind: "redirect" };
    }
    return fallback?.covers(path) === true ? { kind: "file", path: fallback.file } : nothing;
  }

  #isFolder(path: string, now: number): boolean {
    return this.#store.root.look(path, now)?.isDirectory() === true && this.#store.root.isInside(path, now);
  }

  /** The first of these that is a file inside the root. */
  #first(paths: readonly string[], now: number): string | undefined {
    return paths.find((path) => this.#store.isFile(path, now));
  }
}
