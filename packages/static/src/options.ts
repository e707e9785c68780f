import { isToken, type Header } from "@gateway/core";
import type { Coding } from "./accept-encoding.ts";
import { contentTypes } from "./content-type.ts";
import { isServable, type Dotfiles } from "./request-path.ts";
import type { Rules, ServedFile } from "./variant.ts";

/** One rule of `cacheControl`: the first whose pattern fits the path of a file tells its `Cache-Control`. */
export interface CacheRule {
  /** Tried on the path below the root: `/^\/assets\//`. */
  readonly files: RegExp;
  /** `"public, max-age=3600"`. */
  readonly value: string;
}

/** Where the single page of an application stands in for what is no file. */
export interface Fallback {
  /** The file, below the root: `"/index.html"`. */
  readonly file: string;
  /** May it stand in for this path (as in `PATH_INFO`, the prefix taken off)? (default: where the last segment has no dot). */
  readonly covers?: (path: string) => boolean;
}

/** Settings that {@link staticFiles} and {@link fileSender} share. */
export interface FileOptions {
  /**
   * Names that begin with a dot: `"refuse"`, `"serve"`, or a list of those to serve, `[".well-known"]` (default `"refuse"`). Holds for
   * folders too.
   */
  dotfiles?: Dotfiles;
  /**
   * `Cache-Control`: one value for all, rules of which the first that fits counts, or a function, whose `undefined` sends none (default,
   * also where no rule fits: `"no-cache"`: kept, and asked for again by its ETag each time). What `immutable` knows comes first.
   */
  cacheControl?: string | readonly CacheRule[] | ((file: ServedFile) => string | undefined);
  /**
   * Which names hold a hash of their content, so that the file can be kept for a year without asking: a pattern tried on the path, or
   * `"none"` (default: a dot or hyphen, then 12 to 64 lower-case hexadecimal digits with a letter and a digit among them, then the ending).
   */
  immutable?: RegExp | "none";
  /** Codings of compressed siblings (`app.js.br`) to look for, the best first; `[]` for none (default `["br", "zstd", "gzip"]`). */
  precompressed?: readonly Coding[];
  /**
   * How many bytes the memory cache may hold (default 134217728, 128 MiB): half for small files, half for blocks of large ones that are sent
   * again and again, of up to a quarter of it each; 0 keeps nothing.
   */
  maxCacheBytes?: number;
  /** How many bytes a file may have to be kept in memory (default 262144, 256 KiB). Larger ones are read as they are sent. */
  maxCachedFileBytes?: number;
  /**
   * More headers for a file, its 304 included: for fonts an `Access-Control-Allow-Origin`, say. Called once for each version of a
   * file, not for each request. A `Cache-Control` replaces that of the rules, a `Vary` is added to ours; those that say what the file is
   * (`Content-Type`, `ETag` and so on) are refused with a `TypeError`.
   */
  headers?: (file: ServedFile) => Iterable<Header>;
  /** Content types by ending, before those that are known: `{ md: "text/markdown; charset=utf-8" }`. */
  types?: Readonly<Record<string, string>>;
  /** `"strong"` where they can be, `"weak"` always, or `"none"` (default `"strong"`). */
  etag?: "strong" | "weak" | "none";
  /**
   * The manifest that `gateway-static` writes into the root, `.gateway-static.json`: `"use"` it where there is one, `"require"` it when
   * wrapping, or `"ignore"` it (default `"use"`).
   */
  manifest?: "use" | "require" | "ignore";
  /** The time, in milliseconds since 1970 (default `Date.now`): for tests. */
  now?: () => number;
}

/** Settings of {@link staticFiles}. */
export interface StaticFilesOptions extends FileOptions {
  /** Where in `PATH_INFO` the root stands: `"/assets"` (default `"/"`). */
  prefix?: string;
  /** Files that answer for their folder, the first that is there; `[]` for none (default `["index.html"]`). */
  index?: readonly string[];
  /** Endings to try where there is no such file: `["html"]` serves `/about.html` for `/about` (default `[]`). */
  extensions?: readonly string[];
  /** Sends a client that asks for a folder without the slash at its end to the path with it (default `true`). */
  redirect?: boolean;
  /** A file that answers GET and HEAD of a page that is no file: an application that is one page (default: none). */
  fallback?: string | Fallback;
  /** Lists what is in a folder without an index file (default `false`). */
  listing?: boolean;
}

/** What the options of both come to. */
export interface FileSettings extends Rules {
  readonly caller: string;
  readonly dotfiles: Dotfiles;
  readonly precompressed: readonly Coding[];
  readonly maxCacheBytes: number;
  readonly maxCachedFileBytes: number;
  readonly manifest: "use" | "require" | "ignore";
  readonly now: () => number;
}

