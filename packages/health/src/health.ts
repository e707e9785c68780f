import {
  checkOptionNames,
  isThenable,
  layer,
  whenReady,
  type Environ,
  type HeaderList,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { Checks, type Check, type CheckResults } from "./run-checks.ts";

/** Settings of {@link health}. */
export interface HealthOptions {
  /** The path that tells whether the process answers at all (default `"/livez"`); `false` for none. */
  readonly live?: string | false | undefined;
  /** The path that tells whether it should get requests (default `"/readyz"`); `false` for none. */
  readonly ready?: string | false | undefined;
  /** What must be there for it to be ready, by name (default: nothing). */
  readonly checks?: Readonly<Record<string, Check | undefined>> | undefined;
  /** How long a check may take, in seconds (default 2): it has failed then. Those that asking programs set are often 1 to 5. */
  readonly timeoutSeconds?: number | undefined;
  /** For how long the results of the checks hold, in seconds (default 1), whoever asks. 0: they run for each request, but never twice at a time. */
  readonly cacheSeconds?: number | undefined;
  /** Not ready any more once this is aborted (default: none); the same as calling {@link Health.drain}. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Who may see the results of the checks, with the messages of what they threw: `(environ) => boolean` (default: nobody). They are shown as JSON to those who
   * ask with `?verbose`; everybody else gets one word.
   */
  readonly details?: ((environ: Environ) => boolean) | undefined;
  /** A clock in milliseconds (default: `performance.now`). */
  readonly now?: (() => number) | undefined;
}

/** The layer, and what steers it. */
export interface Health extends Middleware {
  /** Not ready from now on, for good: call it when the process is told to stop, before the server stops. It stays live. */
  drain(): void;
  /** Has it been called, or the signal been aborted? */
  readonly isDraining: boolean;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof HealthOptions, true>> = {
  live: true,
  ready: true,
  checks: true,
  timeoutSeconds: true,
  cacheSeconds: true,
  signal: true,
  details: true,
  now: true,
};

type State = "live" | "ready" | "not ready" | "draining";

/**
 * Answers two paths for those who watch the process: is it live, is it ready? Readiness is what the checks say, and never while draining. Other paths
 * are the application's.
 *
 * @throws {TypeError|RangeError} while wrapping, for a setting that makes no sense.
 */
export function health(options: HealthOptions = {}): Health {
  checkOptionNames("health", options, optionNames);
  const { live = "/livez", ready = "/readyz", checks = {}, timeoutSeconds = 2, cacheSeconds = 1, details, signal } = options;
  checkOptions({ ...options, live, ready, timeoutSeconds, cacheSeconds });
  const now = options.now ?? (() => performance.now());
  const runner = new Checks(checks, timeoutSeconds, now);
  let isDraining = false;
  let known: { results: CheckResults; at: number } | undefined;
  let running: Promise<CheckResults> | undefined;
  const failing = new Set<string>();

  const learn = (results: CheckResults, environ: Environ): CheckResults => {
    known = { results, at: now() };
    running = undefined;
    for (const [name, { status, error }] of Object.entries(results)) {
      if (status === "pass") failing.delete(name);
      // Once, and not for every request while it lasts.
      else if (!failing.has(name)) {
        failing.add(name);
        environ["wsgi.errors"].write(`health: the check ${JSON.stringify(name)} fails: ${errorText(error)}`);
      }
    }
    return results;
  };

  const results = (environ: Environ): CheckResults | Promise<CheckResults> => {
    if (known !== undefined) {
      // Below 0 where a clock was set back: results must not hold until it is where it was.
      const age = now() - known.at;
      if (age >= 0 && age < cacheSeconds * 1000) return known.results;
    }
    if (running !== undefined) return running;
    const answer = runner.run();
    if (!isThenable(answer)) return learn(answer, environ);
    running = Promise.resolve(answer).then((all) => learn(all, environ));
    return running;
  };

  const answer = (environ: Environ, startResponse: StartResponse, state: State, all: CheckResults = {}): ResponseBody => {
    const isVerbose = asksForDetails(environ.QUERY_STRING) && details?.(environ) === true;
    const text = isVerbose ? JSON.stringify({ status: state, checks: shown(all) }) : state;
    startResponse(state === "live" || state === "ready" ? "200 OK" : "503 Service Unavailable", [
      ["Content-Type", isVerbose ? "application/json" : "text/plain; charset=utf-8"],
      ...notStored,
    ]);
    return [Buffer.from(`${text}\n`)];
  };

  const answerReady = (environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody> => {
    if (isDraining || signal?.aborted === true) return answer(environ, startResponse, "draining");
    return whenReady(results(environ), (all) => {
      // It may have been told meanwhile.
      const isReady = Object.values(all).every(({ status }) => status === "pass");
      return answer(
        environ,
        startResponse,
        isDraining || signal?.aborted === true ? "draining" : isReady ? "ready" : "not ready",
        all,
      );
    });
  };

  const middleware = layer((app) => (environ, startResponse) => {
    const path = environ.PATH_INFO;
    if (path !== live && path !== ready) return app(environ, startResponse);
    if (environ.REQUEST_METHOD !== "GET" && environ.REQUEST_METHOD !== "HEAD") {
      startResponse("405 Method Not Allowed", [
        ["Allow", "GET, HEAD"],
        ["Content-Type", "text/plain; charset=utf-8"],
        ...notStored,
      ]);
      return [Buffer.from("Only GET and HEAD are allowed here.\n")];
    }
    return path === live ? answer(environ, startResponse, "live") : answerReady(environ, startResponse);
  });
  const control = {
    drain: () => void (isDraining = true),
    get isDraining() {
      return isDraining || signal?.aborted === true;
    },
  };
  return Object.defineProperties(middleware, Object.getOwnPropertyDescriptors(control)) as Health;
}

const notStored: HeaderList = [["Cache-Control", "no-store"]];

/** `?verbose`, as Kubernetes asks itself, alone or among others, with a value or without. */
function asksForDetails(query: string): boolean {
  return query !== "" && query.split("&").some((part) => part === "verbose" || part.startsWith("verbose="));
}

function shown(results: CheckResults): Record<string, object> {
  return Object.fromEntries(
    Object.entries(results).map(([name, { status, milliseconds, error }]) => {
      const message = error instanceof Error ? error.message : String(error);
      return [name, status === "pass" ? { status, milliseconds } : { status, milliseconds, error: message }];
    }),
  );
}

function checkOptions({
  live,
  ready,
  checks,
  timeoutSeconds,
  cacheSeconds,
  signal,
  details,
  now,
}: Required<Pick<HealthOptions, "live" | "ready" | "timeoutSeconds" | "cacheSeconds">> & HealthOptions): void {
  for (const [name, path] of Object.entries({ live, ready })) {
    if (path === false) continue;
    if (typeof path !== "string" || !path.startsWith("/") || path.includes("?")) {
      throw new TypeError(
        `health: ${name} is a path that begins with a slash, like "/${name}z", or false; not ${JSON.stringify(path)}`,
      );
    }
  }
  if (live === ready && typeof live === "string") throw new TypeError(`health: live and ready are both ${JSON.stringify(live)}`);
  if (checks !== undefined && (typeof checks !== "object" || checks === null))
    throw new TypeError("health: checks is an object of functions");
  for (const [name, check] of Object.entries(checks ?? {})) {
    if (check !== undefined && typeof check !== "function")
      throw new TypeError(`health: the check ${JSON.stringify(name)} is no function`);
  }
  // A timer takes no more than that.
  if (typeof timeoutSeconds !== "number" || !(timeoutSeconds > 0 && timeoutSeconds <= 2_000_000)) {
    throw new RangeError(`health: timeoutSeconds is a positive number of seconds, not ${String(timeoutSeconds)}`);
  }
  if (typeof cacheSeconds !== "number" || !(cacheSeconds >= 0)) {
    throw new RangeError(`health: cacheSeconds is a number of seconds, not ${String(cacheSeconds)}`);
  }
  if (signal !== undefined && typeof signal.aborted !== "boolean") throw new TypeError("health: signal is an AbortSignal");
  for (const [name, value] of Object.entries({ details, now })) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`health: ${name} is a function`);
  }
}
