import {
  checkOptionNames,
  layer,
  type Application,
  type Environ,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { emptyInput, errorText } from "@gateway/core/gateway";
import { Deadlines } from "./deadlines.ts";
import { Gate } from "./gate.ts";
import { limitedInput, tooLarge } from "./limited-input.ts";
import { TimedRequest, type TimeLimit } from "./timed-request.ts";

/**
 * Why a request was refused, or given up: its body is too large, it took too long, too many waited already, or it waited too long.
 */
export type Refusal = "body" | "time" | "full" | "waited";

/** Settings of {@link limits}. */
export interface LimitsOptions {
  /** The largest request body, in bytes (default 16 MiB, 16777216; `Infinity`: any). More is answered 413. */
  readonly bodyBytes?: number | undefined;
  /**
   * How long a request may take, in seconds, from the call of the application to the end of its body (default 30; `Infinity`: for
   * ever). Then its `signal` is aborted, and it is answered 503 if the head has not gone, else broken off.
   */
  readonly seconds?: number | undefined;
  /** How many requests may be inside at a time (default `Infinity`: any number). */
  readonly concurrency?: number | undefined;
  /** How many requests may wait for a place inside (default 100). More are answered 503 at once. */
  readonly queue?: number | undefined;
  /** How long a request may wait for a place, in seconds (default 5; `Infinity`: for ever). Then it is answered 503. */
  readonly queueSeconds?: number | undefined;
  /** What `Retry-After` of a 503 says, in whole seconds (default 1). */
  readonly retryAfterSeconds?: number | undefined;
  /** Is told of each request that was refused or given up, for a metric or a log (default: nobody is). What it throws goes to `wsgi.errors`. */
  readonly onRefused?: ((refusal: Refusal, environ: Environ) => void) | undefined;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof LimitsOptions, true>> = {
  bodyBytes: true,
  seconds: true,
  concurrency: true,
  queue: true,
  queueSeconds: true,
  retryAfterSeconds: true,
  onRefused: true,
};

/**
 * Limits what a request may cost: the size of its body, its time, and how many are inside at once. Throws an `HTTPError` (413 or 503 with
 * `Retry-After`), so that a layer outside can say it in its own way.
 *
 * Does not limit how long a client takes to send or to read: that is the server's.
 *
 * @throws {TypeError} while wrapping, for an option of the wrong type. @throws {RangeError} for a number that is none.
 */
export function limits(options: LimitsOptions = {}): Middleware {
  checkOptionNames("limits", options, optionNames);
  const { bodyBytes = 16 * 1024 * 1024, seconds = 30, concurrency = Infinity, queue = 100, queueSeconds = 5 } = options;
  const { retryAfterSeconds = 1, onRefused } = options;
  checkCount("bodyBytes", bodyBytes, 0);
  checkCount("concurrency", concurrency, 1);
  checkCount("queue", queue, 0);
  if (!Number.isFinite(queue)) throw new RangeError("limits: the queue has an end: give a number of requests");
  checkSeconds("seconds", seconds);
  checkSeconds("queueSeconds", queueSeconds);
  checkCount("retryAfterSeconds", retryAfterSeconds, 0);
  if (retryAfterSeconds === Infinity) throw new RangeError("limits: retryAfterSeconds is a whole number of seconds");
  if (onRefused !== undefined && typeof onRefused !== "function") throw new TypeError("limits: onRefused is a function");

  const refused = (refusal: Refusal, environ: Environ): void => {
    try {
      onRefused?.(refusal, environ);
    } catch (error) {
      environ["wsgi.errors"].write(errorText(error));
    }
  };
  const time: TimeLimit | undefined =
    seconds === Infinity
      ? undefined
      : { deadlines: new Deadlines(seconds * 1000), retryAfterSeconds, refused: (environ) => refused("time", environ) };
  const gate =
    concurrency === Infinity
      ? undefined
      : new Gate({ concurrency, queue, queueMilliseconds: queueSeconds * 1000, retryAfterSeconds });

  return layer((app) => {
    const inner = time === undefined ? app : timed(app, time);
    const served = gate === undefined ? inner : gated(inner, gate, refused);
    return (environ, startResponse) => {
      limitBody(environ, bodyBytes, refused);
      return served(environ, startResponse);
    };
  });
}

type Refused = (refusal: Refusal, environ: Environ) => void;

function limitBody(environ: Environ, bytes: number, refused: Refused): void {
  const { CONTENT_LENGTH: length } = environ;
  if (length !== undefined) {
    // The input never gives more than that. What is no number is no small one.
    if (Number(length) <= bytes) return;
    refused("body", environ);
    throw tooLarge(bytes);
  }
  const input = environ["wsgi.input"];
  if (input === emptyInput || bytes === Infinity) return;
  environ["wsgi.input"] = limitedInput(input, bytes, () => refused("body", environ));
}

function timed(app: Application, limit: TimeLimit): Application {
  return (environ, startResponse) => {
    const request = new TimedRequest(limit, environ, startResponse);
    return request.respond(app(environ, request.startResponse));
  };
}

function gated(app: Application, gate: Gate, refused: Refused): Application {
  const serve = (environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody> => {
    const exchange = environ["gateway.exchange"];
    let answer: ResponseBody | Promise<ResponseBody>;
    try {
      answer = app(environ, startResponse);
    } catch (error) {
      gate.leave();
      throw error;
    }
    // Nothing of the application is left: no code that runs, nothing that is to be closed. And asking for the end costs.
    if (Array.isArray(answer) && !("close" in answer)) gate.leave();
    else exchange.onEnd(gate.leave);
    return answer;
  };
  return (environ, startResponse) => {
    if (gate.enter()) return serve(environ, startResponse);
    return gate.wait(environ["gateway.exchange"], (why) => refused(why, environ)).then(() => serve(environ, startResponse));
  };
}

/** A whole number from `least` on, or `Infinity`. */
function checkCount(name: string, value: number, least: number): void {
  if (typeof value !== "number") throw new TypeError(`limits: ${name} is a number, not ${typeof value}`);
  if (value !== Infinity && !(Number.isSafeInteger(value) && value >= least)) {
    throw new RangeError(`limits: ${name} is a whole number from ${least} on, not ${value}`);
  }
}

/** A day: far above what anybody waits, and below what a timer takes. */
const maxSeconds = 86_400;

function checkSeconds(name: string, value: number): void {
  if (typeof value !== "number") throw new TypeError(`limits: ${name} is a number of seconds, not ${typeof value}`);
  if (value !== Infinity && !(value > 0 && value <= maxSeconds)) {
    throw new RangeError(`limits: ${name} is a number of seconds above 0, at most ${maxSeconds} or Infinity, not ${value}`);
  }
}