/** What the options of {@link staticFiles} come to. */
export interface StaticSettings {
  /** Without a slash at its end: `""` or `"/assets"`. */
  readonly prefix: string;
  readonly index: readonly string[];
  /** With their dots. */
  readonly extensions: readonly string[];
  readonly redirect: boolean;
  readonly fallback: Required<Fallback> | undefined;
  readonly listing: boolean;
}

const fileKeys: readonly (keyof FileOptions)[] = [
  "dotfiles",
  "cacheControl",
  "immutable",
  "precompressed",
  "maxCacheBytes",
  "maxCachedFileBytes",
  "headers",
  "types",
  "etag",
  "manifest",
  "now",
];
const staticKeys: readonly (keyof StaticFilesOptions)[] = [
  ...fileKeys,
  "prefix",
  "index",
  "extensions",
  "redirect",
  "fallback",
  "listing",
];

const codings: readonly Coding[] = ["br", "zstd", "gzip"];
const hashedName = /[.-](?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12,64}\.[^/]*$/;
/** May be kept, and is asked for again each time: without it browsers guess from Last-Modified how long a file is good. */
const usualCacheControl = "no-cache";
const immutableValue = "public, max-age=31536000, immutable";

/** @throws {TypeError | RangeError} that says which option is wrong and what it should be. */
export function checkFileOptions(caller: string, options: FileOptions): FileSettings {
  const {
    dotfiles = "refuse",
    cacheControl = usualCacheControl,
    immutable = hashedName,
    precompressed = codings,
    maxCacheBytes = 128 * 1024 * 1024,
    maxCachedFileBytes = 256 * 1024,
    headers = () => [],
    types = {},
    etag = "strong",
    manifest = "use",
    now = Date.now,
  } = options;
  const check = checker(caller);
  if (!Array.isArray(dotfiles)) check.oneOf("dotfiles", dotfiles, ["refuse", "serve"]);
  else check.all("dotfiles", dotfiles, (name) => /^\.[^/\\\0]+$/.test(name) && name !== "..", 'names such as ".well-known"');
  if (immutable !== "none") check.that("immutable", immutable instanceof RegExp, 'a RegExp or "none"');
  check.all("precompressed", precompressed, (coding) => codings.includes(coding as Coding), 'of "br", "zstd" and "gzip"');
  check.that("precompressed", new Set(precompressed).size === precompressed.length, "a list without repetitions");
  check.count("maxCacheBytes", maxCacheBytes);
  check.count("maxCachedFileBytes", maxCachedFileBytes);
  check.that("headers", typeof headers === "function", "a function of a file that gives headers");
  check.oneOf("etag", etag, ["strong", "weak", "none"]);
  check.oneOf("manifest", manifest, ["use", "require", "ignore"]);
  check.that("now", typeof now === "function", "a function that gives milliseconds");
  return {
    caller,
    dotfiles: Array.isArray(dotfiles) ? [...(dotfiles as readonly string[])] : dotfiles,
    cacheControlOf: cacheControlRule(check, cacheControl, immutable),
    precompressed: [...precompressed],
    maxCacheBytes,
    maxCachedFileBytes,
    headersOf: headers,
    typeOf: contentTypes(ownTypes(check, types)),
    etag,
    manifest,
    now,
  };
}

/** @throws {TypeError | RangeError} as {@link checkFileOptions} does. */
export function checkStaticOptions(caller: string, options: StaticFilesOptions, dotfiles: Dotfiles): StaticSettings {
  const { prefix = "/", index = ["index.html"], extensions = [], redirect = true, fallback, listing = false } = options;
  const check = checker(caller);
  check.that("prefix", typeof prefix === "string" && prefix.startsWith("/"), 'a path such as "/assets"');
  const bare = prefix === "/" ? "" : prefix;
  check.that(
    "prefix",
    bare === "" || (isServable(bare, "serve", false) && !bare.endsWith("/")),
    "a path without a slash at its end",
  );
  check.all("index", index, (name) => !name.includes("/") && isServable(`/${name}`, dotfiles, false), "names of files");
  check.all("extensions", extensions, (ending) => /^\.?[^./\\\0][^/\\\0]*$/.test(ending), 'endings such as "html"');
  check.that("redirect", typeof redirect === "boolean", "true or false");
  check.that("listing", typeof listing === "boolean", "true or false");
  return {
    prefix: bare,
    index: [...index],
    extensions: extensions.map((ending) => (ending.startsWith(".") ? ending : `.${ending}`)),
    redirect,
    fallback: fallback === undefined ? undefined : checkFallback(check, fallback, dotfiles),
    listing,
  };
}

