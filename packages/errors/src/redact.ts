import type { Environ } from "@gateway/core";

/** What stands for what is not shown. */
const hidden = "[hidden]";

/** Names of what nobody should see, in whatever they are a part of: `HTTP_X_API_KEY`, `sessionId`, `csrf_token`. */
const secretName =
  /auth|cookie|secret|token|passw|passphrase|pwd|key|credential|session|signature|private|csrf|xsrf|jwt|bearer|cert|otp|pin$|sid$/i;

/** Is it the name of something that nobody should see? */
export function isSecret(name: string): boolean {
  return secretName.test(name);
}

/**
 * The environ as a developer may see it: strings, numbers and booleans, in the order of the alphabet. What has the name of a secret is
 * hidden, also in queries, and so are the names and passwords in addresses. Of objects only the kind is told: a session holds secrets.
 */
export function shownEnviron(environ: Environ): readonly (readonly [key: string, value: string])[] {
  return Object.entries(environ)
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, shownValue(key, value)] as const);
}

function shownValue(key: string, value: unknown): string {
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) && key === "wsgi.version" ? value.join(".") : "[object]";
  if (typeof value === "function") return "[function]";
  if (isSecret(key)) return hidden;
  if (key === "QUERY_STRING") return shownQuery(String(value));
  return shownAddress(String(value));
}

/** An address, or any other text: what stands behind a `?` is a query, what stands before an `@` of an authority is hidden. */
function shownAddress(text: string): string {
  const question = text.indexOf("?");
  const before = question === -1 ? text : text.slice(0, question);
  const query = question === -1 ? "" : `?${shownQuery(text.slice(question + 1))}`;
  const scheme = before.indexOf("://");
  if (scheme === -1) return before + query;
  const start = scheme + 3;
  const slash = before.indexOf("/", start);
  const at = before.lastIndexOf("@", slash === -1 ? before.length : slash);
  return at < start ? before + query : `${before.slice(0, start)}${hidden}${before.slice(at)}${query}`;
}

function shownQuery(query: string): string {
  return query
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals === -1) return pair;
      const name = pair.slice(0, equals);
      return isSecret(decoded(name)) ? `${name}=${hidden}` : pair;
    })
    .join("&");
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The most causes that are followed: one may be its own cause. */
const maxCauses = 5;

/**
 * A copy of an error for those who show all that they find: name, message, stack and causes, and of its own properties those that are
 * plain and have no secret's name. Errors of HTTP clients carry whole requests, with their headers. What is no error becomes one.
 */
export function shownError(error: unknown, depth = 0): Error {
  try {
    return copyOf(error, depth);
  } catch {
    // Getters and proxies may throw, and an error that cannot be shown must not become another.
    return new Error("A value was thrown that cannot be shown.");
  }
}

function copyOf(error: unknown, depth: number): Error {
  if (!(error instanceof Error)) {
    const copy = new Error(`thrown: ${typeof error === "string" ? error : (JSON.stringify(error) ?? typeof error)}`);
    copy.stack = `Error: ${copy.message}`;
    return copy;
  }
  const copy = new Error(error.message);
  Object.defineProperty(copy, "name", { value: error.name, configurable: true, writable: true });
  Object.defineProperty(copy, "stack", { value: error.stack ?? "", configurable: true, writable: true });
  for (const [name, value] of Object.entries(error)) {
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (isPlain && !Object.hasOwn(copy, name)) {
      Object.defineProperty(copy, name, { value: isSecret(name) ? hidden : value, enumerable: true, configurable: true });
    }
  }
  if (error.cause !== undefined && depth < maxCauses) {
    Object.defineProperty(copy, "cause", { value: shownError(error.cause, depth + 1), configurable: true, writable: true });
  }
  return copy;
}
