import type { Environ, ErrorStream } from "./contract.ts";
import { detachedExchange } from "./detached-exchange.ts";
import { FileWrapper } from "./file-wrapper.ts";
import { emptyInput } from "./input-stream.ts";
import { guessScheme } from "./uri.ts";

/** The console ends the line itself, so one line end of the text is left out. Nothing is held back. */
const consoleErrors: ErrorStream = Object.freeze({
  write(text: string) {
    if (text !== "") console.error(text.endsWith("\n") ? text.slice(0, -1) : text);
  },
  writelines(lines: Iterable<string>) {
    this.write([...lines].join(""));
  },
  flush() {},
});

/**
 * Makes a complete environ of whatever is there, for tests and trials: `app(setupTestingDefaults({ PATH_INFO: "/x" }), ...)`. Fills in
 * only what is missing (or `undefined`), changes the object it was given, and returns it. The defaults are those of
 * `wsgiref.util.setup_testing_defaults`: `GET http://127.0.0.1/`, the port that of the scheme, no query, no body, one thread, one
 * process; but `HTTP/1.1`, and `wsgi.errors` writes to the console. `SCRIPT_NAME` and `PATH_INFO` are `""` and `"/"`; of one given
 * alone the other becomes what makes the path complete.
 *
 * Not for gateways: the values are made up. It checks nothing, and derives nothing from `REQUEST_URI` or the headers.
 */
export function setupTestingDefaults(environ: Partial<Environ>): Environ {
  const name = (environ.SERVER_NAME ??= "127.0.0.1");
  environ.SERVER_PROTOCOL ??= "HTTP/1.1";
  environ.HTTP_HOST ??= name;
  environ.REQUEST_METHOD ??= "GET";
  environ.SCRIPT_NAME ??= "";
  environ.PATH_INFO ??= environ.SCRIPT_NAME === "" ? "/" : "";
  environ.QUERY_STRING ??= "";
  const scheme = (environ["wsgi.url_scheme"] ??= guessScheme(environ));
  environ.SERVER_PORT ??= scheme === "https" ? "443" : "80";
  environ["wsgi.version"] ??= [1, 0];
  environ["wsgi.input"] ??= emptyInput;
  environ["wsgi.errors"] ??= consoleErrors;
  environ["wsgi.multithread"] ??= false;
  environ["wsgi.multiprocess"] ??= false;
  environ["wsgi.run_once"] ??= false;
  environ["wsgi.input_terminated"] ??= true;
  environ["wsgi.file_wrapper"] ??= (file, blockSize) => new FileWrapper(file, blockSize);
  environ["gateway.exchange"] ??= detachedExchange;
  return environ as Environ;
}
