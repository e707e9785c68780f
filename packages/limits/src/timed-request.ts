import {
  ExchangeAborted,
  HTTPError,
  isThenable,
  type Ending,
  type Environ,
  type ErrorStream,
  type Exchange,
  type HeaderList,
  type ResponseBody,
  type StartResponse,
  type Write,
} from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { Deadline, type Deadlines } from "./deadlines.ts";
import { timedBody } from "./timed-body.ts";

/** What all requests of a layer share. */
export interface TimeLimit {
  readonly deadlines: Deadlines;
  readonly retryAfterSeconds: number;
  /** Is told of each request that took too long. */
  readonly refused: (environ: Environ) => void;
}

/**
 * One request that may take only so long: what the application gets instead of the exchange and of `startResponse`, and what
 * becomes of what it returns.
 *
 * Fields are `private` and not `#private`: one of these is made for every request, and the former cost half as much.
 */
export class TimedRequest extends Deadline {
  /** Why the response is given up; `undefined` while there is time. */
  failure: HTTPError | undefined = undefined;
  /** Is told when the time is over. */
  onExpire: ((failure: HTTPError) => void) | undefined = undefined;

  private readonly limit: TimeLimit;
  private readonly environ: Environ;
  private readonly outer: Exchange;
  private readonly start: StartResponse;
  private controller: AbortController | undefined = undefined;
  private reason: ExchangeAborted | undefined = undefined;

  constructor(limit: TimeLimit, environ: Environ, start: StartResponse) {
    super();
    this.limit = limit;
    this.environ = environ;
    this.outer = environ["gateway.exchange"];
    this.start = start;
    environ["gateway.exchange"] = new TimedExchange(this.outer, this);
  }

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    // Nobody hears it any more. Not refused, or a body that must be closed would never be handed over.
    if (this.failure !== undefined) return this.refuseWrite;
    const write = this.start(status, headers, excInfo);
    return (chunk) => (this.failure === undefined ? write(chunk) : this.refuseWrite(chunk));
  };

  private readonly refuseWrite: Write = () => {
    throw this.reason;
  };

  /** The signal of the request: aborted when the outer one is, or when the time is over. */
  signal(): AbortSignal {
    if (this.controller !== undefined) return this.controller.signal;
    const controller = new AbortController();
    this.controller = controller;
    const { signal } = this.outer;
    if (this.reason !== undefined) controller.abort(this.reason);
    else if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
    return controller.signal;
  }

  /** What goes to the server for what the application returned. */
  respond(answer: ResponseBody | Promise<ResponseBody>): ResponseBody | Promise<ResponseBody> {
    if (!isThenable(answer)) {
      if (isWhole(answer)) return answer;
      this.limit.deadlines.add(this);
      return timedBody(answer, this);
    }
    this.limit.deadlines.add(this);
    return new Promise((resolve, reject) => {
      this.onExpire = reject;
      Promise.resolve(answer).then(
        (body) => {
          this.onExpire = undefined;
          if (this.failure !== undefined) return this.discard(body);
          if (!isWhole(body)) return resolve(timedBody(body, this));
          this.finish();
          resolve(body);
        },
        (error: unknown) => {
          this.onExpire = undefined;
          if (this.failure !== undefined) return this.report(error);
          this.finish();
          reject(error);
        },
      );
    });
  }

  /** Nothing of the application runs any more. */
  finish(): void {
    this.limit.deadlines.remove(this);
  }

  expire(): void {
    this.reason = new ExchangeAborted("TIME_LIMIT");
    this.failure = new HTTPError(503, "The request took longer than the server allows. Please try again.", {
      headers: [["Retry-After", `${this.limit.retryAfterSeconds}`]],
    });
    this.limit.refused(this.environ);
    this.controller?.abort(this.reason);
    this.onExpire?.(this.failure);
  }

  /** What the application throws when nobody waits for it any more: to the log, unless it says just that. */
  report(error: unknown): void {
    const { failure, reason } = this;
    if (error === failure || error === reason) return;
    // Functions of Node that take a signal reject with an AbortError whose cause is its reason.
    if (error instanceof Error && error.cause !== undefined && error.cause === reason) return;
    const errors: ErrorStream = this.environ["wsgi.errors"];
    errors.write(errorText(error));
    errors.flush();
  }

  /** A body that came too late is only closed. */
  private discard(body: ResponseBody): void {
    try {
      const closing = body?.close?.();
      if (isThenable(closing)) Promise.resolve(closing).then(undefined, (error: unknown) => this.report(error));
    } catch (error) {
      this.report(error);
    }
  }
}

/** What the application sees: the exchange outside, with a signal that knows of the time limit. */
class TimedExchange implements Exchange {
  readonly #outer: Exchange;
  readonly #request: TimedRequest;

  constructor(outer: Exchange, request: TimedRequest) {
    this.#outer = outer;
    this.#request = request;
  }

  get signal(): AbortSignal {
    return this.#request.signal();
  }

  onEnd(listener: (ending: Ending) => void): void {
    this.#outer.onEnd(listener);
  }

  earlyHints(headers: HeaderList): void {
    this.#outer.earlyHints(headers);
  }
}

/** An array, or a file: nothing of the application runs while it is sent, and its kind must stay what it is. */
function isWhole(body: ResponseBody): boolean {
  if (Array.isArray(body)) return true;
  // What `wsgi.file_wrapper` makes, of this copy of core or another.
  return typeof body === "object" && body !== null && "file" in body && "blockSize" in body && typeof body.blockSize === "number";
}