/** @throws {TypeError} for an option that there is not: a misspelt one would be read by nobody. */
export function checkNames(caller: string, options: object, kind: "static" | "file"): void {
  const known: readonly string[] = kind === "static" ? staticKeys : fileKeys;
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new TypeError(`${caller}: there is no option ${key}, only ${known.join(", ")}`);
  }
}

function checkFallback(check: Checker, given: string | Fallback, dotfiles: Dotfiles): Required<Fallback> {
  const { file, covers = hasNoDot } = typeof given === "string" ? { file: given } : given;
  check.that("fallback", typeof file === "string" && file !== "", 'a file below the root, such as "/index.html"');
  const path = file.startsWith("/") ? file : `/${file}`;
  check.that("fallback", isServable(path, dotfiles, false) && !path.endsWith("/"), 'a file below the root, such as "/index.html"');
  check.that("fallback.covers", typeof covers === "function", "a function of a path");
  return { file: path, covers };
}

/** What has a dot in its last segment is a file that is missing, and a page would only hide that. */
function hasNoDot(path: string): boolean {
  return !path.includes(".", path.lastIndexOf("/") + 1);
}

function cacheControlRule(
  check: Checker,
  given: NonNullable<FileOptions["cacheControl"]>,
  immutable: RegExp | "none",
): Rules["cacheControlOf"] {
  const rule = plainRule(check, given);
  if (immutable === "none") return rule;
  const pattern = stateless(immutable);
  return (file) => (pattern.test(file.path) ? immutableValue : rule(file));
}

function plainRule(check: Checker, given: NonNullable<FileOptions["cacheControl"]>): Rules["cacheControlOf"] {
  if (typeof given === "function") return given;
  if (typeof given === "string") {
    check.value("cacheControl", given);
    return () => given;
  }
  check.that("cacheControl", Array.isArray(given), "a value, a function, or a list of { files, value }");
  const rules = given.map(({ files, value, ...more }) => {
    check.that("cacheControl", Object.keys(more).length === 0, "a list of { files, value }, with nothing else in it");
    check.that("cacheControl", files instanceof RegExp, "a list of { files, value }, where files is a RegExp");
    check.value("cacheControl", value);
    return { files: stateless(files), value };
  });
  return (file) => rules.find(({ files }) => files.test(file.path))?.value ?? usualCacheControl;
}

/** A pattern that does not go on from where it stopped. */
function stateless(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""));
}

function ownTypes(check: Checker, types: Readonly<Record<string, string>>): Map<string, string> {
  const own = new Map<string, string>();
  for (const [ending, type] of Object.entries(types)) {
    const name = ending.replace(/^\./, "").toLowerCase();
    check.that("types", name !== "" && !/[./\\]/.test(name), `a table by ending ("md"), not by ${JSON.stringify(ending)}`);
    check.value("types", type);
    const [major = "", minor = ""] = (type.split(";")[0] ?? "").trim().split("/");
    check.that("types", isToken(major) && isToken(minor), `a table of types such as "text/plain", not ${JSON.stringify(type)}`);
    own.set(name, type);
  }
  return own;
}

type Checker = ReturnType<typeof checker>;

function checker(caller: string): {
  that(option: string, holds: boolean, expected: string): void;
  oneOf(option: string, given: unknown, values: readonly string[]): void;
  all(option: string, given: unknown, holds: (item: string) => boolean, expected: string): void;
  count(option: string, given: unknown): void;
  value(option: string, given: unknown): void;
} {
  const that = (option: string, holds: boolean, expected: string): void => {
    if (!holds) throw new TypeError(`${caller}: ${option} is ${expected}`);
  };
  return {
    that,
    oneOf(option, given, values) {
      const quoted = values.map((value) => JSON.stringify(value)).join(" or ");
      that(
        option,
        values.some((value) => value === given),
        `${quoted}, not ${JSON.stringify(given)}`,
      );
    },
    all(option, given, holds, expected) {
      that(option, Array.isArray(given), `a list of ${expected}`);
      for (const item of given as readonly unknown[])
        that(option, typeof item === "string" && holds(item), `a list of ${expected}, not with ${JSON.stringify(item)}`);
    },
    count(option, given) {
      if (!Number.isSafeInteger(given) || Number(given) < 0)
        throw new RangeError(`${caller}: ${option} is a whole number of bytes from 0 on, not ${String(given)}`);
    },
    value(option, given) {
      that(
        option,
        typeof given === "string" && /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(given),
        "a header value of visible ASCII",
      );
    },
  };
}
