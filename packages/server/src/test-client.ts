import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Application, ApplicationLike } from "@gateway/core";
import type { ServerOptions } from "./options.ts";
import type { GatewayServer } from "@gateway/sockets";
import { errorsTo } from "@gateway/testing/conformance";
import { makeServer } from "./server.ts";

/** A connection of a test: sends bytes, and waits for what must come back. */
export class TestClient {
  received = "";
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #changed: (() => void) | undefined = undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
      this.#changed?.();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#changed?.();
        resolve();
      });
    });
  }

  send(text: string | Uint8Array): void {
    this.socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  }

  /** Resolves when what was received satisfies the condition; throws when the connection closes first. */
  async until(condition: (received: string) => boolean): Promise<string> {
    while (!condition(this.received)) {
      if (this.socket.closed) throw new Error(`the connection was closed after ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    return this.received;
  }

  /** All that came, once the server has closed the connection. */
  async all(): Promise<string> {
    await this.closed;
    return this.received;
  }
}

/** A server on a port of its own, and what it reported. */
export interface TestServer extends AsyncDisposable {
  readonly server: GatewayServer;
  readonly port: number;
  readonly errors: string[];
  connect(): Promise<TestClient>;
  /** Sends bytes on a connection of their own, half-closes it, and gives all that came back. */
  exchange(text: string | Uint8Array): Promise<string>;
}

export async function testServer(app: ApplicationLike, options: ServerOptions = {}): Promise<TestServer> {
  const errors: string[] = [];
  const server = makeServer("127.0.0.1", 0, app, { errors: errorsTo((line) => errors.push(line)), shutdownSeconds: 1, ...options });
  const address = await server.listen();
  const port = address.kind === "tcp" ? address.port : 0;
  void server.serveForever();
  const open = async (): Promise<TestClient> => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const client = new TestClient(socket);
    await once(socket, "connect");
    socket.once("end", () => socket.end());
    return client;
  };
  return {
    server,
    port,
    errors,
    connect: open,
    async exchange(text) {
      const client = await open();
      client.socket.end(typeof text === "string" ? Buffer.from(text, "latin1") : text);
      return client.all();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Answers with what it was asked for: method, path, and the body. */
export const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`${environ.REQUEST_METHOD} ${environ.PATH_INFO} `), body];
};

export const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

export function request(target: string, headers = "", body = "", method = "GET"): string {
  return `${method} ${target} HTTP/1.1\r\nHost: test\r\n${headers}\r\n${body}`;
}

/** How many responses are in what came. */
export function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
