/** Decides by the value of `Origin`. */
export type OriginTest = (origin: string) => boolean;

/** What a wildcard stands for, in a pattern that is checked as if it were an origin. */
const sample = "wildcard";

/**
 * Compiles a list of origins and patterns: `https://app.example`, `https://*.example.com` (any host below it, not itself), `http://localhost:*` (any
 * port). No regular expressions: those that forget an anchor or a backslash are the classic hole.
 *
 * @throws {TypeError} for an entry that could never match, with how it is written.
 */
export function compileOrigins(origins: readonly unknown[]): OriginTest {
  const exact = new Set<string>();
  const patterns: Pattern[] = [];
  for (const origin of origins) {
    if (typeof origin !== "string") throw new TypeError(`cors: an origin is a text, not ${JSON.stringify(origin)}`);
    if (origin.includes("*")) patterns.push(compilePattern(origin));
    else exact.add(checkOrigin(origin));
  }
  if (patterns.length === 0) return (origin) => exact.has(origin);
  return (origin) => exact.has(origin) || patterns.some((pattern) => isMatch(origin, pattern));
}

/** May it stand in a response header as it is? What is no origin is nobody's. */
export function isOrigin(text: string): boolean {
  return text === "null" || /^[a-z][a-z0-9+.-]*:\/\/[!-~]+$/.test(text);
}

function checkOrigin(origin: string): string {
  if (origin === "null") return origin;
  const example = 'an origin is a scheme and a host, and perhaps a port, like "https://app.example"';
  if (!/^[^:/]+:\/\//.test(origin) || !URL.canParse(origin)) throw new TypeError(`cors: ${example}, not ${JSON.stringify(origin)}`);
  const { protocol, origin: written } = new URL(origin);
  const isWeb = protocol === "http:" || protocol === "https:";
  // The parser knows no origins of other schemes: programs that show pages have such ones.
  if (isWeb && written !== origin)
    throw new TypeError(`cors: write the origin ${JSON.stringify(origin)} as browsers do: "${written}"`);
  if (!isWeb && !/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(?::\d+)?$/.test(origin))
    throw new TypeError(`cors: ${example}, not ${JSON.stringify(origin)}`);
  return origin;
}

interface Pattern {
  /** `https://` */
  readonly scheme: string;
  /** `example.com`, or `.example.com` for any host below it. */
  readonly host: string;
  readonly isBelow: boolean;
  /** `""` for the scheme's own, `*` for any. */
  readonly port: string;
}

function compilePattern(text: string): Pattern {
  const problem = `cors: a wildcard stands for the first labels of a host, "https://*.example.com", or for the port, "http://localhost:*": not ${JSON.stringify(text)}`;
  const [, scheme = "", below, host = "", port = ""] = /^(https?:\/\/)(\*\.)?([^*/:]+)(:\*|:\d+)?$/.exec(text) ?? [];
  if (host === "" || (below === undefined && port !== ":*")) throw new TypeError(problem);
  checkOrigin(`${scheme}${below === undefined ? "" : `${sample}.`}${host}${port === ":*" ? ":1" : port}`);
  return { scheme, host: below === undefined ? host : `.${host}`, isBelow: below !== undefined, port: port.slice(1) };
}

function isMatch(origin: string, pattern: Pattern): boolean {
  if (!origin.startsWith(pattern.scheme)) return false;
  const authority = origin.slice(pattern.scheme.length);
  const colon = authority.indexOf(":");
  const host = colon === -1 ? authority : authority.slice(0, colon);
  const port = colon === -1 ? "" : authority.slice(colon + 1);
  if (pattern.port === "*" ? colon !== -1 && !/^\d{1,5}$/.test(port) : port !== pattern.port || (colon !== -1 && port === ""))
    return false;
  if (!pattern.isBelow) return host === pattern.host;
  // Whole labels of a host name, so that nothing can hide before the known end.
  return host.endsWith(pattern.host) && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(host.slice(0, -pattern.host.length));
}
