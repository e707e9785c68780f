import type { Socket } from "node:net";
import { cannedServer } from "@gateway/testing/canned-server";
import { validator } from "@gateway/validate";
import { httpApp } from "./http-app.ts";
import type { HttpAppOptions } from "./options.ts";
import { front } from "./test-servers.ts";

/** A back end that says what it is told to, and our server with `httpApp` in front of it. */
export interface Canned {
  readonly url: string;
  readonly origin: string;
  readonly sockets: Socket[];
  /** All that has come over all connections. */
  readonly received: () => string;
  /** What the server in front has reported. */
  readonly errors: string[];
  stop(): Promise<void>;
}

/** @param answer is called for each request head that has come whole, and told how many came before it. */
export async function canned(
  answer: (socket: Socket, count: number) => void,
  options: Partial<HttpAppOptions> = {},
): Promise<Canned> {
  let count = 0;
  const heads = new Map<Socket, number>();
  const server = await cannedServer((socket, seen) => {
    for (let at = seen.indexOf("\r\n\r\n", heads.get(socket)); at !== -1; at = seen.indexOf("\r\n\r\n", at + 4)) {
      heads.set(socket, at + 4);
      answer(socket, count++);
    }
  });
  const { sockets, received } = server;
  const origin = `http://127.0.0.1:${server.port}`;
  const app = httpApp({ origin, ...options });
  const errors: string[] = [];
  const ours = await front(validator(app), (text) => errors.push(text));
  return {
    url: `http://127.0.0.1:${ours.port}`,
    origin,
    sockets,
    received,
    errors,
    async stop() {
      app.close();
      for (const socket of sockets) socket.destroy();
      await ours.stop();
      await server.stop();
    },
  };
}
