import {
  checkOptionNames,
  HTTPError,
  isThenable,
  isToken,
  layer,
  type Application,
  type Environ,
  type Middleware,
  type ResponseBody,
} from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { isTokenOfSession, type CsrfSessionEnviron } from "./csrf-token.ts";
import { allowed, decideByHeaders, isSafeMethod, refused, type CsrfDecision, type CsrfReason } from "./decision.ts";
import { checkOrigin, ownOrigin } from "./origin.ts";

/** Settings of {@link csrf}. */
export interface CsrfOptions {
  /**
   * What happens to a request with neither `Sec-Fetch-Site` nor `Origin`, which no browser of today sends (default `"refuse"`): `"token"` asks for a token
   * of the session, and needs one; `"allow"` is for programs as clients, where no cookie and no password of the browser opens anything.
   */
  readonly fallback?: "refuse" | "token" | "allow" | undefined;
  /** Further origins whose pages may send requests, as browsers write them: `["https://app.example"]` (default: none). */
  readonly origins?: readonly string[] | undefined;
  /** The request header that brings the token (default `"X-CSRF-Token"`). */
  readonly tokenHeader?: string | undefined;
  /**
   * Where the token comes from, instead of a header: a field of a form, say. Called only where a token is needed. What it reads of `wsgi.input` the
   * application does not get again. What it throws is thrown.
   */
  readonly token?: ((environ: Environ) => string | undefined | Promise<string | undefined>) | undefined;
  /** Says which requests are not looked at, such as calls of other servers, which bring a signature of their own (default: none). */
  readonly exempt?: ((environ: Environ) => boolean) | undefined;
  /** Is told of each request that is refused, before it is (default: nobody is). What it throws goes to `wsgi.errors`. */
  readonly onRefused?: ((decision: CsrfDecision, environ: Environ) => void) | undefined;
}

/** What {@link csrf} adds to environ. */
export interface CsrfEnviron {
  /** Set for requests that may change something, refused ones too; a safe request is not looked at, and has none. */
  "gateway.csrf"?: CsrfDecision | undefined;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof CsrfOptions, true>> = {
  fallback: true,
  origins: true,
  tokenHeader: true,
  token: true,
  exempt: true,
  onRefused: true,
};

const messages: Partial<Record<CsrfReason, string>> = {
  "cross-site": "it was sent by a page of another site",
  "same-site": "it was sent by a page of another host of this site",
  "cross-origin": "its Origin is not that of this server",
  "opaque-origin": "its Origin is null: it comes from a sandboxed frame, a file or a redirect",
  "no-headers": "it has neither Sec-Fetch-Site nor Origin",
  "no-token": "it has neither Sec-Fetch-Site nor Origin, and no token",
  "wrong-token": "its token is not of this session",
};

/**
 * Refuses requests that a page of another site makes a browser send with its cookies: by `Sec-Fetch-Site`, else by `Origin`, else (with `fallback:
 * "token"`) by a token bound to the session. GET, HEAD, OPTIONS and TRACE pass: an application must not change anything for them. A refused request is
 * an `HTTPError` with 403 that says why; the application is not called.
 *
 * @throws {TypeError} while wrapping, for a setting that makes no sense.
 */
export function csrf(options?: CsrfOptions & { readonly fallback?: "refuse" | "allow" | undefined }): Middleware<CsrfEnviron>;
export function csrf(options: CsrfOptions): Middleware<CsrfEnviron, CsrfSessionEnviron>;
export function csrf(options: CsrfOptions = {}): Middleware<CsrfEnviron> | Middleware<CsrfEnviron, CsrfSessionEnviron> {
  checkOptionNames("csrf", options, optionNames);
  const { fallback = "refuse", origins = [], tokenHeader = "X-CSRF-Token", exempt, onRefused } = options;
  check(options, fallback, tokenHeader);
  const listed: ReadonlySet<string> = new Set(origins.map(checkOrigin));
  const headerKey = `HTTP_${tokenHeader.toUpperCase().replaceAll("-", "_")}` as const;
  const tokenOf = options.token ?? ((environ: Environ) => environ[headerKey]);

  return layer<CsrfEnviron, CsrfSessionEnviron>((app) => {
    const proceed = (
      decision: CsrfDecision,
      environ: Environ & CsrfSessionEnviron & CsrfEnviron,
      startResponse: Parameters<Application>[1],
    ): ResponseBody | Promise<ResponseBody> => {
      environ["gateway.csrf"] = decision;
      if (decision.outcome === "allowed") return app(environ, startResponse);
      try {
        onRefused?.(decision, environ);
      } catch (error) {
        environ["wsgi.errors"].write(errorText(error));
      }
      throw new HTTPError(403, `The request was refused: ${messages[decision.reason]} (${decision.reason}).`);
    };

    return (environ, startResponse) => {
      if (isSafeMethod(environ.REQUEST_METHOD)) return app(environ, startResponse);
      if (exempt?.(environ) === true) return proceed(allowed("exempt"), environ, startResponse);
      const decision = decideByHeaders(environ.HTTP_SEC_FETCH_SITE, environ.HTTP_ORIGIN, () => ownOrigin(environ), listed);
      if (decision !== undefined) return proceed(decision, environ, startResponse);
      if (fallback !== "token") {
        return proceed(fallback === "allow" ? allowed("no-headers") : refused("no-headers"), environ, startResponse);
      }
      const token = tokenOf(environ);
      if (!isThenable(token)) return proceed(decideByToken(environ, token), environ, startResponse);
      return Promise.resolve(token).then((read) => proceed(decideByToken(environ, read), environ, startResponse));
    };
  });
}

/** @param token by its type a text; `null` is what `FormData` gives for a field that is not there, and a file is no token either. */
function decideByToken(environ: CsrfSessionEnviron, token: unknown): CsrfDecision {
  if (typeof token !== "string" || token === "") return refused("no-token");
  return isTokenOfSession(environ, token) ? allowed("token") : refused("wrong-token");
}

function check(
  { origins, token, tokenHeader: given, exempt, onRefused }: CsrfOptions,
  fallback: string,
  tokenHeader: string,
): void {
  if (!["refuse", "token", "allow"].includes(fallback)) {
    throw new TypeError(`csrf: fallback is "refuse", "token" or "allow", not ${JSON.stringify(fallback)}`);
  }
  if (origins !== undefined && !Array.isArray(origins)) throw new TypeError("csrf: origins is a list of origins");
  if (typeof tokenHeader !== "string" || !isToken(tokenHeader) || tokenHeader.includes("_")) {
    throw new TypeError(`csrf: tokenHeader is the name of a header, without underscores, not ${JSON.stringify(tokenHeader)}`);
  }
  for (const [name, value] of Object.entries({ token, exempt, onRefused })) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`csrf: ${name} is a function`);
  }
  if (token !== undefined && given !== undefined)
    throw new TypeError("csrf: the token comes from tokenHeader or from token, not from both");
  if (fallback !== "token" && (token ?? given) !== undefined) {
    throw new TypeError('csrf: a token is only read with fallback: "token"');
  }
}
