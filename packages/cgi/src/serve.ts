import type { Readable, Writable } from "node:stream";
import {
  ExchangeAborted,
  HTTPError,
  toApplication,
  type Application,
  type ApplicationLike,
  type Environ,
  type ErrorStream,
} from "@gateway/core";
import {
  cgiContentLength,
  cgiEnviron,
  cgiVariable,
  emptyInput,
  inputStream,
  run,
  type CgiVariables,
  type Running,
} from "@gateway/core/gateway";
import { BodyInput } from "./body-input.ts";
import type { HandlerSettings } from "./options.ts";
import { StreamSink } from "./stream-sink.ts";

/** What one request comes with, and goes to. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** What a handler knows of its process. */
export interface HandlerFacts extends HandlerSettings {
  readonly originServer: boolean;
  readonly multiprocess: boolean;
  readonly runOnce: boolean;
}

/** A request that is being served. */
export class Serving {
  /** Resolves when all is over, with whether the response is whole: never rejects. */
  readonly done: Promise<boolean>;
  readonly #streams: Streams;
  readonly #sink: StreamSink;
  readonly #body: BodyInput | undefined;
  #running: Running | undefined = undefined;
  #isLeft = false;

  constructor(given: ApplicationLike, variables: CgiVariables, streams: Streams, facts: HandlerFacts) {
    this.#streams = streams;
    this.#body = bodyOf(variables, streams.stdin, facts);
    this.#sink = new StreamSink(streams.stdout, facts.originServer, {
      blocked: (isBlocked) => this.#body?.readAhead(isBlocked),
      lost: () => this.leave(),
    });
    this.done = this.#serve(given, variables, facts);
  }

  /** The client has left: no more of the response is made. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    const reason = new ExchangeAborted("CLIENT_GONE");
    this.#body?.stop(reason);
    this.#running?.gone(reason, this.#sink.unsentBytes);
  }

  async #serve(given: ApplicationLike, variables: CgiVariables, facts: HandlerFacts): Promise<boolean> {
    const { stdout, stderr } = this.#streams;
    const left = (): void => this.leave();
    // EPIPE: the front server has closed its end.
    stdout.on("error", left);
    const { app, environ } = requestOf(toApplication(given), variables, this.#body, errorStream(stderr), facts);
    this.#running = run(app, environ, this.#sink);
    await this.#running?.done;
    if (this.#sink.brokeOff && !this.#isLeft) await this.#sink.flushed();
    if (this.#isLeft) return false;
    await this.#body?.drain();
    stdout.off("error", left);
    return !this.#sink.brokeOff;
  }
}

/** What is to be run: what cannot be a request is answered like one, so that the front server gets a whole response. */
function requestOf(
  app: Application,
  variables: CgiVariables,
  body: BodyInput | undefined,
  errors: ErrorStream,
  facts: HandlerFacts,
): { app: Application; environ: Environ } {
  const { maxReadBytes, maxBodyBytes, multiprocess, runOnce, mounts } = facts;
  const input = body === undefined ? emptyInput : inputStream(body, { maxReadBytes });
  const gateway = { input, errors, serverName: "localhost", serverPort: "80", multiprocess, runOnce, mounts };
  try {
    const environ = cgiEnviron(variables, gateway);
    if (Number(environ.CONTENT_LENGTH ?? 0) > maxBodyBytes) throw new HTTPError(413, "the body is larger than the gateway takes");
    return { app, environ };
  } catch (error) {
    const method = cgiVariable(variables, "REQUEST_METHOD") === "HEAD" ? "HEAD" : "GET";
    return {
      app: () => {
        throw error;
      },
      environ: cgiEnviron(["REQUEST_METHOD", method], { ...gateway, mounts: undefined }),
    };
  }
}

/** The length that is told, or, for a chunked body that the front server has decoded, all there is; `undefined` where there is none. */
function bodyOf(variables: CgiVariables, stdin: Readable, facts: HandlerFacts): BodyInput | undefined {
  const length = lengthOf(cgiVariable(variables, "CONTENT_LENGTH"));
  const isChunked = /(?:^|[, \t])chunked[ \t]*$/i.test(cgiVariable(variables, "HTTP_TRANSFER_ENCODING") ?? "");
  if (length === 0 || (length === undefined && !isChunked)) return undefined;
  return new BodyInput(stdin, length, { maxBodyBytes: facts.maxBodyBytes, aheadBytes: facts.maxReadBytes });
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
