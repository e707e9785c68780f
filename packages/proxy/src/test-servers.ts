import type { ApplicationLike } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { errorsTo } from "@gateway/testing/conformance";

/** What a test needs of a server of ours: those of all protocols have it. */
export interface AnyServer {
  listen(): Promise<
    { readonly kind: "tcp"; readonly host: string; readonly port: number } | { readonly kind: "unix"; readonly path: string }
  >;
  serveForever(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Starts a server: its port, or the path of its socket. */
export async function begin(server: AnyServer): Promise<{ readonly port: number; readonly path: string; stop(): Promise<void> }> {
  const address = await server.listen();
  void server.serveForever();
  const [port, path] = address.kind === "tcp" ? [address.port, ""] : [0, address.path];
  return { port, path, stop: () => server.shutdown() };
}

/** An HTTP server of ours on a port of its own, in front of an application. */
export function front(app: ApplicationLike, errors: (text: string) => void): ReturnType<typeof begin> {
  return begin(makeServer("127.0.0.1", 0, app, { errors: errorsTo(errors), shutdownSeconds: 1, stopIdleSeconds: 0 }));
}
