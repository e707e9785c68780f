import { hash } from "node:crypto";
import {
  checkOptionNames,
  HTTPError,
  isThenable,
  layer,
  type Application,
  type Environ,
  type ExplainHook,
  type Header,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { byAddress } from "./by-address.ts";
import { memoryStore } from "./memory-store.ts";
import type { Verdict } from "./sliding-window.ts";
import type { RateLimitStore } from "./store.ts";

/** Settings of {@link rateLimit}. */
export interface RateLimitOptions {
  /** How much a key may use in any window of that length. */
  readonly limit: number;
  /** The length of the window, in seconds. */
  readonly windowSeconds: number;
  /** Who is counted (default `byAddress()`): a text for each client, or `undefined` for a request that is not counted. */
  readonly key?: ((environ: Environ) => string | undefined) | undefined;
  /** What a request uses up (default 1): whole numbers from 0 on. */
  readonly cost?: number | ((environ: Environ) => number) | undefined;
  /** Where it is counted (default `memoryStore()`). */
  readonly store?: RateLimitStore | undefined;
  /** Names the policy in the headers, and keeps its keys apart from those of others in the same store (default `"default"`). */
  readonly name?: string | undefined;
  /** What happens when the store fails or is late (default `"allow"`): `"refuse"` answers 503. */
  readonly whenStoreFails?: "allow" | "refuse" | undefined;
  /** How long the store may take, in seconds (default 1); it has failed then. */
  readonly storeTimeoutSeconds?: number | undefined;
  /** Whether answers tell the client what is left (default `"send"`): `RateLimit` and `RateLimit-Policy`. A 429 tells when to come back in any case. */
  readonly headers?: "send" | "omit" | undefined;
  /** Is told of each request that is refused, before it is (default: nobody is). What it throws goes to `wsgi.errors`. */
  readonly onLimited?: ((key: string, environ: Environ) => void) | undefined;
}

/** Longer keys are hashed, so that nobody fills a store with them. */
const maxKeyLength = 64;

/**
 * Lets each key use so much in any window of time, and answers 429 with `Retry-After` to what is beyond. What was refused uses up nothing. Synchronous with a
 * synchronous store.
 *
 * @throws {TypeError|RangeError} while wrapping, for a setting that makes no sense.
 */
export function rateLimit(options: RateLimitOptions): Middleware {
  checkOptions(options);
  const { limit, windowSeconds, key: keyOf = byAddress(), cost = 1, store = memoryStore(), name = "default", onLimited } = options;
  const { whenStoreFails = "allow", storeTimeoutSeconds = 1, headers = "send" } = options;
  const windowMilliseconds = windowSeconds * 1000;
  const policy: Header = ["RateLimit-Policy", `"${name}";q=${limit};w=${windowSeconds}`];
  const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
  let isFailing = false;

  const judge = (
    verdict: Verdict,
    key: string,
    app: Application,
    environ: Environ,
    startResponse: StartResponse,
  ): ResponseBody | Promise<ResponseBody> => {
    isFailing = false;
    const { isAllowed, used, freesInMilliseconds, retryInMilliseconds } = verdict;
    const left: Header = ["RateLimit", `"${name}";r=${Math.max(0, limit - used)};t=${seconds(freesInMilliseconds)}`];
    if (!isAllowed) {
      try {
        onLimited?.(key, environ);
      } catch (error) {
        environ["wsgi.errors"].write(errorText(error));
      }
      const isNever = retryInMilliseconds === Infinity;
      const wait = Math.max(1, seconds(retryInMilliseconds));
      throw new HTTPError(
        429,
        isNever ? "This request is more than the limit allows." : `Too many requests: try again in ${wait} s.`,
        {
          headers: [
            ...(isNever ? [] : [["Retry-After", String(wait)] satisfies Header]),
            ...(headers === "send" ? [policy, left] : []),
          ],
        },
      );
    }
    if (headers === "omit") return app(environ, startResponse);
    return app(environ, (status, list, excInfo) => {
      list.push(policy, left);
      return startResponse(status, list, excInfo);
    });
  };

  const failed = (
    error: unknown,
    app: Application,
    environ: Environ,
    startResponse: StartResponse,
  ): ResponseBody | Promise<ResponseBody> => {
    // Once, and not for every request while it lasts.
    if (!isFailing)
      environ["wsgi.errors"].write(
        `rateLimit: the store fails, requests are ${whenStoreFails === "allow" ? "let through" : "refused"}: ${errorText(error)}`,
      );
    isFailing = true;
    if (whenStoreFails === "allow") return app(environ, startResponse);
    throw new HTTPError(503, "The server cannot count requests at the moment: try again later.", {
      headers: [["Retry-After", "5"]],
    });
  };

  const remarks: ExplainHook = ({ processes }) =>
    processes > 1 && store.inProcess === true
      ? [
          `rateLimit(${JSON.stringify(name)}) counts in the memory of each of ${processes} processes, so ${processes} times as much is let through: use redisStore, or a ${processes}th of the limit.`,
        ]
      : [];

  return layer(
    (app) => (environ, startResponse) => {
      const given = keyOf(environ);
      if (given === undefined) return app(environ, startResponse);
      const weight = typeof cost === "number" ? cost : cost(environ);
      if (!Number.isSafeInteger(weight) || weight < 0)
        throw new RangeError(`rateLimit: a cost is a whole number from 0 on, not ${String(weight)}`);
      const key = `${name}:${fit(given)}`;
      let verdict: Verdict | Promise<Verdict>;
      try {
        verdict = store.take(key, weight, limit, windowMilliseconds);
      } catch (error) {
        return failed(error, app, environ, startResponse);
      }
      if (!isThenable(verdict)) return judge(verdict, given, app, environ, startResponse);
      return inTime(verdict, storeTimeoutSeconds).then(
        (known) => judge(known, given, app, environ, startResponse),
        (error: unknown) => failed(error, app, environ, startResponse),
      );
    },
    remarks,
  );
}

/** Visible ASCII of a bounded length, for any store. Nobody can write the hash of another's key: what begins like one is hashed too. */
function fit(key: string): string {
  return key.length <= maxKeyLength && /^(?!#)[!-~]*$/.test(key) ? key : `#${hash("sha256", key, "base64url")}`;
}

/** Clients of a store that is away may wait for it for ever. */
function inTime<T>(promise: PromiseLike<T>, seconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the store took longer than ${seconds} s`)), seconds * 1000);
    promise.then(
      (value) => {
        clearTimeout(late);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(late);
        reject(error);
      },
    );
  });
}

function checkOptions(options: RateLimitOptions): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError("rateLimit: give options: rateLimit({ limit, windowSeconds })");
  checkOptionNames("rateLimit", options, {
    limit: true,
    windowSeconds: true,
    key: true,
    cost: true,
    store: true,
    name: true,
    whenStoreFails: true,
    storeTimeoutSeconds: true,
    headers: true,
    onLimited: true,
  });
  const { limit, windowSeconds, cost = 1, name = "default", storeTimeoutSeconds = 1, key, onLimited, store } = options;
  const { whenStoreFails = "allow", headers = "send" } = options;
  // What is counted must be told exactly, also by Lua and by a header (RFC 9651: 15 digits).
  if (!Number.isInteger(limit) || limit < 1 || limit > 999_999_999_999)
    throw new RangeError(`rateLimit: limit is a whole number from 1 on, not ${String(limit)}`);
  if (!Number.isInteger(windowSeconds) || windowSeconds < 1 || windowSeconds > 31_536_000) {
    throw new RangeError(`rateLimit: windowSeconds is a whole number of seconds, a year at most, not ${String(windowSeconds)}`);
  }
  if (typeof cost !== "function" && (!Number.isSafeInteger(cost) || cost < 0)) {
    throw new RangeError(`rateLimit: cost is a whole number from 0 on, or a function, not ${String(cost)}`);
  }
  if (typeof name !== "string" || !/^[A-Za-z0-9_.-]{1,32}$/.test(name)) {
    throw new TypeError(`rateLimit: name is 1 to 32 letters, digits, "_", "." or "-", not ${JSON.stringify(name)}`);
  }
  if (typeof storeTimeoutSeconds !== "number" || !(storeTimeoutSeconds > 0 && storeTimeoutSeconds <= 3600)) {
    throw new RangeError(`rateLimit: storeTimeoutSeconds is a number of seconds, not ${String(storeTimeoutSeconds)}`);
  }
  if (whenStoreFails !== "allow" && whenStoreFails !== "refuse")
    throw new TypeError('rateLimit: whenStoreFails is "allow" or "refuse"');
  if (headers !== "send" && headers !== "omit") throw new TypeError('rateLimit: headers is "send" or "omit"');
  for (const [option, value] of Object.entries({ key, onLimited })) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`rateLimit: ${option} is a function`);
  }
  if (store !== undefined && typeof (store as { take?: unknown } | null)?.take !== "function") {
    throw new TypeError("rateLimit: store is memoryStore(), redisStore(), or an object with take()");
  }
}
