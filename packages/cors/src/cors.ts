import {
  checkOptionNames,
  isHTTPError,
  isThenable,
  isToken,
  layer,
  whenReady,
  type Application,
  type Environ,
  type Header,
  type HeaderList,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { compileOrigins, isOrigin } from "./origins.ts";
import { mapErrors, withHeaders } from "./with-headers.ts";

/** Settings of {@link cors}. */
export interface CorsOptions {
  /**
   * Whose pages may read the answers: a list of origins (`"https://app.example"`) and patterns (`"https://*.example.com"`, `"http://localhost:*"`); a
   * function that says so, or promises to; or `"*"` for everybody, which does not go with `credentials`.
   */
  readonly origins: "*" | readonly string[] | ((origin: string, environ: Environ) => boolean | Promise<boolean>);
  /** Whether they may send the cookies of this site along and read what comes of it (default `false`). */
  readonly credentials?: boolean | undefined;
  /** Methods that they may use (default `["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]`). */
  readonly methods?: readonly string[] | undefined;
  /** Request headers that they may set, beside those that every page may (default `["Content-Type"]`); `"requested"` for whatever they ask for. */
  readonly allowedHeaders?: readonly string[] | "requested" | undefined;
  /** Response headers that they may read, beside those that every page may (default: none). */
  readonly exposedHeaders?: readonly string[] | undefined;
  /** For how long a browser may remember the answer to a preflight, in seconds (default 600; browsers take 7,200 to 86,400 at most). */
  readonly maxAgeSeconds?: number | undefined;
  /** Whether pages of the public network may reach this server in a private one (default `false`). */
  readonly privateNetwork?: boolean | undefined;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof CorsOptions, true>> = {
  origins: true,
  credentials: true,
  methods: true,
  allowedHeaders: true,
  exposedHeaders: true,
  maxAgeSeconds: true,
  privateNetwork: true,
};

const vary: Header = ["Vary", "Origin"];
const preflightVary: Header = ["Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"];

/**
 * Lets pages of other origins read the answers of the application (cross-origin resource sharing; the Fetch standard). Answers preflights itself, with
 * 204. Every other answer gets the headers when its `startResponse` is called, and so does an error that is thrown before the head: it passes through as an
 * `HTTPError` that carries them. Headers that the application set itself stay.
 *
 * Not a protection: whoever is not allowed only cannot read the answer.
 *
 * @throws {TypeError|RangeError} while wrapping, for a setting that makes no sense.
 */
export function cors(options: CorsOptions): Middleware {
  if (typeof options !== "object" || options === null)
    throw new TypeError("cors: give options, the origins at least: cors({ origins })");
  checkOptionNames("cors", options, optionNames);
  const decide = compile(options);
  const { credentials = false, exposedHeaders = [], origins } = options;
  const own: HeaderList = [];
  if (credentials) own.push(["Access-Control-Allow-Credentials", "true"]);
  const exposed: HeaderList = exposedHeaders.length === 0 ? [] : [["Access-Control-Expose-Headers", exposedHeaders.join(", ")]];
  const everybody: readonly Header[] = [["Access-Control-Allow-Origin", "*"], ...exposed];
  const nobody: readonly Header[] = [];
  const preflight = compilePreflight(options, own);

  /** What is to be added for a request that may be read; `Vary` comes on top. */
  const grantOf = (origin: string): readonly Header[] => [["Access-Control-Allow-Origin", origin], ...own, ...exposed];

  return layer((app) => (environ, startResponse) => {
    const origin = environ.HTTP_ORIGIN;
    if (environ.REQUEST_METHOD === "OPTIONS" && origin !== undefined && environ.HTTP_ACCESS_CONTROL_REQUEST_METHOD !== undefined) {
      return whenReady(decide(origin, environ), (isAllowed) => preflight(environ, startResponse, isAllowed ? origin : undefined));
    }
    if (origins === "*") return respond(app, environ, startResponse, everybody);
    if (origin === undefined) return respond(app, environ, startResponse, nobody);
    return whenReady(decide(origin, environ), (isAllowed) =>
      respond(app, environ, startResponse, isAllowed ? grantOf(origin) : nobody),
    );
  });
}

function respond(
  app: Application,
  environ: Environ,
  startResponse: StartResponse,
  grant: readonly Header[],
): ResponseBody | Promise<ResponseBody> {
  let hasHead = false;
  const start: StartResponse = (status, headers, excInfo) => {
    hasHead = true;
    addTo(headers, grant);
    return startResponse(status, headers, excInfo);
  };
  const failed = (error: unknown): unknown => {
    // A 500 without them is of no use to the page; without an Origin there is no such page, and the error stays what it is.
    if (!isHTTPError(error) && (grant.length === 0 || environ.HTTP_ORIGIN === undefined)) return error;
    const headers: HeaderList = isHTTPError(error) ? [...error.headers] : [];
    const before = headers.length;
    addTo(headers, grant);
    return withHeaders(error, headers.slice(before));
  };
  const returned = (body: ResponseBody): ResponseBody => {
    // It calls startResponse from inside its body: until then what it throws becomes the answer.
    return hasHead ? body : mapErrors(body, (error) => (hasHead ? error : failed(error)));
  };
  let answer: ResponseBody | Promise<ResponseBody>;
  try {
    answer = app(environ, start);
  } catch (error) {
    throw failed(error);
  }
  if (!isThenable(answer)) return returned(answer);
  return Promise.resolve(answer).then(returned, (error: unknown) => {
    throw failed(error);
  });
}

/** Adds what the application has not set itself. */
function addTo(headers: HeaderList, grant: readonly Header[]): void {
  let varies = false;
  let isOwn = false;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header === undefined) continue;
    if (header[0].length === 4 && header[0].toLowerCase() === "vary") varies ||= namesOrigin(header[1]);
    else if (header[0].length === 27 && header[0].toLowerCase() === "access-control-allow-origin") isOwn = true;
  }
  if (!varies) headers.push(vary);
  if (!isOwn) for (let i = 0; i < grant.length; i++) headers.push(grant[i] ?? vary);
}

