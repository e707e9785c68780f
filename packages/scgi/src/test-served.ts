import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Application } from "@gateway/core";
import type { GatewayServer, RefusedRequest } from "@gateway/sockets";
import { eventually } from "@gateway/testing/campaign";
import { errorsTo } from "@gateway/testing/conformance";
import { vi } from "vitest";
import { scgiPacket } from "./client.ts";
import { makeServer, type ScgiOptions } from "./index.ts";

export interface Served extends AsyncDisposable {
  readonly server: GatewayServer;
  readonly refused: RefusedRequest[];
  readonly errors: string[];
  /** The ends of the connections on the side of the server. */
  readonly sockets: Socket[];
  connect(): Promise<Front>;
}

/** A front server on one connection. */
export class Front {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => (this.isClosed = true));
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** All that came, when the server has closed the connection. */
  async all(): Promise<string> {
    await eventually(() => this.isClosed);
    return this.received;
  }
}

const open: Served[] = [];

/** Stops what {@link serve} has started. */
export async function stopServed(): Promise<void> {
  vi.useRealTimers();
  for (const served of open.splice(0)) await served[Symbol.asyncDispose]();
}

export async function serve(app: Application, options: ScgiOptions = {}): Promise<Served> {
  const listener = createServer({ allowHalfOpen: true });
  const sockets: Socket[] = [];
  listener.on("connection", (socket) => sockets.push(socket));
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const refused: RefusedRequest[] = [];
  const errors: string[] = [];
  const server = makeServer(listener, 0, app, {
    shutdownSeconds: 0,
    stopIdleSeconds: 0,
    onRefused: (request) => refused.push(request),
    errors: errorsTo((text) => errors.push(text)),
    ...options,
  });
  await server.listen();
  void server.serveForever();
  const served: Served = {
    server,
    refused,
    errors,
    sockets,
    async connect() {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      await once(socket, "connect");
      return new Front(socket);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  open.push(served);
  return served;
}

export function packet(variables: Readonly<Record<string, string>> = {}, body = ""): string {
  const all = { CONTENT_LENGTH: `${body.length}`, REQUEST_METHOD: body === "" ? "GET" : "POST", PATH_INFO: "/", ...variables };
  return scgiPacket(Object.entries(all).flat()).toString("latin1") + body;
}

export async function exchange(served: Served, text: string): Promise<string> {
  const front = await served.connect();
  front.send(text);
  return front.all();
}

export const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

export const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [body];
};

/** Streams until the client has left, and says how it ended. */
export function streaming(endings: string[], closes: { count: number }): Application {
  return (environ, startResponse) => {
    const { signal } = environ["gateway.exchange"];
    const left = new Promise((resolve) => signal.addEventListener("abort", resolve));
    environ["gateway.exchange"].onEnd(({ outcome }) => endings.push(outcome));
    startResponse("200 OK", []);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("begun");
      await left;
    }
    return Object.assign(body(), { close: () => void closes.count++ });
  };
}
