import { randomBytes } from "node:crypto";
import { checkOptionNames, layer, type Header, type HeaderList, type Middleware, type StartResponse } from "@gateway/core";
import { compilePolicy, defaultPolicy, type CompiledPolicy, type ContentSecurityPolicy } from "./content-security-policy.ts";
import { defaultPermissions, formatPermissions, type PermissionsPolicy } from "./permissions-policy.ts";

/** A value of `Referrer-Policy`. */
export type ReferrerPolicy =
  | "no-referrer"
  | "no-referrer-when-downgrade"
  | "same-origin"
  | "origin"
  | "strict-origin"
  | "origin-when-cross-origin"
  | "strict-origin-when-cross-origin"
  | "unsafe-url";

/** What `Strict-Transport-Security` says. */
export interface StrictTransportSecurity {
  /** For how long browsers shall come by https only, in seconds (default 31,536,000: a year); 0 takes it back. */
  readonly maxAgeSeconds?: number | undefined;
  /** The same for all hosts below this one (default `false`): only where all of them speak https, for as long as it holds. */
  readonly includeSubDomains?: boolean | undefined;
  /** That the host may go into the lists that browsers bring along (default `false`); it is hard to get out of them again. */
  readonly preload?: boolean | undefined;
}

/** Settings of {@link securityHeaders}: each header can be set, or left out by `false`. */
export interface SecurityHeadersOptions {
  /** Directives that replace, or with `false` remove, those of the default policy; see the README. */
  readonly contentSecurityPolicy?: ContentSecurityPolicy | false | undefined;
  /** A policy that browsers only report about (default: none): directives that replace those of the default policy. */
  readonly contentSecurityPolicyReportOnly?: ContentSecurityPolicy | false | undefined;
  /** Where reports go, by the name that `report-to` uses (default: none): absolute URLs. */
  readonly reportingEndpoints?: Readonly<Record<string, string | undefined>> | false | undefined;
  /** Sent over https only (default `{ maxAgeSeconds: 31_536_000 }`). */
  readonly strictTransportSecurity?: StrictTransportSecurity | false | undefined;
  /** Who shares a group of windows with the page (default `"same-origin"`). */
  readonly crossOriginOpenerPolicy?:
    | "same-origin"
    | "same-origin-allow-popups"
    | "noopener-allow-popups"
    | "unsafe-none"
    | false
    | undefined;
  /** What the page may embed of other origins (default `"require-corp"`: what allows it). */
  readonly crossOriginEmbedderPolicy?: "require-corp" | "credentialless" | "unsafe-none" | false | undefined;
  /** Who may embed what is answered here (default `"same-origin"`). */
  readonly crossOriginResourcePolicy?: "same-origin" | "same-site" | "cross-origin" | false | undefined;
  /** Keeps the page apart from others of its site (default `true`). */
  readonly originAgentCluster?: boolean | undefined;
  /** What other pages learn of the address (default `"same-origin"`: nothing); a list ends with what is best, for browsers that know it. */
  readonly referrerPolicy?: ReferrerPolicy | readonly ReferrerPolicy[] | false | undefined;
  /** Features that replace, or with `false` remove, those of the default: all that are listed in the README are off. */
  readonly permissionsPolicy?: PermissionsPolicy | false | undefined;
  /** `nosniff`: browsers do not guess types (default `true`). */
  readonly xContentTypeOptions?: boolean | undefined;
  /** For old browsers (default: what `frame-ancestors` says, where this header can say it). */
  readonly xFrameOptions?: "DENY" | "SAMEORIGIN" | false | undefined;
  /** What happens to a header that the application has set: it is kept (default `"keep"`), or replaced (`"override"`). */
  readonly existing?: "keep" | "override" | undefined;
}

/** What {@link securityHeaders} adds to environ. */
export interface SecurityHeadersEnviron {
  /**
   * The nonce of this response, for `<script nonce="…">`: made when it is first asked for, and only then part of the policy. To be asked for before `startResponse`.
   * Absent where no directive has a place for it.
   */
  "gateway.csp_nonce": () => string;
}

