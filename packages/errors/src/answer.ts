import { encodePath, isThenable, type Environ, type HeaderList, type StartResponse } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { developmentPage } from "./development-page.ts";
import { negotiate, type AnswerType, type MediaType } from "./negotiate.ts";
import { htmlPage, jsonPage, pagePolicy, textPage } from "./page.ts";
import { judge, plain, type Problem, type Verdict } from "./problem.ts";

/** Makes a page of your own: whole HTML. Escape what you take from `problem` and `environ`. */
export type Page = (problem: Problem, environ: Environ) => string;

/** How errors are answered. */
export interface AnswerOptions {
  readonly debug: boolean;
  readonly pages: ReadonlyMap<number, Page>;
  readonly prefer: AnswerType;
  readonly makeId: () => string;
  readonly onError: ((error: unknown, id: string, environ: Environ) => unknown) | undefined;
}

/** A whole answer. */
interface Answer {
  readonly headers: HeaderList;
  readonly bytes: Uint8Array;
}

/**
 * Answers an error with what strangers may know of it, and puts the rest into the log.
 *
 * @throws what was thrown, when the head has gone or the client has left.
 */
export function answerError(error: unknown, environ: Environ, start: StartResponse, options: AnswerOptions): Uint8Array[] {
  const thrown = given(error);
  rethrowDeparture(thrown, environ);
  const verdict = judge(thrown, options.makeId);
  return begin(verdict, answerOf(verdict, environ, options), thrown, environ, start, options);
}

/** The same with all that a developer wants to see. */
export async function answerInDetail(
  error: unknown,
  environ: Environ,
  start: StartResponse,
  options: AnswerOptions,
): Promise<Uint8Array[]> {
  const thrown = given(error);
  rethrowDeparture(thrown, environ);
  const verdict = judge(thrown, options.makeId);
  // What the application meant to say needs no explanation.
  if (verdict.toLog === undefined) {
    return begin(verdict, answerOf(verdict, environ, options), thrown, environ, start, options);
  }
  const type = negotiate(environ.HTTP_ACCEPT, options.prefer);
  const { text, headers } = await developmentPage(type, verdict, thrown, environ);
  return begin(verdict, wrap(text, type, verdict, headers), thrown, environ, start, options);
}

/** What a client that wants a page gets of it for a status; `undefined` where it wants something else, or there is no such page. */
export function pageFor(problem: Problem, environ: Environ, options: AnswerOptions): Uint8Array | undefined {
  const make = options.pages.get(problem.code);
  if (make === undefined || negotiate(environ.HTTP_ACCEPT, options.prefer) !== "text/html") return undefined;
  try {
    const html: unknown = make(problem, environ);
    if (typeof html !== "string") throw new TypeError(`errors: the page for ${problem.code} gave no text`);
    return Buffer.from(html);
  } catch (error) {
    report(error, environ);
    return undefined;
  }
}

/** `startResponse` takes an `undefined` for none. */
function given(error: unknown): unknown {
  return error === undefined ? new Error("undefined was thrown") : error;
}

/** Nobody is there to be answered, and the gateway knows best what is worth a report. */
function rethrowDeparture(error: unknown, environ: Environ): void {
  const { signal } = environ["gateway.exchange"];
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  if (typeof reason === "object" && reason !== null && "code" in reason && reason.code === "CLIENT_GONE") throw error;
}

/** Begins the response. Only when that went well is it ours to report: else whoever is outside will. */
function begin(
  verdict: Verdict,
  { headers, bytes }: Answer,
  thrown: unknown,
  environ: Environ,
  start: StartResponse,
  options: AnswerOptions,
): Uint8Array[] {
  try {
    start(verdict.status, headers, thrown);
  } catch (error) {
    // The head has gone: the response can only be broken off.
    if (error === thrown) throw error;
    // A status or headers that may not be sent.
    const unfit = plain(500, thrown, verdict.id ?? options.makeId());
    const answer = answerOf(unfit, environ, options);
    start(unfit.status, answer.headers, thrown);
    log(error, unfit.id, environ, options);
    log(thrown, unfit.id, environ, options);
    return [answer.bytes];
  }
  if (verdict.toLog !== undefined) log(verdict.toLog, verdict.id, environ, options);
  return [bytes];
}

function answerOf(verdict: Verdict, environ: Environ, options: AnswerOptions): Answer {
  if (verdict.type !== undefined) {
    const bytes = Buffer.from(`${verdict.detail ?? verdict.status}\n`);
    return { headers: [["Content-Type", verdict.type], ["Content-Length", `${bytes.length}`], ...verdict.headers], bytes };
  }
  const type = negotiate(environ.HTTP_ACCEPT, options.prefer);
  if (type === "text/plain") return wrap(textPage(verdict), type, verdict);
  if (type !== "text/html") return wrap(jsonPage(verdict), type, verdict);
  const own = pageFor(verdict, environ, options);
  if (own !== undefined) return wrap(own, type, verdict);
  return wrap(htmlPage(verdict), type, verdict, [["Content-Security-Policy", pagePolicy]]);
}

function wrap(content: string | Uint8Array, type: MediaType, verdict: Verdict, more: HeaderList = []): Answer {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const headers: HeaderList = [
    ["Content-Type", type.startsWith("text/") ? `${type}; charset=utf-8` : type],
    ["Content-Length", `${bytes.length}`],
    ["Vary", "Accept"],
    ["X-Content-Type-Options", "nosniff"],
    ...more,
  ];
  // It is about this one request.
  const isNamed = (wanted: string): boolean => verdict.headers.some(([name]) => name.toLowerCase() === wanted);
  if (verdict.id !== undefined && !isNamed("cache-control")) headers.push(["Cache-Control", "no-store"]);
  headers.push(...verdict.headers);
  return { headers, bytes };
}

function log(error: unknown, id: string | undefined, environ: Environ, { onError }: AnswerOptions): void {
  if (onError === undefined) return report(error, environ, id);
  const failed = (problem: unknown): void => {
    report(problem, environ, id);
    report(error, environ, id);
  };
  try {
    const told = onError(error, id ?? "", environ);
    if (isThenable(told)) Promise.resolve(told).then(undefined, failed);
  } catch (problem) {
    failed(problem);
  }
}

function report(error: unknown, environ: Environ, id?: string): void {
  const stream = environ["wsgi.errors"];
  const { REQUEST_METHOD: method, SCRIPT_NAME: root, PATH_INFO: path } = environ;
  // Without the query, which may hold secrets; encoded, so that nobody writes a line of his own.
  const what = `${id === undefined ? "" : `${id} `}${method} ${encodePath(root + path)}: `;
  try {
    stream.write(what + errorText(error));
    stream.flush();
  } catch {
    console.error(what + errorText(error));
  }
}
