import {
  checkOptionNames,
  isThenable,
  layer,
  type Application,
  type Environ,
  type HeaderList,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { answerError, answerInDetail, type AnswerOptions, type Page } from "./answer.ts";
import { guardAsync, guardSync } from "./guarded-body.ts";
import type { AnswerType } from "./negotiate.ts";
import { ownPage, type Silent } from "./silent-answer.ts";

/** Settings of {@link errors}. */
export interface ErrorsOptions {
  /**
   * Whether the answer shows source, stack and environ (default `false`). For the machine of a developer: whoever can send a request sees
   * them. Nothing in a request turns it on.
   */
  readonly debug?: boolean | undefined;
  /**
   * Pages of your own by status, 400 to 599: `{ 404: () => html }` (default: none). For errors that are thrown, and for answers of the
   * application that say nothing but their status. Only clients that want HTML get them.
   */
  readonly pages?: Readonly<Record<number, Page | undefined>> | undefined;
  /** What a client gets that accepts anything, such as `curl` (default `"text"`). */
  readonly prefer?: AnswerType | undefined;
  /** Takes what belongs into the log (default: it is written to `wsgi.errors`). What it throws is written there, with the error. */
  readonly onError?: ((error: unknown, id: string, environ: Environ) => void | Promise<void>) | undefined;
  /**
   * Makes the id that stands in the answer and in the log (default: a random UUID). A random UUID is taken also where it throws, or gives something else
   * than 1 to 128 characters of visible ASCII: the error itself must not get lost for that.
   */
  readonly generateId?: (() => string) | undefined;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof ErrorsOptions, true>> = {
  debug: true,
  pages: true,
  prefer: true,
  onError: true,
  generateId: true,
};

/**
 * Answers what an application throws before its head has gone: with a page, JSON (RFC 9457) or text, as the client accepts. An `HTTPError` says its
 * status, its headers and its message; anything else becomes a 500 that tells nothing but an id, which is in the log too. What is thrown later is
 * thrown on, so that the response is broken off.
 *
 * @throws {TypeError} while wrapping, for an option of the wrong type. @throws {RangeError} for a page of a status that is no error.
 */
export function errors(options: ErrorsOptions = {}): Middleware {
  const checked = check(options);
  return layer((app) => {
    const inner: Application = checked.pages.size === 0 ? app : withPages(app, checked);
    return checked.debug ? inDetail(inner, checked) : briefly(inner, checked);
  });
}

function check(options: ErrorsOptions): AnswerOptions {
  checkOptionNames("errors", options, optionNames);
  const { debug = false, pages = {}, prefer = "text", onError, generateId } = options;
  if (typeof debug !== "boolean") throw new TypeError("errors: debug is true or false");
  if (prefer !== "text" && prefer !== "html" && prefer !== "json") {
    throw new TypeError(`errors: prefer is "text", "html" or "json", not ${JSON.stringify(prefer)}`);
  }
  if (onError !== undefined && typeof onError !== "function") throw new TypeError("errors: onError is a function");
  if (generateId !== undefined && typeof generateId !== "function") throw new TypeError("errors: generateId is a function");
  if (typeof pages !== "object" || pages === null)
    throw new TypeError("errors: pages are functions by status: { 404: () => html }");
  const byCode = new Map<number, Page>();
  for (const [key, page] of Object.entries<Page | undefined>(pages)) {
    if (page === undefined) continue;
    const code = Number(key);
    if (!Number.isInteger(code) || code < 400 || code > 599) {
      throw new RangeError(`errors: ${JSON.stringify(key)} is no error status (400 to 599)`);
    }
    if (typeof page !== "function") throw new TypeError(`errors: the page for ${code} is a function that gives HTML`);
    byCode.set(code, page);
  }
  return { debug, pages: byCode, prefer, onError, makeId: generateId === undefined ? randomId : fitId(generateId) };
}

const randomId = (): string => crypto.randomUUID();

/** An id that fits into a line of a log, whatever the setting gives. */
function fitId(generate: () => string): () => string {
  return () => {
    let id: unknown;
    try {
      id = generate();
    } catch {
      return randomId();
    }
    return typeof id === "string" && /^[!-~]{1,128}$/.test(id) ? id : randomId();
  };
}

function briefly(app: Application, options: AnswerOptions): Application {
  const answer = (error: unknown, environ: Environ, start: StartResponse): Uint8Array[] =>
    answerError(error, environ, start, options);
  const guard = (body: ResponseBody, environ: Environ, start: StartResponse): ResponseBody => {
    if (!isStream(body)) return body;
    const instead = (error: unknown): Uint8Array[] => answer(error, environ, start);
    return Symbol.asyncIterator in body ? guardAsync(body, instead) : guardSync(body, instead);
  };
  return (environ, start) => {
    try {
      const body = app(environ, start);
      if (!isThenable(body)) return Array.isArray(body) ? body : guard(body, environ, start);
      return Promise.resolve(body).then(
        (settled) => guard(settled, environ, start),
        (error: unknown) => answer(error, environ, start),
      );
    } catch (error) {
      return answer(error, environ, start);
    }
  };
}

/** In development an answer has to be waited for, and a synchronous stream may become an asynchronous one. */
function inDetail(app: Application, options: AnswerOptions): Application {
  const guard = (body: ResponseBody, environ: Environ, start: StartResponse): ResponseBody =>
    isStream(body) ? guardAsync(body, (error) => answerInDetail(error, environ, start, options)) : body;
  return (environ, start) => {
    try {
      const body = app(environ, start);
      if (!isThenable(body)) return guard(body, environ, start);
      return Promise.resolve(body).then(
        (settled) => guard(settled, environ, start),
        (error: unknown) => answerInDetail(error, environ, start, options),
      );
    } catch (error) {
      return answerInDetail(error, environ, start, options);
    }
  };
}

/** A body that may throw when it is first pulled. An array does not, and the kind of a file must stay what it is. */
function isStream(body: ResponseBody): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body) || "blockSize" in body) return false;
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}

/** Gives answers that say nothing but their status the page for it. */
function withPages(app: Application, options: AnswerOptions): Application {
  return (environ, startResponse) => {
    let silent: Silent | undefined;
    const body = app(environ, (status, headers, excInfo) => {
      // A copy, because what is given belongs to the server, and layers outside push to it.
      silent = isError(status) && options.pages.has(Number(status.slice(0, 3))) ? { status, headers: copy(headers) } : undefined;
      const write = startResponse(status, headers, excInfo);
      if (silent === undefined) return write;
      return (chunk) => {
        silent = undefined; // it says more
        return write(chunk);
      };
    });
    if (isThenable(body)) {
      return Promise.resolve(body).then((settled) =>
        silent === undefined ? settled : ownPage(settled, silent, environ, startResponse, options),
      );
    }
    return silent === undefined ? body : ownPage(body, silent, environ, startResponse, options);
  };
}

function isError(status: unknown): status is string {
  return typeof status === "string" && status >= "4";
}

function copy(headers: HeaderList): HeaderList {
  return Array.isArray(headers) ? [...headers] : [];
}
