import {
  checkOptionNames,
  encodePath,
  HTTPError,
  isHTTPError,
  toApplication,
  type ApplicationLike,
  type Environ,
  type ErrorStream,
} from "@gateway/core";
import {
  byteLimit,
  emptyInput,
  errorStream,
  inputStream,
  notPromise,
  optionalFunction,
  pathPrefix,
  run,
} from "@gateway/core/gateway";
import { ConsoleErrors } from "./console-errors.ts";
import { fetchEnviron, type EnvironFacts } from "./fetch-environ.ts";
import { keepAlive } from "./host.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseSink } from "./response-sink.ts";

/** Settings of {@link toFetch}. */
export interface ToFetchOptions<Host extends readonly unknown[] = readonly unknown[]> {
  /**
   * Where the application is mounted, for a host that leaves the prefix in the URL: moved from the path to `SCRIPT_NAME` (default `""`). A
   * path like `"/app"`, decoded; a request outside it is answered 404.
   */
  mount?: string | undefined;
  /** What a host has removed from the front of the URL already (as `mount` of Hono does): the beginning of `SCRIPT_NAME` (default `""`). */
  scriptName?: string | undefined;
  /**
   * Keys to add to each environ: extensions, or what the host knows better (`REMOTE_ADDR`, `SERVER_PROTOCOL`). Called with what the host
   * called the handler with. Default: none, but `REMOTE_ADDR` and `REMOTE_PORT` are known on Bun and Deno.
   */
  environ?: ((request: Request, ...host: Host) => Partial<Environ>) | undefined;
  /** Where `wsgi.errors` goes (default: the console). */
  errors?: ErrorStream | undefined;
  /** The largest request body, in bytes (default `Infinity`: the host has limits of its own); more is answered with 413. */
  maxBodyBytes?: number | undefined;
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. */
  maxReadBytes?: number | undefined;
}

const optionNames: Readonly<Record<keyof ToFetchOptions, true>> = {
  mount: true,
  scriptName: true,
  environ: true,
  errors: true,
  maxBodyBytes: true,
  maxReadBytes: true,
};
const defaultMaxReadBytes = 16 * 1024 * 1024;
const encoder = new TextEncoder();

/**
 * Makes a handler of an application, for every host that calls one with a `Request` and takes a `Response`: `Bun.serve`, `Deno.serve`,
 * workers, Hono and other routers.
 *
 * The promise never rejects: what the application throws is answered, and written to `wsgi.errors`. An error after the head, and a body of a
 * wrong length, break the stream of the response. When `request.signal` is aborted, or the body of the response cancelled, the application
 * learns that its client has left.
 *
 * @throws {TypeError|RangeError} for options that cannot be.
 */
export function toFetch<Host extends readonly unknown[] = readonly unknown[]>(
  app: ApplicationLike,
  options: ToFetchOptions<Host> = {},
): (request: Request, ...host: Host) => Promise<Response> {
  checkOptionNames("toFetch", options, optionNames);
  const called = toApplication(app);
  const maxBodyBytes = byteLimit("maxBodyBytes", options.maxBodyBytes ?? Infinity);
  const read = { maxReadBytes: byteLimit("maxReadBytes", options.maxReadBytes ?? defaultMaxReadBytes) };
  const scriptName = pathPrefix("scriptName", options.scriptName ?? "");
  const more = optionalFunction("environ", options.environ);
  const facts: EnvironFacts = {
    mount: pathPrefix("mount", options.mount ?? ""),
    scriptName,
    rawScriptName: encodePath(scriptName),
    errors: errorStream(options.errors ?? new ConsoleErrors((line) => console.error(line))),
  };

  return (request, ...host) => {
    const { method } = request;
    // Some runtimes make a stream when they are asked for one.
    const isBodiless = method === "GET" || method === "HEAD" || request.body === null;
    const body = isBodiless ? undefined : new RequestBody(request, maxBodyBytes);
    let environ: Environ;
    let answering = called;
    let isKnownHost = false;
    try {
      environ = fetchEnviron(request, host, body === undefined ? emptyInput : inputStream(body, read), facts);
      isKnownHost = environ.REMOTE_ADDR !== undefined;
      // Hosts throw away the body of a GET, but not what announced it.
      if (body === undefined && environ.CONTENT_LENGTH !== "0") environ.CONTENT_LENGTH = undefined;
      if (environ.CONTENT_LENGTH !== undefined) {
        const length = Number(environ.CONTENT_LENGTH);
        if (length > maxBodyBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
        body?.expect(length);
      }
    } catch (error) {
      if (isHTTPError(error)) return Promise.resolve(refusal(error, method));
      if (typeof request.headers?.forEach === "function") throw error;
      throw new TypeError("what toFetch() made is called with a Request: in Hono that is c.req.raw", { cause: error });
    }
    try {
      if (more !== undefined) Object.assign(environ, notPromise("environ", more(request, ...host)));
    } catch (error) {
      answering = () => {
        throw error;
      };
    }
    const sink = new ResponseSink(request, body, isKnownHost);
    const running = run(answering, environ, sink);
    if (running !== undefined && host.length > 0) keepAlive(host, () => running.done);
    return sink.answer(running);
  };
}

/** The answer to what the application is not asked. */
function refusal({ status, message }: HTTPError, method: string): Response {
  const body = encoder.encode(`${message}\n`);
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Content-Length": `${body.byteLength}` };
  return new Response(method === "HEAD" ? null : body, {
    status: Number(status.slice(0, 3)),
    statusText: status.slice(4),
    headers,
  });
}
