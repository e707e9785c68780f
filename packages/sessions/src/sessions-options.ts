import { checkOptionNames } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { Environ } from "@gateway/core";
import { checkClock } from "./check-clock.ts";
import type { SessionSerializer } from "./contents.ts";
import { cookieNames, CookieWriter, type CookieNames, type CookieOptions } from "./cookie-options.ts";
import type { Secret } from "./secrets.ts";
import type { SessionStore } from "./store.ts";
import { freezeStored, storedCopy } from "./stored-value.ts";

/** What the store was asked for when it failed. */
export type StoreOperation = "read" | "write" | "touch" | "delete" | "prune";

/** What becomes of a request whose session store failed. */
export type StoreErrorVerdict = "fail" | "continue";

/** Settings of {@link sessions}. */
export interface SessionsOptions {
  /**
   * What cookies are sealed or signed with: at least 32 octets that nobody can guess. Of a list the first makes new cookies and all open old ones: put a
   * new one in front, and take the old one away when the cookies made with it are over.
   */
  secret: Secret | readonly Secret[];
  /** Where sessions are kept (default: nowhere, the whole session is in a sealed cookie). */
  store?: SessionStore | undefined;
  /**
   * Leaves it to the application when the store is read: by `await session.load()`, before anything else is done with the session (default false: read
   * before the application runs, when the request brings a valid cookie).
   */
  lazy?: boolean | undefined;
  /** The name of the cookie (default `"__Host-sid"` over https, `"sid"` over http). Two sessions in one onion need two names. */
  name?: string | undefined;
  /** Where in environ the session is (default `"gateway.session"`); must contain a dot. Say it in the type too: `sessions<Data, "app.admin">`. */
  environKey?: `${string}.${string}` | undefined;
  /** The attributes of the cookie, or a function of the request that gives them, called where a cookie may be set. */
  cookie?: CookieOptions | ((environ: Environ) => CookieOptions) | undefined;
  /** How long a session lasts that is not used, in seconds (default 604800: 7 days). A sealed cookie counts from when it was last set. */
  idleSeconds?: number | undefined;
  /** How long a session lasts in all, in seconds (default 2592000: 30 days); `Infinity` for no limit. */
  absoluteSeconds?: number | undefined;
  /** How much later the end of a session must become before reading it is worth a write or a cookie, in seconds (default 60). */
  touchSeconds?: number | undefined;
  /** Sets the cookie anew also for sessions that were only read, at most once in `touchSeconds` (default false). */
  rolling?: boolean | undefined;
  /** How large the text of a session may be in a store, in octets (default 65536). A sealed cookie must fit into 4096 in any case. */
  maxDataBytes?: number | undefined;
  /** Turns the session into text and back (default `JSON`). */
  serializer?: SessionSerializer | undefined;
  /** How often the store is asked to remove what has expired, in seconds (default 3600), after a save; `Infinity` for never. */
  pruneSeconds?: number | undefined;
  /**
   * What becomes of a request when the store fails (default `"fail"`: it is answered with 503, and the cause written to `wsgi.errors`). `"continue"` writes
   * it there too, and goes on: with an empty session if it could not be read, and without saving; `destroy()` still takes the cookie away. A function decides
   * from case to case.
   */
  onStoreError?:
    | StoreErrorVerdict
    | ((error: unknown, details: { readonly operation: StoreOperation; readonly environ: Environ }) => StoreErrorVerdict)
    | undefined;
  /** The clock, in milliseconds since 1970 (default `Date.now`). */
  now?: (() => number) | undefined;
}

/** The settings, checked; but for the secrets, which nothing that an application can reach shall hold. */
export interface Settings {
  readonly names: CookieNames;
  readonly cookie: CookieWriter;
  readonly store: SessionStore | undefined;
  readonly lazy: boolean;
  readonly environKey: `${string}.${string}`;
  readonly idleMilliseconds: number;
  readonly absoluteMilliseconds: number;
  readonly touchMilliseconds: number;
  readonly pruneMilliseconds: number;
  readonly rolling: boolean;
  readonly maxDataBytes: number;
  readonly serializer: SessionSerializer;
  /** Takes a value into the session: a copy that is what the serializer would give back. */
  readonly copy: (value: unknown, path: string) => unknown;
  readonly onStoreError: (error: unknown, operation: StoreOperation, environ: Environ) => StoreErrorVerdict;
  readonly now: () => number;
}

