import type { RequestListener } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import connect from "connect";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import type { NodeHandler } from "./to-node.ts";

/** A handler inside Express, as their documentation says: `app.use()`. */
export function insideExpress(handler: NodeHandler): RequestListener {
  return express().use(handler);
}

export function insideConnect(handler: NodeHandler): RequestListener {
  return connect().use(handler);
}

/** Koa leaves the response alone when it is told so. */
export function insideKoa(handler: NodeHandler): RequestListener {
  const app = new Koa();
  // It writes each client that leaves to standard error.
  app.silent = true;
  app.use((context) => {
    context.respond = false;
    handler(context.req, context.res);
  });
  const callback = app.callback();
  return (request, response) => void callback(request, response);
}

/** Fastify leaves the response alone when it is hijacked, and bodies where no parser is there for them. */
export async function insideFastify(handler: NodeHandler): Promise<RequestListener> {
  const app = fastify();
  app.addHttpMethod("PROPFIND");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.all("*", (request, reply) => {
    reply.hijack();
    handler(request.raw, reply.raw);
  });
  await app.ready();
  return (request, response) => app.routing(request, response);
}

/** Hono's own node server hands out what it got of Node. */
export function insideHono(handler: NodeHandler): RequestListener {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all("*", (context) => {
    handler(context.env.incoming, context.env.outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (request, response) => void listener(request, response);
}
