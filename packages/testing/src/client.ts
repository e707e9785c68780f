import { ExchangeAborted, toApplication, type Application, type ApplicationLike, type Ending, type Environ } from "@gateway/core";
import { validator } from "@gateway/validate";
import { environOf, prepareRequest, type PreparedRequest, type RequestInit } from "./client-request.ts";
import { Cookies } from "./cookies.ts";
import { MemoryExchange } from "./memory-exchange.ts";
import { OpenResponse } from "./open-response.ts";
import { redirectOf } from "./redirect.ts";
import { ClientResponse, MissingErrors, ResponseAborted, UnexpectedErrors } from "./response.ts";

/** Settings of {@link client}: defaults for its requests, and what holds for all of them. */
export interface ClientOptions extends Pick<RequestInit, "headers" | "environ" | "follow" | "errors"> {
  /** Runs the application inside `validator()`, so that a breach of the contract fails the test (default `true`). */
  validate?: boolean;
  /** Keeps the cookies that the application sets, and sends them (default `true`). */
  cookies?: boolean;
  /** Scheme, host and port of paths that have none (default `"http://localhost"`). */
  origin?: string;
}

/** A request of which only the head is waited for. */
export type OpenInit = Omit<RequestInit, "follow">;

const defaultFollows = 10;

/**
 * Makes a client that calls an application in this process, as a strict HTTP server would: no socket, no port, no timer.
 *
 * ```ts
 * const response = await client(app).post("/greet", { json: { name: "Ada" } });
 * expect(response.json()).toEqual({ greeting: "Hello Ada" });
 * ```
 *
 * The application runs inside the validator, cookies are kept from one request to the next, and a request rejects when something was
 * written to `wsgi.errors`. Takes functions, classes and objects; one that needs what outer layers add is given it with `environ`.
 *
 * @throws {TypeError} for what is no application, or no origin.
 */
export function client<Given extends object = object>(
  app: ApplicationLike<Environ & Given>,
  ...[options = {}]: object extends Given ? [options?: ClientOptions] : [options: ClientOptions & { environ: Given }]
): Client {
  return new Client(app as ApplicationLike, options);
}

/** What {@link client} makes. */
export class Client {
  /** The cookies of this client. */
  readonly cookies: Cookies;

  readonly #app: Application;
  readonly #options: ClientOptions;
  readonly #origin: string;

