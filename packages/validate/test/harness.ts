import type { Application, Environ, Ending, Exchange, HeaderList, InputStream, ResponseBody, StartResponse } from "@gateway/core";
import { ExchangeAborted } from "@gateway/core";
import { emptyInput, inputStream, run, type Head, type Sink } from "@gateway/core/gateway";

/** An environ without a fault; each test spoils what it is about. */
export function makeEnviron(spoilt: Record<string, unknown> = {}): Environ {
  const environ: Environ = {
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "",
    PATH_INFO: "/",
    QUERY_STRING: "",
    SERVER_NAME: "localhost",
    SERVER_PORT: "80",
    SERVER_PROTOCOL: "HTTP/1.1",
    HTTP_HOST: "localhost",
    "wsgi.version": [1, 0],
    "wsgi.url_scheme": "http",
    "wsgi.input": emptyInput,
    "wsgi.errors": new Log(),
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "gateway.exchange": new FakeExchange(),
  };
  return Object.assign(environ, spoilt);
}

/** A `wsgi.errors` that remembers. */
class Log {
  text = "";

  write(text: string): void {
    this.text += text;
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.write(line);
  }

  flush(): void {}
}

/** An exchange whose end the test decides. */
export class FakeExchange implements Exchange {
  readonly signal: AbortSignal = new AbortController().signal;
  readonly hints: HeaderList[] = [];
  readonly #listeners: ((ending: Ending) => void)[] = [];

  onEnd(listener: (ending: Ending) => void): void {
    this.#listeners.push(listener);
  }

  earlyHints(headers: HeaderList): void {
    this.hints.push(headers);
  }

  end(ending: unknown = finished): void {
    for (const listener of this.#listeners) listener(ending as Ending);
  }
}

export const finished: Ending = {
  outcome: "finished",
  reason: undefined,
  status: "200 OK",
  bodyBytes: 0,
  startedAt: undefined,
  headAt: undefined,
  endedAt: undefined,
};

/** An input of the chunks it is given. */
export function inputOf(...chunks: Uint8Array[]): InputStream {
  return inputStream({ pull: () => chunks.shift() });
}

export type BodyIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

export function open(body: ResponseBody): BodyIterator {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

/** A server without a fault, that sends nowhere. */
class FakeServer {
  #isHeadGone = false;

  readonly startResponse: StartResponse = (_status, _headers, excInfo) => {
    if (this.#isHeadGone && excInfo !== undefined) throw excInfo;
    return async () => {
      this.#isHeadGone = true;
    };
  };

  /** Pulls a body to its end and closes it. Throws what it throws. */
  async drain(body: ResponseBody): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = [];
    try {
      const iterator = open(body);
      for (;;) {
        const step = await iterator.next();
        if (step.done === true) break;
        if (step.value.byteLength > 0) this.#isHeadGone = true;
        chunks.push(step.value);
      }
    } finally {
      await body.close?.();
    }
    return chunks;
  }
}

/** Calls an application as a server without a fault does. Throws what it throws. */
export async function drive(app: Application, spoilt?: Record<string, unknown>): Promise<Uint8Array[]> {
  const server = new FakeServer();
  return server.drain(await app(makeEnviron(spoilt), server.startResponse));
}

/** What came out of core's `run`. */
export interface Served {
  status: string;
  headers: HeaderList;
  text: string;
  aborted: boolean;
  ending: Ending;
  log: string;
}

/** A sink in memory. Blocks for a moment at each chunk, where the test wants to see that. */
class MemorySink implements Sink {
  head_: Head | undefined;
  text = "";
  aborted = false;
  readonly #isSlow: boolean;

  constructor(isSlow: boolean) {
    this.#isSlow = isSlow;
  }

  head(head: Head): void {
    this.head_ = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.text += Buffer.from(chunk).toString("latin1");
    if (this.#isSlow) return Promise.resolve();
  }

  end(): void {}

  abort(): void {
    this.aborted = true;
  }
}

export interface ServeOptions {
  environ?: Record<string, unknown>;
  isSlow?: boolean;
  /** The client leaves when `run` has returned. */
  leaves?: boolean;
}

/** Serves one request by core's `run`. */
export async function serve(app: Application, options: ServeOptions = {}): Promise<Served> {
  const log = new Log();
  const environ = makeEnviron({ ...options.environ, "wsgi.errors": log });
  const sink = new MemorySink(options.isSlow === true);
  let ending = finished;
  const watching: Application = (environ, startResponse) => {
    environ["gateway.exchange"].onEnd((end) => {
      ending = end;
    });
    return app(environ, startResponse);
  };
  const running = run(watching, environ, sink);
  if (options.leaves === true) running?.gone(new ExchangeAborted("CLIENT_GONE"));
  await running?.done;
  const { text, aborted } = sink;
  return { status: sink.head_?.status ?? "", headers: sink.head_?.headers ?? [], text, aborted, ending, log: log.text };
}

/** The smallest application. */
export const emptyBody: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [];
};
