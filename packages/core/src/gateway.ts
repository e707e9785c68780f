/** For authors of gateways: the run loop, and what it asks of a gateway. */
export { run } from "./run.ts";
export type { Running, Sink } from "./sink.ts";
export { Seen, type Head } from "./head.ts";
export { detachedExchange } from "./detached-exchange.ts";
export { emptyInput, inputStream, type ChunkSource, type InputStreamOptions } from "./input-stream.ts";
export { errorText } from "./report.ts";
export { cgiContentLength, cgiVariable, type CgiVariables } from "./cgi-variables.ts";
export { cgiEnviron, CgiEnvirons, parseMounts, type CgiGateway } from "./cgi-environ.ts";
export { cgiHead, httpHead } from "./cgi-head.ts";
export { namedByConnection } from "./connection-options.ts";
export { byteLimit, errorStream, notPromise, optionalFunction, pathPrefix } from "./option-values.ts";
