import { resolve } from "node:path";

/** What the environment says. */
export interface Settings {
  /** Where the secret, the logs and the embedded database are kept. */
  readonly folder: string;
  /** PostgreSQL; `undefined`: the embedded database. */
  readonly databaseUrl: string | undefined;
  /** Redis, for sessions and rate limits; `undefined`: sealed cookies, and limits of this process. */
  readonly redisUrl: string | undefined;
  /** Secrets of the sessions, the first one makes new ones; `undefined`: one that is kept in the folder. */
  readonly secrets: readonly string[] | undefined;
  /** Addresses of proxies in front. */
  readonly trustedProxies: readonly string[];
  /** Shows the source of errors to whoever meets one. */
  readonly isDebug: boolean;
}

/**
 * Reads the settings: `GUESTBOOK_FOLDER`, `DATABASE_URL`, `REDIS_URL`, `SECRET` (several by commas), `TRUST_PROXY` (addresses and networks by commas) and `GUESTBOOK_DEBUG=1`.
 * An empty variable is none.
 *
 * @throws {TypeError} for one that cannot be meant, without its value, which may be a secret.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>, defaultFolder: string): Settings {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const databaseUrl = checkUrl("DATABASE_URL", given("DATABASE_URL"), ["postgres:", "postgresql:"]);
  const redisUrl = checkUrl("REDIS_URL", given("REDIS_URL"), ["redis:", "rediss:", "unix:"]);
  const secrets = listOf(given("SECRET"));
  if (secrets.some((secret) => Buffer.byteLength(secret) < 32)) {
    throw new TypeError("SECRET has at least 32 characters: openssl rand -base64 32");
  }
  const debug = given("GUESTBOOK_DEBUG");
  if (debug !== undefined && debug !== "0" && debug !== "1") throw new TypeError("GUESTBOOK_DEBUG is 1 or 0");
  return {
    folder: resolve(given("GUESTBOOK_FOLDER") ?? defaultFolder),
    databaseUrl,
    redisUrl,
    secrets: secrets.length === 0 ? undefined : secrets,
    trustedProxies: listOf(given("TRUST_PROXY")),
    isDebug: debug === "1",
  };
}

function checkUrl(name: string, value: string | undefined, protocols: readonly string[]): string | undefined {
  if (value === undefined) return undefined;
  const protocol = protocols.find((each) => value.startsWith(each));
  if (protocol === undefined) throw new TypeError(`${name} begins with ${protocols.map((each) => `${each}//`).join(" or ")}`);
  return value;
}

function listOf(value: string | undefined): readonly string[] {
  return (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
