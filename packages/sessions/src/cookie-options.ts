import { isToken, type Environ } from "@gateway/core";
import { stringifySetCookie } from "cookie";

/** The attributes of the session cookie (RFC 6265bis, section 4.1.2). */
export interface CookieOptions {
  /** Where it is sent to: this path and what is below it (default `"/"`). */
  path?: string | undefined;
  /** Sent to this domain and all its subdomains (default: to this host alone). Goes with no `__Host-` name. */
  domain?: string | undefined;
  /** Keeps it from scripts (default true). */
  httpOnly?: boolean | undefined;
  /** Whether it comes along from other sites (default `"lax"`); `"auto"` is `"none"` over https, and `"lax"` over http. */
  sameSite?: "strict" | "lax" | "none" | "auto" | undefined;
  /** Keeps it to https (default `"auto"`: where `wsgi.url_scheme` is `"https"`). */
  secure?: boolean | "auto" | undefined;
  /** How long the browser keeps it, in seconds (default: until it is closed). */
  maxAgeSeconds?: number | undefined;
  /** A jar of its own for each site that embeds this one (CHIPS; default false). Needs Secure. */
  partitioned?: boolean | undefined;
  /** Which cookies a full jar throws out first (Chromium only; default: not said). */
  priority?: "low" | "medium" | "high" | undefined;
}

/** How the cookie is written for requests of one scheme. */
export interface CookieForm {
  readonly name: string;
  /** What follows the value: `"; Path=/; HttpOnly; SameSite=Lax"`. */
  readonly attributes: string;
  /** A whole header value that takes the cookie away again. */
  readonly removal: string;
  /** Why a browser would drop the cookie without a word. */
  readonly refusal: string | undefined;
}

/** The names of the cookie, by scheme. */
export interface CookieNames {
  readonly http: string;
  readonly https: string;
}

/**
 * `__Host-sid` over https and `sid` over http, or what was named.
 *
 * @throws {TypeError} for a name that is not a token.
 */
export function cookieNames(name: string | undefined): CookieNames {
  if (name === undefined) return { http: "sid", https: "__Host-sid" };
  if (typeof name !== "string" || !isToken(name))
    throw new TypeError('sessions: name is a token (RFC 6265, section 4.1.1), such as "sid"');
  return { http: name, https: name };
}

/** Writes the cookie: {@link CookieForm} for each scheme, made once for options that do not change. */
export class CookieWriter {
  readonly #names: CookieNames;
  readonly #choose: ((environ: Environ) => CookieOptions) | undefined;
  readonly #forms: { readonly http: CookieForm; readonly https: CookieForm } | undefined;
  /** Functions mostly give one of a few constants. */
  readonly #known = new WeakMap<CookieOptions, { readonly http: CookieForm; readonly https: CookieForm }>();

  /** @throws {TypeError | RangeError} for options that make no cookie. Those of a function are checked when it has given them. */
  constructor(names: CookieNames, options: CookieOptions | ((environ: Environ) => CookieOptions)) {
    this.#names = names;
    if (typeof options === "function") this.#choose = options;
    else this.#forms = makeForms(names, options);
  }

  /** How the cookie of this request is written. */
  form(environ: Environ): CookieForm {
    const forms = this.#forms ?? this.#chosen(environ);
    return environ["wsgi.url_scheme"] === "https" ? forms.https : forms.http;
  }

  #chosen(environ: Environ): { readonly http: CookieForm; readonly https: CookieForm } {
    const options = this.#choose?.(environ) ?? {};
    let forms = this.#known.get(options);
    if (forms === undefined) {
      forms = makeForms(this.#names, options);
      if (Object.isFrozen(options)) this.#known.set(options, forms);
    }
    return forms;
  }
}

const optionNames: ReadonlySet<string> = new Set([
  "path",
  "domain",
  "httpOnly",
  "sameSite",
  "secure",
  "maxAgeSeconds",
  "partitioned",
  "priority",
]);

function makeForms(names: CookieNames, options: CookieOptions): { readonly http: CookieForm; readonly https: CookieForm } {
  if (typeof options !== "object" || options === null)
    throw new TypeError("sessions: cookie is an object of attributes, or a function that gives one");
  for (const key of Object.keys(options)) {
    if (!optionNames.has(key)) throw new TypeError(`sessions: cookie has no option ${key}: it has ${[...optionNames].join(", ")}`);
  }
  checkAttributes(options);
  checkPrefix(names.https, options);
  if (names.http !== names.https)
    return { http: makeForm(names.http, options, false), https: makeForm(names.https, options, true) };
  checkPrefix(names.http, options);
  return { http: makeForm(names.http, options, false), https: makeForm(names.https, options, true) };
}

