import { compose, type Application, type Environ } from "@gateway/core";
import pino, { type Logger } from "pino";
import {
  accessLog,
  requestId,
  requestLogger,
  traceContext,
  type LoggerEnviron,
  type RequestIdEnviron,
  type TraceEnviron,
} from "./index.ts";

const logger = pino();
const requestLoggerOfConsole = requestLogger({ child: () => console });
const logged = requestLogger(logger);

const app: Application<Environ & RequestIdEnviron & TraceEnviron & LoggerEnviron<Logger>> = (environ, startResponse) => {
  environ["gateway.logger"].info(environ["gateway.trace"].traceId);
  startResponse("200 OK", [["X-Id", environ["gateway.request_id"]]]);
  return [];
};

compose(requestId(), traceContext(), logged, accessLog({ logger }))(app) satisfies Application;
accessLog({ logger: console, format: "combined" })(requestId()(traceContext()(requestLogger(logger)(app)))) satisfies Application;

// @ts-expect-error -- no layer gives the id
compose(traceContext(), logged, accessLog())(app) satisfies Application;
// @ts-expect-error -- no layer gives the trace
compose(requestId(), logged, accessLog())(app) satisfies Application;
// @ts-expect-error -- the logger is of another kind
compose(requestId(), traceContext(), accessLog(), requestLoggerOfConsole)(app) satisfies Application;

accessLog({ stream: process.stdout, format: "%h", skip: ({ status }) => status < 400 });
accessLog({ format: ({ method, path }) => `${method} ${path}` });
// @ts-expect-error -- not an option
accessLog({ formt: "json" });