/** A header that is the same for every response, or depends on the nonce. */
interface Prepared {
  readonly header: Header;
  readonly withNonce: ((nonce: string) => Header) | undefined;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof SecurityHeadersOptions, true>> = {
  contentSecurityPolicy: true,
  contentSecurityPolicyReportOnly: true,
  reportingEndpoints: true,
  strictTransportSecurity: true,
  crossOriginOpenerPolicy: true,
  crossOriginEmbedderPolicy: true,
  crossOriginResourcePolicy: true,
  originAgentCluster: true,
  referrerPolicy: true,
  permissionsPolicy: true,
  xContentTypeOptions: true,
  xFrameOptions: true,
  existing: true,
};

/**
 * Adds the headers that tell browsers to be careful, when `startResponse` is called: a strict set by default, each of which can be set or left out. Never
 * replaces what the application set, unless told. All is written while wrapping, but for the nonce.
 *
 * @throws {TypeError|RangeError} while wrapping, for a value that browsers would not understand.
 */
export function securityHeaders(options: SecurityHeadersOptions = {}): Middleware<SecurityHeadersEnviron> {
  checkOptionNames("securityHeaders", options, optionNames);
  const { existing = "keep" } = options;
  if (existing !== "keep" && existing !== "override")
    throw new TypeError(`securityHeaders: existing is "keep" or "override", not ${JSON.stringify(existing)}`);
  const plain = prepare(options, false);
  const secure = prepare(options, true);
  const names = new Set([...plain, ...secure].map(({ header: [name] }) => name.toLowerCase()));
  // Most names are told apart by their length alone.
  const lengths: readonly boolean[] = Array.from({ length: 64 }, (_, length) => [...names].some((name) => name.length === length));
  const hasNonce = secure.some(({ withNonce }) => withNonce !== undefined);

  const add = (headers: HeaderList, prepared: readonly Prepared[], nonce: string | undefined): void => {
    let taken: Set<string> | undefined;
    for (let i = 0; i < headers.length; i++) {
      const name = headers[i]?.[0] ?? "";
      if (lengths[name.length] === true && names.has(name.toLowerCase())) (taken ??= new Set()).add(name.toLowerCase());
    }
    if (taken !== undefined && existing === "override") {
      let kept = 0;
      for (const header of headers) if (!taken.has(header[0].toLowerCase())) headers[kept++] = header;
      headers.length = kept;
      taken = undefined;
    }
    for (let i = 0; i < prepared.length; i++) {
      const one = prepared[i];
      if (one === undefined || taken?.has(one.header[0].toLowerCase()) === true) continue;
      headers.push(nonce === undefined || one.withNonce === undefined ? one.header : one.withNonce(nonce));
    }
    if (nonce !== undefined && !headers.some(([name]) => name.toLowerCase() === "cache-control")) headers.push(notShared);
  };

  return layer<SecurityHeadersEnviron>((app) => (environ, startResponse) => {
    const prepared = environ["wsgi.url_scheme"] === "https" ? secure : plain;
    let nonce: string | undefined;
    let hasHead = false;
    const start: StartResponse = (status, headers, excInfo) => {
      hasHead = true;
      add(headers, prepared, nonce);
      return startResponse(status, headers, excInfo);
    };
    if (hasNonce) {
      environ["gateway.csp_nonce"] = () => {
        if (nonce === undefined && hasHead)
          throw new Error("ask for the nonce before startResponse: the policy has been sent without it");
        return (nonce ??= randomBytes(16).toString("base64"));
      };
    }
    return app(environ, start);
  });
}

/** A page with a nonce, kept for others, would give all of them the same. */
const notShared: Header = ["Cache-Control", "private, no-cache"];

function prepare(options: SecurityHeadersOptions, isSecure: boolean): readonly Prepared[] {
  const {
    contentSecurityPolicy = {},
    contentSecurityPolicyReportOnly = false,
    permissionsPolicy = {},
    reportingEndpoints = false,
  } = options;
  const prepared: Prepared[] = [];
  const put = (name: string, value: string, policy?: CompiledPolicy): void => {
    if (value === "") return;
    const { withNonce } = policy ?? {};
    prepared.push({ header: [name, value], withNonce: withNonce === undefined ? undefined : (nonce) => [name, withNonce(nonce)] });
  };
  const putOneOf = <T extends string>(
    option: keyof SecurityHeadersOptions,
    name: string,
    value: T | false,
    known: readonly T[],
  ): void => {
    if (value === false) return;
    if (!known.includes(value))
      throw new TypeError(
        `securityHeaders: ${option} is ${known.map((one) => `"${one}"`).join(", ")} or false, not ${JSON.stringify(value)}`,
      );
    put(name, value);
  };
  const putIf = (option: keyof SecurityHeadersOptions, name: string, value: string, is: boolean): void => {
    if (typeof is !== "boolean") throw new TypeError(`securityHeaders: ${option} is true or false, not ${JSON.stringify(is)}`);
    if (is) put(name, value);
  };

  for (const [name, given, option] of [
    ["Content-Security-Policy", contentSecurityPolicy, "contentSecurityPolicy"],
    ["Content-Security-Policy-Report-Only", contentSecurityPolicyReportOnly, "contentSecurityPolicyReportOnly"],
  ] as const) {
    if (given === false) continue;
    const compiled = compilePolicy(changed(option, defaultPolicy, given), isSecure);
    put(name, compiled.text, compiled);
  }
  if (reportingEndpoints !== false)
    put("Reporting-Endpoints", formatEndpoints(checkObject("reportingEndpoints", reportingEndpoints)));
  const transport = formatTransport(options.strictTransportSecurity ?? {});
  if (isSecure) put("Strict-Transport-Security", transport);
  const {
    crossOriginOpenerPolicy = "same-origin",
    crossOriginEmbedderPolicy = "require-corp",
    crossOriginResourcePolicy = "same-origin",
  } = options;
  putOneOf("crossOriginOpenerPolicy", "Cross-Origin-Opener-Policy", crossOriginOpenerPolicy, [
    "same-origin",
    "same-origin-allow-popups",
    "noopener-allow-popups",
    "unsafe-none",
  ]);
  putOneOf("crossOriginEmbedderPolicy", "Cross-Origin-Embedder-Policy", crossOriginEmbedderPolicy, [
    "require-corp",
    "credentialless",
    "unsafe-none",
  ]);
  putOneOf("crossOriginResourcePolicy", "Cross-Origin-Resource-Policy", crossOriginResourcePolicy, [
    "same-origin",
    "same-site",
    "cross-origin",
  ]);
  putIf("originAgentCluster", "Origin-Agent-Cluster", "?1", options.originAgentCluster ?? true);
  put("Referrer-Policy", formatReferrer(options.referrerPolicy ?? "same-origin"));
  if (permissionsPolicy !== false)
    put("Permissions-Policy", formatPermissions(changed("permissionsPolicy", defaultPermissions, permissionsPolicy)));
  putIf("xContentTypeOptions", "X-Content-Type-Options", "nosniff", options.xContentTypeOptions ?? true);
  putOneOf("xFrameOptions", "X-Frame-Options", options.xFrameOptions ?? frameOptions(contentSecurityPolicy), [
    "DENY",
    "SAMEORIGIN",
  ]);
  return prepared;
}

/** The default with what is given in its place. What is `undefined` is not given: a policy must not become a weaker one by that. */
function changed<Policy extends object>(option: string, byDefault: Policy, given: Policy): Policy {
  const entries = Object.entries(checkObject(option, given)).filter(([, value]) => value !== undefined);
  return { ...byDefault, ...Object.fromEntries(entries) };
}

function checkObject<T>(option: string, value: T): T {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`securityHeaders: ${option} is an object, or false`);
  return value;
}

