import { CookieJar, MemoryCookieStore, type Cookie } from "tough-cookie";

/** A cookie that a client holds. */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: string | undefined;
  /** `undefined` for a cookie of the session. */
  readonly expires: Date | undefined;
}

/**
 * The cookies of one client, kept as a browser keeps them (RFC 6265bis): what an application may not set is dropped, and each request
 * gets those that fit its host, path and scheme. As in browsers, `localhost` counts as secure.
 */
export class Cookies {
  readonly #store: MemoryCookieStore = new MemoryCookieStore();
  readonly #jar: CookieJar = new CookieJar(this.#store);
  readonly #origin: string;

  /** @param origin what `set` sets cookies for, `"http://localhost"`. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** All that are held and not expired, whatever host and path they belong to. */
  list(): StoredCookie[] {
    let all: Cookie[] = [];
    // This store calls back before it returns.
    this.#store.getAllCookies((_error, cookies) => {
      all = cookies ?? [];
    });
    const now = Date.now();
    return all.filter((cookie) => (cookie.expiryTime() ?? Infinity) > now).map(stored);
  }

  /** The value of the first cookie of that name, also one that is not for scripts. */
  get(name: string): string | undefined {
    return this.list().find((cookie) => cookie.name === name)?.value;
  }

  /**
   * Sets a cookie as if the application had: `set("theme", "dark", "Path=/shop; Secure")`.
   *
   * @param attributes (default `"Path=/"`).
   * @param url the request whose response sets it (default: the root of the client's origin).
   * @throws {Error} if a browser would not take it.
   */
  set(name: string, value: string, attributes = "Path=/", url: string = `${this.#origin}/`): void {
    const taken = this.#jar.setCookieSync(`${name}=${value}; ${attributes}`, url);
    if (taken === undefined) throw new Error(`a browser would not take the cookie ${name} from ${url}`);
  }

  /** Forgets all cookies of that name. Returns whether there were any. */
  delete(name: string): boolean {
    const known = this.list().filter((cookie) => cookie.name === name);
    for (const { domain, path } of known) this.#store.removeCookie(domain, path, name, () => {});
    return known.length > 0;
  }

  /** Forgets them all. */
  clear(): void {
    this.#jar.removeAllCookiesSync();
  }

  /** The value of the Cookie header for a request; `""` when no cookie fits. */
  header(url: string): string {
    try {
      return this.#jar.getCookieStringSync(url);
    } catch {
      // A host that is a public suffix by itself ("example") cannot have set any.
      return "";
    }
  }

  /** Takes the Set-Cookie headers of a response; those that a browser would not take are dropped. */
  store(url: string, values: readonly string[]): void {
    for (const value of values) this.#jar.setCookieSync(value, url, { ignoreError: true });
  }
}

function stored({ key, value, domain, path, secure, httpOnly, sameSite, expires }: Cookie): StoredCookie {
  return {
    name: key,
    value,
    domain: domain ?? "",
    path: path ?? "/",
    secure,
    httpOnly,
    sameSite,
    expires: expires instanceof Date ? expires : undefined,
  };
}
