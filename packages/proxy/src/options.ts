import { isToken, type Environ } from "@gateway/core";
import { checkNumbers, clientLimitDefaults, clientLimitNumbers, type ClientLimits } from "@gateway/sockets";
import type { ConnectionOptions } from "node:tls";
import { forwardedHeaders, type ForwardedHeader } from "./forwarded-headers.ts";
import { parseOrigin, type Origin } from "./origin.ts";
import type { RequestRules } from "./request-head.ts";

/** Settings of {@link httpApp}. */
export interface HttpAppOptions extends ClientLimits {
  /**
   * Where the back end is: `"http://127.0.0.1:8000"`, `"https://app.example"`, `"unix:/run/app.sock"`. A path in it goes before each path. Several
   * take turns, and one that cannot be reached is passed over.
   */
  origin: string | readonly string[];
  /** For how long one of several that could not be reached is asked only when no other is left, in seconds (default 10). */
  downSeconds?: number;
  /** Whether connections are kept for the next request (default true). */
  keepAlive?: boolean;
  /** How long a connection may wait for its next request, in seconds (default 4, less than servers do); `Keep-Alive: timeout` shortens it. */
  keepAliveSeconds?: number;
  /** How long a body waits for the 100 of the back end, where the client asked for one, in seconds (default 1). */
  continueSeconds?: number;
  /** Whether the back end gets the Host of the client (default true), or that of the origin. */
  preserveHost?: boolean;
  /** Whether SCRIPT_NAME stays on the path (default `"keep"`), or the back end gets PATH_INFO only, and the rest in `X-Forwarded-Prefix`. */
  scriptName?: "keep" | "strip";
  /**
   * The headers that tell the back end who asked (default `["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"]`, and `"X-Forwarded-Prefix"`
   * where `scriptName` is `"strip"`); also `"X-Forwarded-Port"`, `"X-Real-IP"`, `"Forwarded"`. Made of REMOTE_ADDR, scheme and Host of the environ.
   */
  forwardedHeaders?: readonly ForwardedHeader[];
  /**
   * What becomes of such headers that came with the request (default `"drop"`: a client may write in them what it likes). `"append"` keeps them
   * before what is added, for behind `forwarded()` of `@gateway/forwarded`. Those that are not named above are dropped in any case.
   */
  incomingForwarded?: "drop" | "append";
  /** What stands for this proxy in the `Via` of requests (default `"gateway"`): a token, or `""` for none. */
  via?: string;
  /** More request headers, or others in the place of those there are; `undefined` takes one out (default: none). */
  headers?: Readonly<Record<string, string>> | ((environ: Environ) => Readonly<Record<string, string | undefined>>);
  /** For https: `ca`, `cert`, `key` … of `tls.connect` (default: none). The certificate of the back end is verified unless told otherwise. */
  tls?: ConnectionOptions;
}

/** What the connections to one server need. */
export interface PoolSettings extends Readonly<Required<ClientLimits>> {
  readonly keepAlive: boolean;
  readonly keepAliveSeconds: number;
  readonly continueSeconds: number;
  readonly tls: ConnectionOptions;
}

/** The options, checked. */
export interface Settings {
  readonly origins: readonly Origin[];
  readonly downSeconds: number;
  readonly pool: PoolSettings;
  readonly rules: RequestRules;
}

const defaults: Omit<Required<HttpAppOptions>, "forwardedHeaders"> & { forwardedHeaders: readonly ForwardedHeader[] | undefined } =
  {
    ...clientLimitDefaults,
    maxConnections: 128,
    origin: [],
    downSeconds: 10,
    keepAlive: true,
    keepAliveSeconds: 4,
    continueSeconds: 1,
    preserveHost: true,
    scriptName: "keep",
    forwardedHeaders: undefined,
    incomingForwarded: "drop",
    via: "gateway",
    headers: {},
    tls: {},
  };

const numbers = { ...clientLimitNumbers, downSeconds: "number", keepAliveSeconds: "number", continueSeconds: "number" } as const;

/** @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense. */
export function settingsOf(options: HttpAppOptions): Settings {
  if (typeof options !== "object" || options === null)
    throw new TypeError("the options of httpApp are an object: { origin } at least");
  for (const name of Object.keys(options)) if (!Object.hasOwn(defaults, name)) throw new TypeError(`httpApp has no option ${name}`);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as HttpAppOptions;
  const all = { ...defaults, ...given };
  const { origin, downSeconds, headers, scriptName, via, preserveHost, keepAlive, incomingForwarded, ...pool } = all;
  checkNumbers(numbers, all);
  if (all.maxConnections === 0) throw new RangeError("maxConnections is a number from 1");
  for (const [name, value] of Object.entries({ preserveHost, keepAlive }))
    if (typeof value !== "boolean") throw new TypeError(`${name} is true or false`);
  if (scriptName !== "keep" && scriptName !== "strip") throw new TypeError('scriptName is "keep" or "strip"');
  if (incomingForwarded !== "drop" && incomingForwarded !== "append")
    throw new TypeError('incomingForwarded is "drop" or "append"');
  if (via !== "" && !isToken(via)) throw new TypeError('via is a token, or "" for none');
  if (typeof headers !== "function" && (typeof headers !== "object" || headers === null))
    throw new TypeError("headers is an object, or a function that makes one of an environ");
  if (typeof all.tls !== "object" || all.tls === null) throw new TypeError("tls is an object: options of tls.connect");
  const origins = (Array.isArray(origin) ? origin : [origin]) as readonly string[];
  if (origins.length === 0) throw new TypeError("origin names at least one back end");
  return {
    origins: origins.map((one) => parseOrigin(one)),
    downSeconds,
    pool: { ...pool, keepAlive },
    rules: {
      scriptName,
      preserveHost,
      via,
      keepAlive,
      headers: typeof headers === "function" ? headers : () => headers,
      forwarding: {
        headers: namesOf(all.forwardedHeaders, scriptName === "strip"),
        incoming: incomingForwarded,
        isPrefixStripped: scriptName === "strip",
      },
    },
  };
}

function namesOf(given: readonly ForwardedHeader[] | undefined, isPrefixStripped: boolean): readonly ForwardedHeader[] {
  if (given === undefined) {
    const usual: readonly ForwardedHeader[] = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"];
    return isPrefixStripped ? [...usual, "X-Forwarded-Prefix"] : usual;
  }
  if (!Array.isArray(given)) throw new TypeError("forwardedHeaders is an array of header names");
  for (const name of given)
    if (!forwardedHeaders.includes(name))
      throw new TypeError(`forwardedHeaders has names like "X-Forwarded-For", not ${JSON.stringify(name)}`);
  return given;
}
