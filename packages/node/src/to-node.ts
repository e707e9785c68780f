import type { IncomingMessage, ServerResponse } from "node:http";
import {
  checkOptionNames,
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
import { nodeEnviron, type EnvironFacts } from "./node-environ.ts";
import { hasBody, RequestBody } from "./request-body.ts";
import { ResponseSink } from "./response-sink.ts";

/** A request listener of `node:http`, which is also a handler of Express and Connect. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void;

/** Settings of {@link toNode}. */
export interface ToNodeOptions {
  /**
   * Where the application is mounted, for a host that leaves the prefix in the URL: moved from the path to `SCRIPT_NAME` (default `""`). A
   * path like `"/app"`, decoded; a request outside it is answered 404. Express and Connect need none: what they have cut off is known.
   */
  mount?: string | undefined;
  /** What a host has removed from the front of the URL without a trace (koa-mount): the beginning of `SCRIPT_NAME` (default `""`). */
  scriptName?: string | undefined;
  /** Keys to add to each environ: extensions, such as what the host knows of the request. Default: none. */
  environ?: ((request: IncomingMessage, response: ServerResponse) => Partial<Environ>) | undefined;
  /** The request body where the host has read it already, `(request) => request.rawBody` say; `undefined` where it has not (default: its stream). */
  body?: ((request: IncomingMessage) => Uint8Array | undefined) | undefined;
  /**
   * What a 404 becomes, of the application or outside `mount`: `"answer"` (the default) sends it, `"next"` calls `next()` of the host instead, where
   * there is one.
   */
  notFound?: "answer" | "next" | undefined;
  /** Where `wsgi.errors` goes (default: standard error). */
  errors?: ErrorStream | undefined;
  /** The largest request body, in bytes (default `Infinity`); more is answered with 413. */
  maxBodyBytes?: number | undefined;
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. */
  maxReadBytes?: number | undefined;
}

const optionNames: Readonly<Record<keyof ToNodeOptions, true>> = {
  mount: true,
  scriptName: true,
  environ: true,
  body: true,
  notFound: true,
  errors: true,
  maxBodyBytes: true,
  maxReadBytes: true,
};
const defaultMaxReadBytes = 16 * 1024 * 1024;

const standardErrors: ErrorStream = {
  write(text) {
    process.stderr.write(text);
  },
  writelines(lines) {
    for (const line of lines) process.stderr.write(line);
  },
  flush() {},
};

/**
 * Makes a request listener of an application: for `node:http` and `node:https`, for `app.use()` of Express and Connect, and with the
 * `req` and `res` that Koa, Fastify and Hono hand out.
 *
 * Headers that the host has set on the response are sent too, unless the application sets the same: `Set-Cookie` and `Vary` are added to. What
 * the application throws is answered, never handed to `next`. After the head, the connection is broken off.
 *
 * @throws {TypeError|RangeError} for options that cannot be.
 */
export function toNode(app: ApplicationLike, options: ToNodeOptions = {}): NodeHandler {
  checkOptionNames("toNode", options, optionNames);
  const called = toApplication(app);
  const maxBodyBytes = byteLimit("maxBodyBytes", options.maxBodyBytes ?? Infinity);
  const read = { maxReadBytes: byteLimit("maxReadBytes", options.maxReadBytes ?? defaultMaxReadBytes) };
  const more = optionalFunction("environ", options.environ);
  const given = optionalFunction("body", options.body);
  const notFound = options.notFound ?? "answer";
  if (notFound !== "answer" && notFound !== "next") throw new TypeError('notFound is "answer" or "next"');
  const facts: EnvironFacts = {
    mount: pathPrefix("mount", options.mount ?? ""),
    scriptName: pathPrefix("scriptName", options.scriptName ?? ""),
    errors: errorStream(options.errors ?? standardErrors),
  };

  /** What the options know better than the request. @returns the body, where it is no longer in the stream. */
  function ask(request: IncomingMessage, response: ServerResponse, environ: Environ): Uint8Array | undefined {
    if (more !== undefined) Object.assign(environ, notPromise("environ", more(request, response)));
    const bytes = given?.(request);
    if (bytes === undefined) return undefined;
    if (!(bytes instanceof Uint8Array))
      throw new TypeError(`the option body gives a Uint8Array or undefined, not a ${typeof bytes}`);
    environ.CONTENT_LENGTH = `${bytes.byteLength}`;
    environ["wsgi.input"] = inputStream(oneChunk(bytes), read);
    return bytes;
  }

  return (request, response, next) => {
    if (response.headersSent) throw new Error("toNode: something else has begun the response already");
    const passOn = notFound === "next" && next !== undefined ? () => next() : undefined;
    let body = hasBody(request) ? new RequestBody(request, maxBodyBytes) : undefined;
    let environ: Environ;
    let answering = called;
    try {
      environ = nodeEnviron(request, body === undefined ? emptyInput : inputStream(body, read), facts);
      try {
        if (ask(request, response, environ) !== undefined) body = undefined;
      } catch (error) {
        answering = () => {
          throw error;
        };
      }
      if (Number(environ.CONTENT_LENGTH ?? 0) > maxBodyBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
    } catch (error) {
      if (!isHTTPError(error)) throw error;
      if (passOn !== undefined && error.status.startsWith("404")) return passOn();
      return refuse(response, error);
    }
    const sink = new ResponseSink(response, body, passOn);
    const running = run(answering, environ, sink);
    if (running !== undefined) sink.follow(running);
  };
}

function oneChunk(bytes: Uint8Array): { pull(): Uint8Array | undefined } {
  let rest: Uint8Array | undefined = bytes;
  return {
    pull() {
      const chunk = rest;
      rest = undefined;
      return chunk;
    },
  };
}

/** Answers what the application is not asked. */
function refuse(response: ServerResponse, { status, message }: HTTPError): void {
  const body = Buffer.from(`${message}\n`);
  response.statusCode = Number(status.slice(0, 3));
  // HTTP/2 has none, and warns.
  if (response.req.httpVersionMajor === 1) response.statusMessage = status.slice(4);
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("Content-Length", body.byteLength);
  response.end(body);
}
