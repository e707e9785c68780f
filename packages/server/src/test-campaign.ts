import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { ApplicationLike, ErrorStream } from "@gateway/core";
import type { ServerOptions } from "./options.ts";
import type { GatewayServer } from "@gateway/sockets";
import { makeServer } from "./server.ts";

/** Great counts: `GATEWAY_LONG=1` runs them in full, otherwise a seeded part of them is run. */
export const isLong: boolean = process.env["GATEWAY_LONG"] === "1";

/** @returns `full` in a long run, else a tenth of it, or the part that is given. */
export function scaled(full: number, part: number = Math.ceil(full / 10)): number {
  return isLong ? full : part;
}

/** What a long run may take. */
export const campaignTimeout = 900_000;

/** Numbers from 0 to 1 that are the same in every run: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Lets the loop turn until the condition holds. Unlike `vi.waitUntil` it leaves a fake clock alone; it is the test that has a time limit. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

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
  const stream: ErrorStream = {
    write: (text) => void errors.push(text),
    writelines: (lines) => void errors.push(...lines),
    flush() {},
  };
  const server = makeServer(listener, 0, app, { shutdownSeconds: 1, errors: stream, ...options });
  const address = await server.listen();
  void server.serveForever();
  const port = address.kind === "tcp" ? address.port : 0;
  return { server, port, sockets, errors, [Symbol.asyncDispose]: () => server.shutdown() };
}
