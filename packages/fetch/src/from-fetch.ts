import {
  checkOptionNames,
  isHopByHop,
  statusLine,
  type Application,
  type Environ,
  type HeaderList,
  type ResponseBody,
  type StartResponse,
  whenReady,
} from "@gateway/core";
import { errorText, namedByConnection, optionalFunction } from "@gateway/core/gateway";
import { isLight } from "./light-switch.ts";
import { LightResponse } from "./light-response.ts";
import { requestOf, type ScriptNameUse } from "./request-of.ts";
import { responseBody } from "./response-body.ts";

/** What {@link fromFetch} gives handlers as their second argument by default: `c.env` in Hono. */
export interface GatewayBindings {
  readonly environ: Environ;
}

/** The third argument of handlers, as workers have it. */
export interface ExecutionContext {
  /** Work that goes on after the response: what it rejects with goes to `wsgi.errors`. Nothing waits for it. */
  waitUntil(promise: Promise<unknown>): void;
  /** Does nothing: there is no origin behind this. */
  passThroughOnException(): void;
  /** Empty. */
  props: Record<string, never>;
}

/** A handler of `Request`s, or an object that has one as its method `fetch`. */
export type FetchHandler<Bindings = GatewayBindings> =
  | ((request: Request, bindings: Bindings, context: ExecutionContext) => Response | Promise<Response>)
  | { fetch(request: Request, bindings: Bindings, context: ExecutionContext): Response | Promise<Response> };

/** Settings of {@link fromFetch}. */
export interface FromFetchOptions<Bindings = GatewayBindings> {
  /**
   * What the URL of the `Request` has of `SCRIPT_NAME`: `"remove"` (the default) leaves it out, as routers see the path when they are mounted;
   * `"keep"` gives the URL that the client asked for.
   */
  scriptName?: ScriptNameUse | undefined;
  /** The second argument of the handler, made for each request (default: `{ environ }`). */
  bindings?: ((environ: Environ) => Bindings) | undefined;
}

/**
 * Makes an application of a handler of `Request`s: a Hono, h3 or itty-router app, or any function.
 *
 * `Request.signal` is that of the exchange, and the stream of the response is cancelled when the client leaves. A body that is all there is sent
 * with its length. What a `Request` cannot carry is refused: CONNECT, TRACE and TRACK with 501, and a host that is none with 400.
 *
 * @throws {TypeError} for what is no handler, and for options that cannot be.
 */
export function fromFetch<Bindings = GatewayBindings>(
  handler: FetchHandler<Bindings>,
  ...[options = {}]: GatewayBindings extends Bindings
    ? [options?: FromFetchOptions<Bindings>]
    : [options: FromFetchOptions<Bindings> & { bindings: (environ: Environ) => Bindings }]
): Application {
  checkOptionNames("fromFetch", options, { scriptName: true, bindings: true });
  const handle = handlerOf(handler);
  const use = options.scriptName ?? "remove";
  if (use !== "remove" && use !== "keep") throw new TypeError('scriptName is "remove" or "keep"');
  // By the type of the parameters, the option is left out only where the handler takes these.
  const bindings = optionalFunction("bindings", options.bindings) ?? ((environ: Environ) => ({ environ }) as Bindings);

  return (environ, startResponse) =>
    whenReady(handle(requestOf(environ, use), bindings(environ), new Context(environ)), (response) =>
      answer(response, environ, startResponse),
    );
}

type Handle<Bindings> = (request: Request, bindings: Bindings, context: ExecutionContext) => Response | Promise<Response>;

function handlerOf<Bindings>(handler: FetchHandler<Bindings>): Handle<Bindings> {
  if (typeof handler === "function") return handler;
  if (typeof handler === "object" && handler !== null && typeof handler.fetch === "function")
    return (request, bindings, context) => handler.fetch(request, bindings, context);
  throw new TypeError("fromFetch: a handler is a function of a Request, or an object with a method fetch");
}

class Context implements ExecutionContext {
  readonly props = {};
  readonly #environ: Environ;

  constructor(environ: Environ) {
    this.#environ = environ;
  }

  waitUntil(promise: Promise<unknown>): void {
    // What is no promise is waited for as well on workers.
    Promise.resolve(promise).then(undefined, (error: unknown) => this.#environ["wsgi.errors"].write(errorText(error)));
  }

  passThroughOnException(): void {}
}

function answer(response: Response, environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody> {
  const parts = isLight ? LightResponse.parts(response) : undefined;
  if (parts === undefined) return answerReal(response, environ, startResponse);
  startResponse(statusLine(parts.status), withoutHopByHop(parts.headers));
  return parts.body === null ? [] : [parts.body];
}

async function answerReal(response: Response, environ: Environ, startResponse: StartResponse): Promise<ResponseBody> {
  const given: unknown = response;
  if (typeof given !== "object" || given === null || !("status" in given) || !("headers" in given))
    throw new TypeError(`the handler gave ${given === undefined ? "nothing" : `a ${typeof given}`}, not a Response`);
  const { status, statusText } = response;
  if (status === 0) throw new TypeError("the handler gave Response.error(), which cannot be sent");
  const line = statusText === "" ? statusLine(status) : `${status} ${statusText}`;
  const { body } = response;
  if (body === null || environ.REQUEST_METHOD === "HEAD") {
    startResponse(line, headersOf(response));
    body?.cancel().catch((error: unknown) => environ["wsgi.errors"].write(errorText(error)));
    return [];
  }
  if (typeof body?.getReader !== "function")
    throw new TypeError("the body of what the handler gave is not a ReadableStream: it is a Response of another library perhaps");
  if (body.locked || response.bodyUsed) throw new TypeError("the body of the Response was read before it was returned");
  const chunks = await responseBody(body, environ["wsgi.errors"]);
  startResponse(line, headersOf(response));
  return chunks;
}

/** The headers of a response, as the server may send them. */
function headersOf({ headers, url }: Response): HeaderList {
  const list: HeaderList = [];
  headers.forEach((value, name) => list.push([name, value]));
  const own = withoutHopByHop(list);
  // A response that was fetched has its body decoded, and still says how it was coded.
  if (url === "" || !headers.has("content-encoding")) return own;
  return own.filter(([name]) => name !== "content-encoding" && name !== "content-length");
}

/** All but what belongs to another connection (RFC 9110, section 7.6.1). Most lists have nothing of that. */
function withoutHopByHop(list: HeaderList): HeaderList {
  if (!list.some(([name]) => isHopByHop(name))) return list;
  const named = new Set(list.flatMap(([name, value]) => (name.toLowerCase() === "connection" ? namedByConnection(value) : [])));
  return list.filter(([name]) => !isHopByHop(name) && !named.has(name.toLowerCase()));
}
