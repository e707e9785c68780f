import type { Readable, Writable } from "node:stream";
import { ExchangeAborted, HTTPError, toApplication, type ApplicationLike, type Environ, type ErrorStream } from "@gateway/core";
import {
  cgiContentLength,
  cgiEnviron,
  emptyInput,
  inputStream,
  parseMounts,
  run,
  type CgiVariables,
  type Running,
} from "@gateway/core/gateway";
import { BodyInput } from "./body-input.ts";
import { StreamSink } from "./stream-sink.ts";
import { processVariables, variablesOf } from "./variables.ts";

/** Settings of {@link SimpleHandler}. */
export interface SimpleHandlerOptions {
  /** The variables of the request (RFC 3875 section 4.1). */
  environ: Readonly<Record<string, string | undefined>>;
  /** Where the request body comes from; read no further than its length, and never ended. */
  stdin: Readable;
  /** Where the response goes; it is not ended. */
  stdout: Writable;
  /** Where `wsgi.errors` goes. */
  stderr: Writable;
  /** Whether the response begins with a status line, as it does for a server that speaks HTTP itself (default false: with CGI's `Status`). */
  originServer?: boolean;
  /** `wsgi.multiprocess` (default true). */
  multiprocess?: boolean;
  /** `wsgi.run_once` (default false). */
  runOnce?: boolean;
  /** The largest request body, in bytes (default `Infinity`); more is answered with 413. */
  maxBodyBytes?: number;
  /** What `read()` without a size may gather of a request body, in bytes (default 16 MiB); more is answered with 413. */
  maxReadBytes?: number;
  /** Prefixes at which SCRIPT_NAME + PATH_INFO is split again, for front servers that cannot split it (default: as it comes). */
  mounts?: readonly string[];
}

/** Serves one request from variables and streams: `wsgiref.handlers.SimpleHandler`. */
export class SimpleHandler {
  readonly #options: SimpleHandlerOptions;

  /** @throws {TypeError} for `mounts` that are no prefixes. */
  constructor(options: SimpleHandlerOptions) {
    if (options.mounts !== undefined) parseMounts(options.mounts);
    this.#options = options;
  }

  /**
   * Runs the application, and resolves when all is over: the response handed to the stream, the body closed, and what it left of the
   * request body read.
   *
   * @returns whether the response is whole: it broke off where the application failed after its first byte, or nobody reads any more.
   */
  async run(app: ApplicationLike): Promise<boolean> {
    const { environ, ...options } = this.#options;
    return serve(app, variablesOf(environ), options);
  }
}

/** Serves the one request that this process was started for: `wsgiref.handlers.CGIHandler`. */
export class CGIHandler {
  readonly #options: CGIHandlerOptions;

  /** @throws {TypeError} for `mounts` that are no prefixes. */
  constructor(options: CGIHandlerOptions = {}) {
    if (options.mounts !== undefined) parseMounts(options.mounts);
    this.#options = options;
  }

  /**
   * Runs the application on the environment, the standard input and the standard output of the process. The process then ends by
   * itself, with status 1 where the response broke off.
   */
  async run(app: ApplicationLike): Promise<void> {
    const { stdin, stdout, stderr } = process;
    const isWhole = await serve(app, processVariables(), {
      ...this.#options,
      stdin,
      stdout,
      stderr,
      multiprocess: true,
      runOnce: true,
    });
    if (!isWhole) process.exitCode = 1;
    // What the front server leaves open must not keep the process.
    stdin.destroy();
  }
}

/** Settings of {@link CGIHandler}. */
export type CGIHandlerOptions = Pick<SimpleHandlerOptions, "maxBodyBytes" | "maxReadBytes" | "mounts">;

async function serve(
  given: ApplicationLike,
  variables: CgiVariables,
  options: Omit<SimpleHandlerOptions, "environ">,
): Promise<boolean> {
  const { stdin, stdout, stderr, maxBodyBytes = Infinity, maxReadBytes } = options;
  let app = toApplication(given);
  const sink = new StreamSink(stdout, options.originServer ?? false);
  const body = bodyOf(variables, stdin, maxBodyBytes);
  const gateway = {
    input: body === undefined ? emptyInput : inputStream(body, maxReadBytes === undefined ? {} : { maxReadBytes }),
    errors: errorStream(stderr),
    serverName: "localhost",
    serverPort: "80",
    multiprocess: options.multiprocess ?? true,
    runOnce: options.runOnce ?? false,
    mounts: options.mounts === undefined ? undefined : parseMounts(options.mounts),
  };
  let environ: Environ;
  try {
    environ = cgiEnviron(variables, gateway);
    if (Number(environ.CONTENT_LENGTH ?? 0) > maxBodyBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
  } catch (error) {
    // What cannot be a request is answered like one, so that the front server gets a whole response.
    environ = cgiEnviron(["REQUEST_METHOD", "GET"], { ...gateway, mounts: undefined });
    app = () => {
      throw error;
    };
  }
  let isGone = false;
  let running: Running | undefined;
  const left = (): void => {
    isGone = true;
    running?.gone(new ExchangeAborted("CLIENT_GONE"), Math.min(sink.bodyBytes, stdout.writableLength));
  };
  // EPIPE: the front server has closed its end.
  stdout.on("error", left);
  running = run(app, environ, sink);
  await running?.done;
  await body?.drain();
  stdout.off("error", left);
  return !sink.brokeOff && !isGone;
}

/** The length that is told, or, for a chunked body that the front server has decoded, all there is; `undefined` where there is none. */
function bodyOf(variables: CgiVariables, stdin: Readable, maxBytes: number): BodyInput | undefined {
  const value = (name: string): string | undefined => {
    const at = variables.findLastIndex((text, i) => i % 2 === 0 && text === name);
    return at === -1 ? undefined : variables[at + 1];
  };
  const length = lengthOf(value("CONTENT_LENGTH"));
  const isChunked = /(?:^|,)[ \t]*chunked[ \t]*$/i.test(value("HTTP_TRANSFER_ENCODING") ?? "");
  if (length === 0 || (length === undefined && !isChunked)) return undefined;
  return new BodyInput(stdin, length, maxBytes);
}

/** One that cannot be counted is refused by `cgiEnviron`. */
function lengthOf(value: string | undefined): number | undefined {
  try {
    return cgiContentLength(value);
  } catch {
    return 0;
  }
}

function errorStream(stream: Writable): ErrorStream {
  return {
    write(text) {
      stream.write(text);
    },
    writelines(lines) {
      for (const line of lines) stream.write(line);
    },
    flush() {},
  };
}
