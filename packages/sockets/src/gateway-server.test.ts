import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { parseListening } from "./address.ts";
import { GatewayServer } from "./gateway-server.ts";
import type { ListenerOptions, OpenConnection, Protocol } from "./protocol.ts";
import { listenerDefaults } from "./settings.ts";

/** Sends back what it receives, as the README has it. */
const echo: Protocol = {
  open(socket, { host }) {
    const connection: OpenConnection = {
      tick() {},
      stop: () => void socket.end(),
      cut: () => void socket.destroy(),
    };
    socket.on("error", () => {});
    socket.on("close", () => host.closed(connection));
    socket.pipe(socket);
    return connection;
  },
  turnAway: (socket, reason) => void socket.end(reason, () => socket.destroy()),
};

function serverOn(
  where: string | Parameters<typeof parseListening>[0],
  options: ListenerOptions = {},
  protocol = echo,
): GatewayServer {
  return new GatewayServer(parseListening(where, 0), protocol, {
    ...listenerDefaults,
    ...options,
    tls: undefined,
    handshakeSeconds: 10,
  });
}

async function client(server: GatewayServer): Promise<Socket> {
  const address = server.address();
  const socket = address.kind === "tcp" ? connect(address.port, address.host) : connect(address.path);
  await once(socket, "connect");
  return socket;
}

async function said(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString();
}

describe("GatewayServer", () => {
  it("serves a protocol until it is shut down", async () => {
    const server = serverOn("127.0.0.1");
    await server.listen();
    const served = server.serveForever();
    const socket = await client(server);
    socket.write("hello");
    expect(await said(socket)).toBe("hello");
    const ended = once(socket, "end");
    expect(server.stopping.aborted).toBe(false);
    const stopped = server.shutdown();
    expect(server.stopping.aborted).toBe(true);
    await stopped;
    await served;
    await ended;
    await expect(server.listen()).resolves.toBeDefined();
  });

  it("takes away a dead socket file, and leaves one that answers", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gateway-"));
    try {
      const path = join(folder, "s");
      await using first = serverOn(`unix:${path}`);
      await first.listen();
      await expect(serverOn(`unix:${path}`).listen()).rejects.toThrow("EADDRINUSE");
      expect((await stat(path)).isSocket()).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("turns away one connection too many, and says so to whoever wants to know", async () => {
    const onRefused = vi.fn<() => void>();
    await using server = serverOn("127.0.0.1", { maxConnections: 1, onRefused, shutdownSeconds: 0 });
    await server.listen();
    void server.serveForever();
    const first = await client(server);
    first.write("1");
    await said(first);
    expect(await said(await client(server))).toBe("there are too many connections");
    expect(onRefused).toHaveBeenCalledExactlyOnceWith({
      code: 503,
      reason: "there are too many connections",
      remoteAddress: "127.0.0.1",
    });
    first.destroy();
  });

  it("serves a server that listens already, and one request at a time", async () => {
    const given = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    given.listen(0, "127.0.0.1");
    await once(given, "listening");
    await using server = serverOn(given);
    await server.listen();
    const handled = server.handleRequest();
    const socket = await client(server);
    socket.end("once");
    expect(await said(socket)).toBe("once");
    await handled;
  });

  it("takes what waits in the backlog before it stops", async () => {
    const server = serverOn("127.0.0.1", { stopIdleSeconds: 5, shutdownSeconds: 5 });
    await server.listen();
    const served = server.serveForever();
    const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
    const stopped = server.shutdown();
    await once(socket, "connect");
    // Accepted, so that it is ended and not reset.
    socket.resume();
    await once(socket, "end");
    await stopped;
    await served;
  });

  it("tells connections the time, and cuts what does not end", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
    try {
      const connection = { tick: vi.fn<(since: number) => void>(), stop: vi.fn<() => void>(), cut: vi.fn<() => void>() };
      const opened: Socket[] = [];
      const protocol: Protocol = {
        open(socket, { host }) {
          opened.push(socket);
          socket.on("close", () => host.closed(connection));
          connection.cut.mockImplementation(() => void socket.destroy());
          return connection;
        },
        turnAway: undefined,
      };
      const server = serverOn("127.0.0.1", { shutdownSeconds: 3 }, protocol);
      await server.listen();
      const served = server.serveForever();
      const socket = await client(server);
      await vi.waitUntil(() => opened.length === 1);
      vi.advanceTimersByTime(2000);
      expect(connection.tick.mock.calls).toEqual([[1000], [1000]]);
      const stopped = server.shutdown();
      await vi.waitUntil(() => connection.stop.mock.calls.length === 1);
      vi.advanceTimersByTime(3000);
      expect(connection.cut).toHaveBeenCalledOnce();
      socket.destroy();
      await stopped;
      await served;
    } finally {
      vi.useRealTimers();
    }
  });
});
