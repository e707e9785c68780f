import type { ApplicationLike } from "@gateway/core";
import { limitNames, settingsOf, type HandlerLimits, type HandlerSettings } from "./options.ts";
import { Serving, type HandlerFacts, type Streams } from "./serve.ts";
import { processVariables, variablesOf } from "./variables.ts";

/** Settings of {@link SimpleHandler}. */
export interface SimpleHandlerOptions extends HandlerLimits, Streams {
  /** The variables of the request (RFC 3875, section 4.1). */
  readonly environ: Readonly<Record<string, string | undefined>>;
  /** Where the request body comes from; read no further than its length, and never ended. */
  readonly stdin: Streams["stdin"];
  /** Where the response goes; it is not ended. */
  readonly stdout: Streams["stdout"];
  /** Where `wsgi.errors` goes. */
  readonly stderr: Streams["stderr"];
  /** Whether the response begins with a status line, as from a server that speaks HTTP itself (default false: with the headers of CGI). */
  readonly originServer?: boolean;
  /** `wsgi.multiprocess` (default true). */
  readonly multiprocess?: boolean;
  /** `wsgi.run_once` (default false). */
  readonly runOnce?: boolean;
}

const simpleNames = [...limitNames, "environ", "stdin", "stdout", "stderr", "originServer", "multiprocess", "runOnce"];

/** Serves one request from variables and streams: `wsgiref.handlers.SimpleHandler`. */
export class SimpleHandler {
  readonly #options: SimpleHandlerOptions;
  readonly #facts: HandlerFacts;

  /** @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense. */
  constructor(options: SimpleHandlerOptions) {
    const { originServer = false, multiprocess = true, runOnce = false } = options;
    for (const [name, value] of Object.entries({ originServer, multiprocess, runOnce }))
      if (typeof value !== "boolean") throw new TypeError(`${name} is true or false`);
    this.#options = options;
    this.#facts = { ...settingsOf("SimpleHandler", options, simpleNames), originServer, multiprocess, runOnce };
  }

  /**
   * Runs the application, and resolves when all is over: the response handed to the stream, the body closed, and what it left of the
   * request body read.
   *
   * @returns whether the response is whole: it broke off where the application failed after its first byte, or nobody reads any more.
   */
  async run(app: ApplicationLike): Promise<boolean> {
    return new Serving(app, variablesOf(this.#options.environ), this.#options, this.#facts).done;
  }
}

/** Settings of {@link CGIHandler}. */
export type CGIHandlerOptions = HandlerLimits;

/** What a shell reports for a process that SIGTERM ended. */
const terminatedStatus = 143;
/** Apache httpd kills a program three seconds after it has told it to end. */
const terminationMilliseconds = 2000;

function ignore(): void {}

/** Serves the one request that this process was started for: `wsgiref.handlers.CGIHandler`. */
export class CGIHandler {
  readonly #settings: HandlerSettings;

  /** @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense. */
  constructor(options: CGIHandlerOptions = {}) {
    this.#settings = settingsOf("CGIHandler", options, limitNames);
  }

  /**
   * Runs the application on the environment, the standard input and the standard output of the process. Then the process ends, whatever
   * timers or pools the application still holds: with status 1 where the response broke off. What stands behind the call of `run` and is
   * synchronous still runs; last words belong into `process.on("exit")`.
   *
   * SIGTERM means that the client has left: every body's `close()` runs, and the process ends with status 143.
   */
  async run(app: ApplicationLike): Promise<void> {
    const { stdin, stdout, stderr } = process;
    // A front server that reads neither the response nor the log any more must not end it with an error about that.
    stdout.on("error", ignore);
    stderr.on("error", ignore);
    const facts = { ...this.#settings, originServer: false, multiprocess: true, runOnce: true };
    let serving: Serving | undefined;
    // Before the application is called, which may take its time.
    process.once("SIGTERM", () => {
      process.exitCode = terminatedStatus;
      serving?.leave();
      setTimeout(() => process.exit(), terminationMilliseconds).unref();
    });
    serving = new Serving(app, processVariables(), { stdin, stdout, stderr }, facts);
    // An application that waits for nothing but the departure of its client is still at work.
    const atWork = setInterval(ignore, 60_000);
    const isWhole = await serving.done;
    clearInterval(atWork);
    if (!isWhole) process.exitCode ??= 1;
    await new Promise((resolve) => stderr.write("", resolve));
    setImmediate(() => process.exit());
  }
}
