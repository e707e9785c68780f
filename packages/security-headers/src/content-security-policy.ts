/** A source that stands for the nonce of the response, where one was asked for, and for nothing otherwise. */
const nonceSource = "'nonce'";

/**
 * Directives by name. A list holds sources as they stand in the header (`"'self'"`, `"https://cdn.example"`); `false` leaves a directive out, `undefined` is
 * the default.
 */
export type ContentSecurityPolicy = Readonly<Partial<Record<DirectiveName, readonly string[] | boolean | undefined>>>;

const directiveNames = [
  "default-src",
  "child-src",
  "connect-src",
  "fenced-frame-src",
  "font-src",
  "frame-src",
  "img-src",
  "manifest-src",
  "media-src",
  "object-src",
  "script-src",
  "script-src-elem",
  "script-src-attr",
  "style-src",
  "style-src-elem",
  "style-src-attr",
  "worker-src",
  "base-uri",
  "sandbox",
  "form-action",
  "frame-ancestors",
  "report-uri",
  "report-to",
  "require-trusted-types-for",
  "trusted-types",
  "upgrade-insecure-requests",
] as const;

/** A directive of Content Security Policy Level 3. */
export type DirectiveName = (typeof directiveNames)[number];

/** Everything from this origin only, no plugins, no frames around it, no inline script or style without the nonce. */
export const defaultPolicy: ContentSecurityPolicy = {
  "default-src": ["'self'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
  "object-src": ["'none'"],
  "script-src": ["'self'", nonceSource],
  "style-src": ["'self'", nonceSource],
  "upgrade-insecure-requests": true,
};

/** A policy that is ready to be sent. */
export interface CompiledPolicy {
  /** Without a nonce. */
  readonly text: string;
  /** With one; `undefined` where the policy has no place for it. */
  readonly withNonce: ((nonce: string) => string) | undefined;
}

/** May have no value. */
const flags: ReadonlySet<string> = new Set(["sandbox", "upgrade-insecure-requests"]);

/**
 * @param policy the whole policy, defaults included.
 * @param isSecure whether it goes over https: elsewhere `upgrade-insecure-requests` would break pages on other ports.
 * @throws {TypeError} for what browsers would not understand.
 */
export function compilePolicy(policy: ContentSecurityPolicy, isSecure: boolean): CompiledPolicy {
  const directives: (readonly [name: string, sources: readonly string[]])[] = [];
  for (const [name, sources] of Object.entries(policy)) {
    checkDirective(name, sources);
    if (sources === false || sources === undefined || (name === "upgrade-insecure-requests" && !isSecure)) continue;
    directives.push([name, sources === true ? [] : sources]);
  }
  const hasPlace = directives.some(([, sources]) => sources.includes(nonceSource));
  const write = (nonce: string): string =>
    directives.map(([name, sources]) => [name, ...written(sources, nonce)].join(" ")).join("; ");
  if (!hasPlace) return { text: write(""), withNonce: undefined };
  // No source can hold this.
  const parts = write("\0").split("'nonce-\0'");
  return { text: write(""), withNonce: (nonce) => parts.join(`'nonce-${nonce}'`) };
}

function written(sources: readonly string[], nonce: string): readonly string[] {
  const left = sources.flatMap((source) => (source !== nonceSource ? [source] : nonce === "" ? [] : [`'nonce-${nonce}'`]));
  return left.length === 0 && sources.length > 0 ? ["'none'"] : left;
}

const keywords =
  /^(?:self|none|unsafe-inline|unsafe-eval|unsafe-hashes|wasm-unsafe-eval|strict-dynamic|report-sample|inline-speculation-rules|trusted-types-eval|script|nonce(?:-.*)?|sha(?:256|384|512)-.*)$/i;

function checkDirective(name: string, sources: unknown): asserts sources is readonly string[] | boolean | undefined {
  if (!directiveNames.some((known) => known === name)) {
    throw new TypeError(`securityHeaders: ${JSON.stringify(name)} is no directive of a content security policy`);
  }
  if (sources === false || sources === undefined || (sources === true && flags.has(name))) return;
  if (!Array.isArray(sources))
    throw new TypeError(`securityHeaders: ${name} is a list of sources, or false${flags.has(name) ? ", or true" : ""}`);
  const list: readonly unknown[] = sources;
  // Without a value it would mean 'none' for sources, and everything or nothing elsewhere.
  if (list.length === 0 && !flags.has(name))
    throw new TypeError(`securityHeaders: ${name} is empty: write "'none'", or false to leave it out`);
  for (const source of list) {
    // Not a comma nor a semicolon either: they would end the directive, or the policy.
    if (typeof source !== "string" || !/^[!-+\-.-:<-~]+$/.test(source)) {
      throw new TypeError(
        `securityHeaders: ${JSON.stringify(source)} in ${name} is no source: visible ASCII without space, comma and semicolon`,
      );
    }
    if (keywords.test(source) && name !== "report-to" && name !== "trusted-types") {
      throw new TypeError(
        `securityHeaders: write "'${source}'" in ${name}, with single quotes: without them it is the name of a host`,
      );
    }
    if (source === "'none'" && list.length > 1) throw new TypeError(`securityHeaders: 'none' in ${name} stands alone`);
    if (source.startsWith("'nonce-"))
      throw new TypeError(`securityHeaders: a nonce is made for each response: write "${nonceSource}" in ${name}`);
  }
}
