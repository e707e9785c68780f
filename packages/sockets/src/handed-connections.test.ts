import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { parseListening } from "./address.ts";
import { GatewayServer } from "./gateway-server.ts";
import { HandedConnections } from "./handed-connections.ts";
import type { OpenConnection, Protocol, SocketFacts } from "./protocol.ts";
import { listenerDefaults } from "./settings.ts";

/** Answers what it was sent, when that has ended: for which its own half must have stayed open. */
function answering(facts: SocketFacts[] = []): Protocol {
  return {
    open(socket, accepted) {
      facts.push(accepted.facts);
      const received: Buffer[] = [];
      const connection: OpenConnection = { tick() {}, stop() {}, cut: () => void socket.destroy() };
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => received.push(chunk));
      socket.on("end", () => socket.end(Buffer.concat(received)));
      socket.on("close", () => accepted.host.closed(connection));
      return connection;
    },
    turnAway: (socket, reason) => void socket.end(reason, () => socket.destroy()),
  };
}

function serverOf(handed: HandedConnections, protocol: Protocol, maxConnections = Infinity): GatewayServer {
  return new GatewayServer(parseListening(handed, 0), protocol, {
    ...listenerDefaults,
    maxConnections,
    tls: undefined,
    handshakeSeconds: 10,
  });
}

/** A listening socket that is somebody else's, whose connections are handed over. */
async function front(handed: HandedConnections): Promise<Server> {
  const server = createServer({ pauseOnConnect: true }, (socket) => handed.accept(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function client(server: Server): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function answer(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe("HandedConnections", () => {
  it("are served by a server that listens nowhere, under the name that was listened on", async () => {
    const handed = new HandedConnections({ kind: "tcp", host: "127.0.0.1", port: 8000 }, "localhost");
    const facts: SocketFacts[] = [];
    const server = serverOf(handed, answering(facts));
    const other = await front(handed);
    expect(await server.listen()).toEqual({ kind: "tcp", host: "127.0.0.1", port: 8000 });
    const served = server.serveForever();
    const socket = await client(other);
    socket.end("hello");
    expect(await answer(socket)).toBe("hello");
    expect(facts).toMatchObject([{ serverName: "localhost", serverPort: "8000", remoteAddress: "127.0.0.1" }]);
    await server.shutdown();
    await served;
    other.close();
  });

  it("have no port on a Unix socket, and the client's address on all interfaces", async () => {
    const unix = serverOf(new HandedConnections({ kind: "unix", path: "/run/app.sock" }), answering());
    expect(await unix.listen()).toEqual({ kind: "unix", path: "/run/app.sock" });
    await unix.shutdown();

    const facts: SocketFacts[] = [];
    const handed = new HandedConnections({ kind: "tcp", host: "::", port: 8000 });
    await using server = serverOf(handed, answering(facts));
    const other = await front(handed);
    void server.serveForever();
    await server.listen();
    const socket = await client(other);
    socket.end("x");
    await answer(socket);
    expect(facts).toMatchObject([{ serverName: "127.0.0.1", serverPort: "8000" }]);
    other.close();
  });

  it("are told of on the channel on which any server tells of its connections", async () => {
    const handed = new HandedConnections({ kind: "tcp", host: "127.0.0.1", port: 8000 });
    await using server = serverOf(handed, answering());
    const told: unknown[] = [];
    const note = (message: unknown): void => void told.push(message);
    subscribe("net.server.socket", note);
    try {
      const other = await front(handed);
      void server.serveForever();
      await server.listen();
      const socket = await client(other);
      socket.end("x");
      await answer(socket);
      // Once by the server in front, which stands for the other process, and once here.
      expect(told).toHaveLength(2);
      expect(told[1]).toEqual(told[0]);
      other.close();
    } finally {
      unsubscribe("net.server.socket", note);
    }
  });

  it("that come before the stop has ended are served, and those after it are closed", async () => {
    const handed = new HandedConnections({ kind: "tcp", host: "127.0.0.1", port: 8000 });
    const server = serverOf(handed, answering());
    const other = await front(handed);
    const served = server.serveForever();
    await server.listen();
    const first = await client(other);
    const stopped = server.shutdown();
    const second = await client(other);
    await expect.poll(() => server.connections).toBe(2);
    first.end("one");
    second.end("two");
    expect(await Promise.all([answer(first), answer(second)])).toEqual(["one", "two"]);
    await stopped;
    await served;
    const late = await client(other);
    expect(await answer(late)).toBe("");
    other.close();
  });

  it("are turned away when there are too many", async () => {
    const handed = new HandedConnections({ kind: "tcp", host: "127.0.0.1", port: 8000 });
    await using server = serverOf(handed, answering(), 1);
    const other = await front(handed);
    void server.serveForever();
    await server.listen();
    const first = await client(other);
    await expect.poll(() => server.connections).toBe(1);
    expect(await answer(await client(other))).toBe("there are too many connections");
    first.end();
    await answer(first);
    other.close();
  });
});
