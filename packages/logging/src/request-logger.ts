import { layer, type Middleware } from "@gateway/core";

/** A logger that makes others of its kind which say more, such as pino's. */
export interface ParentLogger {
  child(bindings: Record<string, unknown>): unknown;
}

/** What {@link requestLogger} adds to environ. */
export interface LoggerEnviron<Logger> {
  "gateway.logger": Logger;
}

/**
 * Gives each request a logger of its own, `environ["gateway.logger"]`, whose lines have the ids of the request in them: `gateway.request_id`,
 * `trace_id` and `span_id`, as far as the layers outside of this one set them.
 *
 * @throws {TypeError} while wrapping, for a logger without `child`.
 */
export function requestLogger<Logger extends ParentLogger>(logger: Logger): Middleware<LoggerEnviron<Logger>> {
  if (typeof logger?.child !== "function") throw new TypeError("requestLogger takes a logger with child(bindings), such as pino's");
  return layer<LoggerEnviron<Logger>>((app) => (environ, startResponse) => {
    const bindings: Record<string, unknown> = {};
    const id = environ["gateway.request_id"];
    const trace = environ["gateway.trace"];
    if (typeof id === "string") bindings["gateway.request_id"] = id;
    if (typeof trace === "object" && trace !== null && "traceId" in trace && "spanId" in trace) {
      bindings["trace_id"] = trace.traceId;
      bindings["span_id"] = trace.spanId;
    }
    // What pino's child() returns depends on what is given to it, which no shape can say: it is a logger like its parent.
    environ["gateway.logger"] = logger.child(bindings) as Logger;
    return app(environ, startResponse);
  });
}