function checkAttributes(options: CookieOptions): void {
  const { path, domain, httpOnly, sameSite, secure, maxAgeSeconds, partitioned, priority } = options;
  if (path !== undefined && (typeof path !== "string" || !/^\/[!-:<-~]*$/.test(path) || path.length > 1024)) {
    throw new TypeError('sessions: cookie.path begins with "/" and is visible ASCII without ";", at most 1024 characters');
  }
  if (
    domain !== undefined &&
    (typeof domain !== "string" || !/^\.?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(domain) || domain.length > 254)
  ) {
    throw new TypeError('sessions: cookie.domain is a host name, such as "example.com"');
  }
  for (const [key, value] of Object.entries({ httpOnly, partitioned })) {
    if (value !== undefined && typeof value !== "boolean") throw new TypeError(`sessions: cookie.${key} is true or false`);
  }
  if (secure !== undefined && typeof secure !== "boolean" && secure !== "auto") {
    throw new TypeError('sessions: cookie.secure is true, false or "auto"');
  }
  if (sameSite !== undefined && !["strict", "lax", "none", "auto"].includes(sameSite)) {
    throw new TypeError('sessions: cookie.sameSite is "strict", "lax", "none" or "auto"');
  }
  if (priority !== undefined && !["low", "medium", "high"].includes(priority)) {
    throw new TypeError('sessions: cookie.priority is "low", "medium" or "high"');
  }
  if (maxAgeSeconds !== undefined && (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds <= 0)) {
    throw new RangeError(
      "sessions: cookie.maxAgeSeconds is a whole number of seconds above 0; leave it out for a cookie that ends with the browser",
    );
  }
  if (secure === false && (sameSite === "none" || partitioned === true)) {
    throw new TypeError(
      `sessions: browsers drop a cookie that is ${sameSite === "none" ? "SameSite=None" : "Partitioned"} and not Secure`,
    );
  }
}

/** What the prefix of a name asks for; browsers look at it in any case (RFC 6265bis, section 4.1.3). */
function checkPrefix(name: string, { secure, domain, path }: CookieOptions): void {
  const lower = name.toLowerCase();
  const isHost = lower.startsWith("__host-");
  if (!isHost && !lower.startsWith("__secure-")) return;
  const fix = "give the cookie another name";
  if (secure === false)
    throw new TypeError(`sessions: browsers drop ${name} without Secure: leave cookie.secure "auto", or ${fix}`);
  if (!isHost) return;
  if (domain !== undefined)
    throw new TypeError(
      `sessions: browsers drop ${name} with a Domain: leave cookie.domain out, or ${fix}, as name: "__Secure-sid"`,
    );
  if (path !== undefined && path !== "/")
    throw new TypeError(
      `sessions: browsers drop ${name} with a Path but "/": leave cookie.path out, or ${fix}, as name: "__Secure-sid"`,
    );
}

function makeForm(name: string, options: CookieOptions, isHttps: boolean): CookieForm {
  const { path = "/", domain, httpOnly = true, partitioned = false, maxAgeSeconds, priority } = options;
  const secure = options.secure === undefined || options.secure === "auto" ? isHttps : options.secure;
  const sameSite = options.sameSite === "auto" ? (isHttps ? "none" : "lax") : (options.sameSite ?? "lax");
  const kept = {
    path,
    httpOnly,
    secure,
    sameSite,
    partitioned,
    ...(domain !== undefined && { domain }),
    ...(priority !== undefined && { priority }),
  };
  const written = stringifySetCookie(name, "", maxAgeSeconds === undefined ? kept : { ...kept, maxAge: maxAgeSeconds });
  return {
    name,
    attributes: written.slice(name.length + 1),
    removal: stringifySetCookie(name, "", { ...kept, maxAge: 0, expires: new Date(0) }),
    refusal: isHttps ? undefined : refusal(name, secure, sameSite, partitioned),
  };
}

function refusal(name: string, secure: boolean, sameSite: string, partitioned: boolean): string | undefined {
  let why: string | undefined;
  if (secure) why = "it is Secure";
  else if (/^__(?:host|secure)-/i.test(name)) why = `its name is ${name}`;
  else if (sameSite === "none") why = "it is SameSite=None";
  else if (partitioned) why = "it is Partitioned";
  return why === undefined
    ? undefined
    : `sessions: the request came over http, and browsers drop this cookie there, because ${why}. ` +
        "Where a proxy ends TLS, put a layer outside that trusts it and sets wsgi.url_scheme (@gateway/forwarded); on plain http leave secure and sameSite to their defaults";
}
