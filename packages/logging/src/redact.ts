import { checkOptionNames } from "@gateway/core";

/** What must not be read in a log. Names in any case. */
export interface RedactedNames {
  /** Header names, of requests and responses. */
  readonly headers?: readonly string[] | undefined;
  /** Names of query parameters, wherever a query is written: request line, query, `Referer` and other headers that hold a URL. */
  readonly query?: readonly string[] | undefined;
}

/** What is redacted unless it is revealed. */
export const redactedByDefault: { readonly headers: readonly string[]; readonly query: readonly string[] } = {
  headers: ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token"],
  query: [
    "access_token",
    "api_key",
    "api-key",
    "apikey",
    "assertion",
    "auth",
    "awsaccesskeyid",
    "client_secret",
    "code",
    "code_verifier",
    "id_token",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "session_id",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
  ],
};

/** What stands where a secret was. It needs no escaping in a URL, as OpenTelemetry's `url.query` asks. */
export const redacted = "REDACTED";

/** Keeps secrets out of what is written. */
export class Redactor {
  private readonly headerNames: ReadonlySet<string>;
  private readonly queryNames: ReadonlySet<string>;
  /** A bit for each length that a name has, below 31: most keys can be told by that. */
  private readonly queryLengths: number;

  /** @throws {TypeError} for names that are no lists of strings. */
  constructor(redact: RedactedNames = {}, reveal: RedactedNames = {}) {
    for (const [name, given] of Object.entries({ redact, reveal })) checkOptionNames(name, given, { headers: true, query: true });
    this.headerNames = names("headers", redactedByDefault.headers, redact.headers, reveal.headers);
    this.queryNames = names("query", redactedByDefault.query, redact.query, reveal.query);
    this.queryLengths = Array.from(this.queryNames, ({ length }) => 1 << Math.min(length, 31)).reduce((all, bit) => all | bit, 0);
  }

  /** Is the value of this header a secret? @param name in lower case. */
  isSecretHeader(name: string): boolean {
    return this.headerNames.has(name);
  }

  /** A query, without its `?`. */
  query(query: string): string {
    return query.includes("=") ? this.pairs(query, 0) : query;
  }

  /** A URL, a request target, or the value of a header, which may be one: its query, its fragment, and a password before the host. */
  url(url: string): string {
    const shown = url.includes("@") ? withoutUserinfo(url) : url;
    const question = shown.indexOf("?");
    const hash = shown.indexOf("#");
    if (question === -1 && hash === -1) return shown;
    return this.pairs(shown, 1 + (question === -1 || (hash !== -1 && hash < question) ? hash : question));
  }

  /**
   * Some applications separate by `;` too, some do not: a key may begin behind either, but a secret ends only at `&` or `#`, so that
   * nothing of it stays in any reading.
   */
  private pairs(text: string, start: number): string {
    let shown = "";
    let kept = 0;
    let keyAt = start;
    for (let i = start; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (isSeparator(code)) {
        keyAt = i + 1;
      } else if (code === 0x3d /* = */) {
        if (this.isSecretKey(text, keyAt, i)) {
          shown += text.slice(kept, i + 1) + redacted;
          i = endOfSecret(text, i + 1);
          kept = i;
          keyAt = i + 1;
        } else {
          // The value may have more equals signs in it.
          while (i + 1 < text.length && !isSeparator(text.charCodeAt(i + 1))) i++;
        }
      }
    }
    return kept === 0 ? text : shown + text.slice(kept);
  }

  private isSecretKey(text: string, from: number, to: number): boolean {
    let isPlain = true;
    for (let i = from; i < to && isPlain; i++) isPlain = isNameCharacter(text.charCodeAt(i));
    if (isPlain)
      return (this.queryLengths & (1 << Math.min(to - from, 31))) !== 0 && this.queryNames.has(text.slice(from, to).toLowerCase());
    // `user[password]`, `user.password` and `%70assword` are read as passwords by those who parse them.
    return decoded(text.slice(from, to))
      .toLowerCase()
      .split(/[^\w-]/)
      .some((part) => this.queryNames.has(part));
  }
}

/** What a key may begin behind: `&`, `;`, `#`, `?`. */
function isSeparator(code: number): boolean {
  return code === 0x26 || code === 0x3b || code === 0x23 || code === 0x3f;
}

/** Letters, digits, `_` and `-`: what a key means is what it says. */
function isNameCharacter(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d;
}

function endOfSecret(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== 0x26 && text.charCodeAt(at) !== 0x23) at++;
  return at;
}

/** Where the authority of a URL ends. */
function endOfAuthority(text: string, from: number): number {
  let at = from;
  while (at < text.length && !"/?#\\".includes(text.charAt(at))) at++;
  return at;
}

/** Percent-decoded as far as it can be, also what was encoded twice: a key that some application reads so. */
function decoded(key: string): string {
  let text = key;
  for (let round = 0; round < 3 && text.includes("%"); round++) {
    text = text.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
  return text;
}

function withoutUserinfo(url: string): string {
  const slashes = url.indexOf("//");
  if (slashes === -1) return url;
  const end = endOfAuthority(url, slashes + 2);
  const at = url.lastIndexOf("@", end - 1);
  return at > slashes ? `${url.slice(0, slashes + 2)}${redacted}${url.slice(at)}` : url;
}

function names(
  kind: "headers" | "query",
  defaults: readonly string[],
  added: readonly string[] | undefined,
  revealed: readonly string[] | undefined,
): ReadonlySet<string> {
  const list = (given: unknown, option: string): readonly string[] => {
    if (given === undefined) return [];
    if (Array.isArray(given) && given.every((name): name is string => typeof name === "string" && name !== "")) return given;
    throw new TypeError(`${option}.${kind} is a list of names`);
  };
  const all = new Set([...defaults, ...list(added, "redact")].map((name) => name.toLowerCase()));
  for (const name of list(revealed, "reveal")) all.delete(name.toLowerCase());
  return all;
}