/** What `frame-ancestors` says in the words of the older header; a list of hosts it cannot say. */
function frameOptions(policy: ContentSecurityPolicy | false): "DENY" | "SAMEORIGIN" | false {
  if (policy === false) return "DENY";
  const ancestors = policy["frame-ancestors"] ?? defaultPolicy["frame-ancestors"];
  if (!Array.isArray(ancestors) || ancestors.length !== 1) return false;
  return ancestors[0] === "'none'" ? "DENY" : ancestors[0] === "'self'" ? "SAMEORIGIN" : false;
}

function formatTransport(given: StrictTransportSecurity | false): string {
  if (given === false) return "";
  const {
    maxAgeSeconds = 31_536_000,
    includeSubDomains = false,
    preload = false,
    ...unknown
  } = checkObject("strictTransportSecurity", given);
  for (const name of Object.keys(unknown)) {
    throw new TypeError(
      `securityHeaders: strictTransportSecurity has no ${name}: it has maxAgeSeconds, includeSubDomains, preload`,
    );
  }
  if (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds < 0) {
    throw new RangeError(`securityHeaders: maxAgeSeconds is a whole number of seconds, not ${String(maxAgeSeconds)}`);
  }
  for (const [name, value] of Object.entries({ includeSubDomains, preload })) {
    if (typeof value !== "boolean") throw new TypeError(`securityHeaders: ${name} is true or false, not ${JSON.stringify(value)}`);
  }
  if (preload && (!includeSubDomains || maxAgeSeconds < 31_536_000)) {
    throw new RangeError(
      "securityHeaders: the lists for preload ask for includeSubDomains and a maxAgeSeconds of at least 31536000",
    );
  }
  return `max-age=${maxAgeSeconds}${includeSubDomains ? "; includeSubDomains" : ""}${preload ? "; preload" : ""}`;
}

const referrerPolicies: readonly string[] = [
  "no-referrer",
  "no-referrer-when-downgrade",
  "same-origin",
  "origin",
  "strict-origin",
  "origin-when-cross-origin",
  "strict-origin-when-cross-origin",
  "unsafe-url",
];

function formatReferrer(given: ReferrerPolicy | readonly ReferrerPolicy[] | false): string {
  if (given === false) return "";
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  for (const policy of list) {
    if (!referrerPolicies.some((known) => known === policy))
      throw new TypeError(`securityHeaders: ${JSON.stringify(policy)} is none of ${referrerPolicies.join(", ")}`);
  }
  return list.join(", ");
}

function formatEndpoints(endpoints: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(endpoints)
    .filter(([, url]) => url !== undefined)
    .map(([name, url]) => {
      if (!/^[a-z*][a-z0-9_.*-]*$/.test(name))
        throw new TypeError(
          `securityHeaders: ${JSON.stringify(name)} is no name of a reporting endpoint: small letters, digits, "-", "_", "."`,
        );
      if (typeof url !== "string" || !URL.canParse(url) || !/^https:\/\/[!#-[\]-~]+$/.test(url))
        throw new TypeError(`securityHeaders: the endpoint ${name} is an https URL, not ${JSON.stringify(url)}`);
      return `${name}="${url}"`;
    })
    .join(", ");
}
