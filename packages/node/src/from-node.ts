import type { IncomingMessage, ServerResponse } from "node:http";
import { isThenable, whenReady, type Application, type Environ, type ResponseBody, type StartResponse } from "@gateway/core";
import { NodeExchange } from "./node-exchange.ts";
import { settleBody } from "./settle-body.ts";

/** A request listener: Express and Connect apps are such functions. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What {@link fromNode} takes: a request listener, a Koa app, or a Fastify app. */
export type NodeApplication =
  | NodeListener
  | {
      /** Koa: makes the listener, once. */
      callback(): NodeListener;
    }
  | {
      /** Fastify: resolves when its plug-ins are loaded. */
      ready(): PromiseLike<unknown>;
      routing: NodeListener;
    };

/**
 * Makes an application of a request listener of `node:http`, without a socket: an Express, Connect, Koa or Fastify app, or any function of
 * `(req, res)`.
 *
 * Below a prefix, `req.url` is the path without it, and `req.originalUrl` and `req.baseUrl` are set as Express does. `req.socket` has the addresses.
 * When the client leaves, `req` and `res` are closed as on a server. {@link environOf} gives the environ of a request.
 *
 * @throws {TypeError} for what is no request listener.
 */
export function fromNode(app: NodeApplication): Application {
  const listener = listenerOf(app);
  return (environ, startResponse) => whenReady(settleBody(environ), () => answer(listener, environ, startResponse));
}

function answer(listener: NodeListener, environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody> {
  const exchange = new NodeExchange(environ, startResponse);
  try {
    const working = listener(exchange.request, exchange.response);
    if (isThenable(working)) Promise.resolve(working).then(undefined, (error: unknown) => exchange.failed(error));
  } catch (error) {
    exchange.failed(error);
  }
  return exchange.answer();
}

function listenerOf(app: NodeApplication): NodeListener {
  if (typeof app === "function") return app;
  if (typeof app === "object" && app !== null) {
    if ("callback" in app && typeof app.callback === "function") return app.callback();
    if ("routing" in app && typeof app.routing === "function" && typeof app.ready === "function") {
      let isReady = false;
      return (request, response) => {
        if (isReady) return app.routing(request, response);
        return app.ready().then(() => {
          isReady = true;
          return app.routing(request, response);
        });
      };
    }
  }
  throw new TypeError("fromNode takes a function of (req, res), a Koa app or a Fastify app");
}