  /** Use {@link client}. */
  constructor(app: ApplicationLike, options: ClientOptions) {
    const { origin = "http://localhost", validate = true } = options;
    if (!/^https?:\/\/[^/?#]+$/.test(origin) || !URL.canParse(origin)) {
      throw new TypeError(
        `an origin is a scheme, a host and perhaps a port, like "http://localhost", not ${JSON.stringify(origin)}`,
      );
    }
    this.#app = validate ? validator(app) : toApplication(app);
    this.#options = options;
    this.#origin = origin;
    this.cookies = new Cookies(origin);
  }

  /** Sends GET, as `request` does. */
  get(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("GET", path, init);
  }

  /** Sends HEAD, as `request` does. */
  head(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("HEAD", path, init);
  }

  /** Sends POST, as `request` does. */
  post(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("POST", path, init);
  }

  /** Sends PUT, as `request` does. */
  put(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("PUT", path, init);
  }

  /** Sends PATCH, as `request` does. */
  patch(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("PATCH", path, init);
  }

  /** Sends DELETE, as `request` does. */
  delete(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("DELETE", path, init);
  }

  /** Sends OPTIONS, as `request` does. */
  options(path: string, init?: RequestInit): Promise<ClientResponse> {
    return this.request("OPTIONS", path, init);
  }

  /**
   * Sends a request and waits until all is over, `close()` included.
   *
   * @param path with its query, as it goes over the wire (what no client could send is encoded), or an absolute URL.
   * @throws {ResponseAborted} when the response broke off.
   * @throws {UnexpectedErrors} when something was written to `wsgi.errors`, unless `errors` allows it.
   * @throws {MissingErrors} when nothing was, with `errors: "expected"`.
   * @throws {TypeError} for a request that no client could send, or a redirect that cannot be followed.
   */
  async request(method: string, path: string, init: RequestInit = {}): Promise<ClientResponse> {
    const all = this.#withDefaults(init);
    const follows = all.follow === true ? defaultFollows : all.follow === undefined || all.follow === false ? 0 : all.follow;
    const redirects: ClientResponse[] = [];
    let request = prepareRequest(this.#origin, method, path, all);
    for (;;) {
      const response = await this.#send(request, redirects);
      const next = follows > 0 ? redirected(request, response) : undefined;
      if (next === undefined) return response;
      redirects.push(response);
      if (redirects.length > follows)
        throw new Error(`more than ${follows} redirects: ${redirects.map(({ url }) => url).join(" → ")}`);
      request = prepareRequest(this.#origin, next.method, next.url, next.init);
    }
  }

  /**
   * Sends a request and waits for the head only. Follows no redirects.
   *
   * @throws {ResponseAborted} when the client left before the head.
   * @throws {TypeError} for a request that no client could send.
   */
  async open(method: string, path: string, init: OpenInit = {}): Promise<OpenResponse> {
    const request = prepareRequest(this.#origin, method, path, this.#withDefaults(init));
    const started = this.#start(request, true);
    const taken: Uint8Array[] = [];
    const settle = (ending: Ending): ClientResponse => responseOf(request, started, taken, ending, []);
    await started.exchange.head;
    const { received } = started.exchange.sink;
    if (received === undefined) {
      const ending = await started.exchange.ended;
      throw new ResponseAborted(settle(ending), ending.reason);
    }
    this.#keepCookies(request, started);
    return new OpenResponse(started.exchange, taken, settle, (response) => checkErrors(response, request.init));
  }

  #withDefaults(init: RequestInit): RequestInit {
    const { headers = [], environ, follow, errors } = this.#options;
    const defaults = pairs(headers);
    const own = pairs(init.headers ?? []);
    const names = new Set(own.map(([name]) => name.toLowerCase()));
    return {
      follow,
      errors,
      ...init,
      headers: [...defaults.filter(([name]) => !names.has(name.toLowerCase())), ...own],
      environ: { ...environ, ...init.environ },
    };
  }

  async #send(request: PreparedRequest, redirects: readonly ClientResponse[]): Promise<ClientResponse> {
    const started = this.#start(request, false);
    const ending = await started.exchange.ended;
    const { sink } = started.exchange;
    this.#keepCookies(request, started);
    const response = responseOf(request, started, sink.chunks, ending, [...redirects]);
    if (sink.state !== "ended") throw new ResponseAborted(response, ending.reason);
    checkErrors(response, request.init);
    return response;
  }

  #start(request: PreparedRequest, streamed: boolean): Started {
    const cookie = this.#options.cookies === false ? "" : this.cookies.header(request.url);
    const written: string[] = [];
    const environ = environOf(request, cookie, (text) => written.push(text));
    const exchange = new MemoryExchange(this.#app, environ, streamed);
    const { signal } = request.init;
    const leave = (): void => exchange.leave(new ExchangeAborted("CLIENT_GONE", { cause: signal?.reason }));
    if (signal?.aborted === true) leave();
    else signal?.addEventListener("abort", leave, { once: true });
    void exchange.ended.then(() => signal?.removeEventListener("abort", leave));
    return { exchange, written };
  }

  #keepCookies({ url }: PreparedRequest, { exchange }: Started): void {
    if (this.#options.cookies === false) return;
    const values = (exchange.sink.received?.headers ?? [])
      .filter(([name]) => name.toLowerCase() === "set-cookie")
      .map(([, value]) => value);
    this.cookies.store(url, values);
  }
}

interface Started {
  readonly exchange: MemoryExchange;
  /** What was written to `wsgi.errors`. */
  readonly written: readonly string[];
}

function responseOf(
  { method, url }: PreparedRequest,
  { exchange, written }: Started,
  chunks: readonly Uint8Array[],
  ending: Ending,
  redirects: readonly ClientResponse[],
): ClientResponse {
  return new ClientResponse({ method, url, sink: exchange.sink, chunks, errors: written.join(""), ending, redirects });
}

function checkErrors(response: ClientResponse, { errors = "fail" }: RequestInit): void {
  if (errors === "fail" && response.errors !== "") throw new UnexpectedErrors(response);
  if (errors === "expected" && response.errors === "") throw new MissingErrors(response);
}

/** The request that a redirect asks for. */
function redirected(
  request: PreparedRequest,
  response: ClientResponse,
): { method: string; url: string; init: RequestInit } | undefined {
  const redirect = redirectOf(request.method, request.url, response.status, response.headers.get("Location"));
  if (redirect === undefined) return undefined;
  const { json: _json, form: _form, multipart: _multipart, body: _body, query: _query, ...init } = request.init;
  const { chunked: _chunked, splitEvery: _splitEvery, bodyCutAfter: _bodyCutAfter, ...bodiless } = init;
  const kept = redirect.keepsBody ? { ...request.init, query: undefined } : bodiless;
  if (redirect.keepsBody && request.body?.replayable === false) {
    throw new TypeError(
      `${response.statusLine} asks for the body once more, and a stream can be sent only once: give text, bytes or an array`,
    );
  }
  const headers = pairs(request.init.headers ?? []).filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === "host") return !redirect.crossesOrigin;
    if (lower === "authorization") return !redirect.crossesOrigin;
    return redirect.keepsBody || !lower.startsWith("content-");
  });
  return { method: redirect.method, url: redirect.url.href, init: { ...kept, headers } };
}

function pairs(headers: NonNullable<RequestInit["headers"]>): (readonly [string, string])[] {
  return isList(headers) ? [...headers] : Object.entries(headers);
}

function isList(headers: NonNullable<RequestInit["headers"]>): headers is readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}