/** @throws {TypeError | RangeError} that says which setting is wrong, and what it should be. */
export function checkOptions(options: SessionsOptions): Settings {
  if (typeof options !== "object" || options === null)
    throw new TypeError("sessions: give options, a secret at least: sessions({ secret })");
  checkOptionNames("sessions", options, optionNames);
  const { store, environKey = "gateway.session", cookie = {}, serializer = JSON, now = Date.now } = options;
  if (typeof environKey !== "string" || !environKey.includes("."))
    throw new TypeError('sessions: environKey has a dot in it, such as "app.session"');
  checkClock("sessions", now);
  if (typeof serializer?.stringify !== "function" || typeof serializer.parse !== "function") {
    throw new TypeError("sessions: serializer has the functions stringify and parse");
  }
  if (store !== undefined) checkStore(store);
  else checkNoStore(options);
  const idleSeconds = seconds(options, "idleSeconds", 604_800);
  if (idleSeconds === Infinity)
    throw new RangeError("sessions: idleSeconds is finite: a session that is never used again must end");
  const names = cookieNames(options.name);
  return {
    names,
    cookie: new CookieWriter(names, cookie),
    store,
    lazy: flag(options, "lazy"),
    environKey,
    idleMilliseconds: idleSeconds * 1000,
    absoluteMilliseconds: seconds(options, "absoluteSeconds", 2_592_000) * 1000,
    touchMilliseconds: seconds(options, "touchSeconds", 60, 0) * 1000,
    pruneMilliseconds: seconds(options, "pruneSeconds", 3600) * 1000,
    rolling: flag(options, "rolling"),
    maxDataBytes: checkMaxDataBytes(options.maxDataBytes),
    serializer,
    copy: serializer === JSON ? storedCopy : roundTrip(serializer),
    onStoreError: verdict(options.onStoreError),
    now,
  };
}

const optionNames: Readonly<Record<keyof SessionsOptions, true>> = {
  secret: true,
  store: true,
  lazy: true,
  name: true,
  environKey: true,
  cookie: true,
  idleSeconds: true,
  absoluteSeconds: true,
  touchSeconds: true,
  rolling: true,
  maxDataBytes: true,
  serializer: true,
  pruneSeconds: true,
  onStoreError: true,
  now: true,
};

function checkStore(store: SessionStore): void {
  const fix = "make one with memoryStore(), redisStore(...) or another, or see SessionStore for what a store owes";
  if (typeof store !== "object" || store === null) throw new TypeError(`sessions: store is no object: ${fix}`);
  for (const method of ["read", "write", "touch", "delete"] as const) {
    if (typeof store[method] !== "function") throw new TypeError(`sessions: store has no method ${method}: ${fix}`);
  }
  if (typeof store.atomic !== "boolean") throw new TypeError(`sessions: store does not say whether it is atomic: ${fix}`);
}

/** An option that would do nothing is a mistake. */
function checkNoStore(options: SessionsOptions): void {
  for (const key of ["lazy", "maxDataBytes", "pruneSeconds", "onStoreError"] as const) {
    if (options[key] !== undefined) throw new TypeError(`sessions: ${key} is for sessions in a store, and no store is given`);
  }
}

function seconds(
  options: SessionsOptions,
  key: "idleSeconds" | "absoluteSeconds" | "touchSeconds" | "pruneSeconds",
  byDefault: number,
  least = 1,
): number {
  const value = options[key] ?? byDefault;
  if (typeof value !== "number" || !(value >= least))
    throw new RangeError(`sessions: ${key} is a number of seconds, at least ${least}`);
  return value;
}

function flag(options: SessionsOptions, key: "lazy" | "rolling"): boolean {
  const value = options[key] ?? false;
  if (typeof value !== "boolean") throw new TypeError(`sessions: ${key} is true or false`);
  return value;
}

function checkMaxDataBytes(given: number | undefined): number {
  const value = given ?? 65_536;
  if (!Number.isSafeInteger(value) || value < 2) throw new RangeError("sessions: maxDataBytes is a whole number of octets");
  return value;
}

function roundTrip(serializer: SessionSerializer): (value: unknown, path: string) => unknown {
  return (value, path) => {
    if (value === undefined) throw new TypeError(`session: ${path} is undefined: use delete`);
    const copy: unknown = serializer.parse(serializer.stringify([value]));
    return Array.isArray(copy) ? freezeStored<unknown>(copy[0]) : undefined;
  };
}

function verdict(given: SessionsOptions["onStoreError"]): Settings["onStoreError"] {
  const problem = 'sessions: onStoreError is "fail", "continue", or a function that gives one of them';
  if (typeof given === "function") {
    return (error, operation, environ) => {
      const decided: unknown = given(error, { operation, environ });
      if (decided !== "fail" && decided !== "continue") throw new TypeError(problem, { cause: error });
      return decided;
    };
  }
  const fixed = given ?? "fail";
  if (fixed !== "fail" && fixed !== "continue") throw new TypeError(problem);
  return () => fixed;
}

/** Writes to the error stream of the request. */
export function logError(environ: Environ, error: unknown): void {
  const errors = environ["wsgi.errors"];
  errors.write(errorText(error));
  errors.flush();
}
