import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { ApplicationLike } from "@gateway/core";
import type { GatewayServer } from "@gateway/sockets";
import { errorsTo } from "@gateway/testing/conformance";
import type { ServerOptions } from "./options.ts";
import { makeServer } from "./server.ts";

/** A server whose own ends of the connections the test can see. */
export interface ObservedServer extends AsyncDisposable {
  readonly server: GatewayServer;
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly errors: readonly string[];
}

export async function observedServer(app: ApplicationLike, options: ServerOptions = {}): Promise<ObservedServer> {
  const listener = createServer({ allowHalfOpen: true });
  const sockets: Socket[] = [];
  listener.on("connection", (socket) => sockets.push(socket));
  // A crowd may come at once.
  listener.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(listener, "listening");
  const errors: string[] = [];
  const server = makeServer(listener, 0, app, { shutdownSeconds: 1, errors: errorsTo((text) => errors.push(text)), ...options });
  const address = await server.listen();
  void server.serveForever();
  const port = address.kind === "tcp" ? address.port : 0;
  return { server, port, sockets, errors, [Symbol.asyncDispose]: () => server.shutdown() };
}