function namesOrigin(value: string): boolean {
  return value.split(",").some((name) => name.trim() === "*" || name.trim().toLowerCase() === "origin");
}

type Decide = (origin: string, environ: Environ) => boolean | Promise<boolean>;

function compile(options: CorsOptions): Decide {
  const { origins, credentials = false, privateNetwork = false, maxAgeSeconds = 600 } = options;
  for (const [name, value] of Object.entries({ credentials, privateNetwork })) {
    if (typeof value !== "boolean") throw new TypeError(`cors: ${name} is true or false, not ${JSON.stringify(value)}`);
  }
  if (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds < 0) {
    throw new RangeError(`cors: maxAgeSeconds is a whole number of seconds, not ${String(maxAgeSeconds)}`);
  }
  if (origins === "*") {
    if (credentials)
      throw new TypeError(
        'cors: with credentials, origins cannot be "*": any page could read what the visitor may. List the origins',
      );
    return () => true;
  }
  if (typeof origins === "function") return (origin, environ) => isOrigin(origin) && origins(origin, environ);
  if (!Array.isArray(origins)) throw new TypeError('cors: origins is a list of origins, a function, or "*"');
  const list: readonly unknown[] = origins;
  if (list.includes("*")) throw new TypeError('cors: write origins: "*" for everybody, not in a list');
  if (credentials && list.includes("null")) {
    throw new TypeError('cors: with credentials, "null" cannot be an origin: every sandboxed frame has it');
  }
  return compileOrigins(list);
}

function compilePreflight(options: CorsOptions, own: readonly Header[]) {
  const {
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowedHeaders = ["Content-Type"],
    exposedHeaders = [],
  } = options;
  const { credentials = false, privateNetwork = false, maxAgeSeconds = 600, origins } = options;
  checkNames("methods", methods, credentials);
  for (const method of methods) {
    if (method !== method.toUpperCase())
      throw new TypeError(`cors: methods are case-sensitive: write "${method.toUpperCase()}", not "${method}"`);
  }
  checkNames("exposedHeaders", exposedHeaders, credentials);
  if (allowedHeaders !== "requested") checkNames("allowedHeaders", allowedHeaders, credentials);
  const always: readonly Header[] = [
    ...own,
    ["Access-Control-Allow-Methods", methods.join(", ")],
    ["Access-Control-Max-Age", String(maxAgeSeconds)],
    ...(allowedHeaders === "requested" || allowedHeaders.length === 0
      ? []
      : ([["Access-Control-Allow-Headers", allowedHeaders.join(", ")]] satisfies Header[])),
  ];

  return (environ: Environ, startResponse: StartResponse, origin: string | undefined): ResponseBody => {
    const headers: HeaderList = [preflightVary];
    if (origin !== undefined) {
      headers.push(["Access-Control-Allow-Origin", origins === "*" ? "*" : origin], ...always);
      const requested = environ.HTTP_ACCESS_CONTROL_REQUEST_HEADERS;
      if (allowedHeaders === "requested" && requested !== undefined && isNameList(requested)) {
        headers.push(["Access-Control-Allow-Headers", requested]);
      }
      if (privateNetwork && environ.HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK === "true") {
        headers.push(["Access-Control-Allow-Private-Network", "true"]);
      }
    }
    startResponse("204 No Content", headers);
    return [];
  };
}

function checkNames(option: string, names: readonly string[], credentials: boolean): void {
  if (!Array.isArray(names)) throw new TypeError(`cors: ${option} is a list of names`);
  for (const name of names as readonly unknown[]) {
    if (typeof name !== "string" || !isToken(name)) throw new TypeError(`cors: ${JSON.stringify(name)} in ${option} is no name`);
    if (name === "*" && credentials)
      throw new TypeError(`cors: with credentials, browsers do not take "*" in ${option} for all: list them`);
  }
}

/** Is it a list of header names, as a browser asks for them? */
function isNameList(text: string): boolean {
  return text.length <= 4096 && text.split(",").every((part) => isToken(/^[ \t]*([^ \t]+)[ \t]*$/.exec(part)?.[1] ?? ""));
}
