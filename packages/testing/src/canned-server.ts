import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** Settings of {@link cannedServer}. */
export interface CannedServerOptions {
  /** Path of a Unix socket to listen on (default: a port of 127.0.0.1 that the system chooses). */
  path?: string | undefined;
  /** Whether a connection stays open for writing when the client has closed its side (default `true`). */
  allowHalfOpen?: boolean;
}

/** A server that says what it is told to, whatever it is asked. */
export interface CannedServer {
  /** Where it listens. */
  readonly connect: { readonly port: number } | { readonly path: string };
  /** 0 where it listens on a Unix socket. */
  readonly port: number;
  /** Its ends of all connections, in the order they came. */
  readonly sockets: Socket[];
  /** All that has come over all connections; latin-1. */
  readonly received: () => string;
  /** Cuts what is open, and resolves when nothing is left of it. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a server for the tests of clients: it understands nothing, and so can answer wrongly in any way.
 *
 * @param answer is called with each piece that comes: `seen` is all that came over this connection so far.
 */
export async function cannedServer(
  answer: (socket: Socket, seen: string) => void,
  { path, allowHalfOpen = true }: CannedServerOptions = {},
): Promise<CannedServer> {
  const sockets: Socket[] = [];
  let received = "";
  const server = createServer({ allowHalfOpen }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    let seen = "";
    socket.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      received += text;
      seen += text;
      answer(socket, seen);
    });
  });
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    connect: path === undefined ? { port } : { path },
    port,
    sockets,
    received: () => received,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Answers the first piece of each connection, and nothing after it. */
export function onceFor(answer: (socket: Socket) => void): (socket: Socket) => void {
  const answered = new WeakSet<Socket>();
  return (socket) => {
    if (answered.has(socket)) return;
    answered.add(socket);
    answer(socket);
  };
}
