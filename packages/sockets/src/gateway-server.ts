import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, Server as TlsServer, TLSSocket } from "node:tls";
import { listenOptions, serverAddress, withoutMapping, type Listening, type ServerAddress } from "./address.ts";
import { Connections } from "./connections.ts";
import type { ListenerSettings, Protocol, SocketFacts } from "./protocol.ts";
import { checkSocketDescriptor } from "./descriptor.ts";
import { tlsFacts } from "./tls.ts";
import { removeStaleSocket } from "./unix-socket.ts";

/** A server of one application: listens, holds the connections, and stops. Each protocol has a `makeServer` that makes one. */
export class GatewayServer implements AsyncDisposable {
  readonly #listening: Listening;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #protocol: Protocol;
  readonly #settings: ListenerSettings;
  readonly #connections: Connections;
  #opened: Promise<ServerAddress> | undefined = undefined;
  #address: ServerAddress | undefined = undefined;
  /** The name that was listened on; `undefined` on all interfaces, where each connection has its own. */
  #serverName: string | undefined = undefined;
  #serverPort = "";
  #accepted = 0;
  /** TLS handshakes under way, by the address of the client: the socket below, and since when. */
  readonly #handshakes = new Map<string, { socket: Socket; since: number }>();
  /** Connections that came while nobody served: only {@link handleRequest} leaves any. */
  readonly #waiting: Socket[] = [];
  #isServing = false;
  readonly #wanting: ((socket: Socket | undefined) => void)[] = [];
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;

  constructor(listening: Listening, protocol: Protocol, settings: ListenerSettings) {
    this.#listening = listening;
    this.#protocol = protocol;
    this.#settings = settings;
    this.#connections = new Connections(settings);
    this.#tls = settings.tls === undefined ? undefined : this.#makeTls(settings);
    this.#server =
      "server" in listening ? listening.server : createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  }

  /** Begins to listen. Connections wait until they are served. Resolves with the address; rejects when the system refuses it. */
  listen(): Promise<ServerAddress> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /**
   * Where it listens, with the port that the system chose.
   *
   * @throws {Error} before {@link listen} has resolved.
   */
  address(): ServerAddress {
    if (this.#address === undefined) throw new Error("the server does not listen yet: await listen()");
    return this.#address;
  }

  /** Serves all requests, until {@link shutdown}; resolves when that is done. */
  async serveForever(): Promise<void> {
    await this.listen();
    this.#isServing = true;
    for (const socket of this.#waiting.splice(0)) void this.#serve(socket, false);
    await this.#closed;
  }

  /** Serves one request, on a connection of its own, and closes that: resolves when it is closed, or by {@link shutdown}. */
  async handleRequest(): Promise<void> {
    await this.listen();
    if (this.#isServing) throw new Error("handleRequest() is for a server that does not serve forever");
    const socket = this.#waiting.shift() ?? (await new Promise<Socket | undefined>((resolve) => this.#wanting.push(resolve)));
    if (socket !== undefined) await this.#serve(socket, true);
  }

  /**
   * Stops: takes the connections that wait in the backlog and then no more, lets idle ones send a last request for `stopIdleSeconds`, says
   * `Connection: close` in every answer, and cuts what has not finished after `shutdownSeconds`. Every body's `close()` runs.
   * Resolves when all connections are closed; the second call waits for the same.
   */
  shutdown(): Promise<void> {
    this.#stopping.abort();
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Aborted when {@link shutdown} is called: for whoever must know that no further requests will come, such as a readiness check. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** How many connections are open: served, in a TLS handshake, or waiting. */
  get connections(): number {
    return this.#connections.size + this.#handshakes.size + this.#waiting.length;
  }

  /** {@link shutdown}: `await using server = makeServer(...)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #open(): Promise<ServerAddress> {
    if (this.#stopped !== undefined) throw new Error("the server was shut down");
    if (this.#listening.kind === "unix") await removeStaleSocket(this.#listening.path);
    if (!("server" in this.#listening)) await this.#bind(this.#listening);
    else if (this.#listening.kind === "server" && !this.#server.listening)
      throw new Error("the net.Server that was given does not listen yet");
    this.#server.on(this.#server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) =>
      this.#connected(socket),
    );
    this.#server.on("error", (error) => this.#connections.report(error));
    this.#closed = new Promise((resolve) => this.#server.once("close", resolve));
    this.#address = serverAddress(this.#server.address());
    if (this.#address.kind === "tcp") {
      const { host, port } = this.#address;
      this.#serverPort = String(port);
      const given = this.#nameOf(this.#listening) ?? host;
      if (given !== "" && given !== "::" && given !== "0.0.0.0") this.#serverName = given;
    }
    this.#connections.startClock();
    return this.#address;
  }

  /** The name or address that somebody chose to listen on. */
  #nameOf(listening: Listening): string | undefined {
    if (listening.kind === "tcp") return listening.host;
    return listening.kind === "handed" ? listening.server.serverName : undefined;
  }

  #bind(listening: Exclude<Listening, { server: Server }>): Promise<void> {
    if (listening.kind === "fd") checkSocketDescriptor(listening.fd);
    return new Promise((resolve, reject) => {
      const { backlog } = this.#settings;
      this.#server.once("error", reject);
      // Of a descriptor's options Node.js does not read the backlog.
      this.#server.listen(listenOptions(listening, backlog), backlog, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  #makeTls(settings: ListenerSettings): TlsServer {
    const server = createTlsServer({
      ALPNProtocols: ["http/1.1"],
      ...settings.tls,
      allowHalfOpen: true,
      pauseOnConnect: true,
      handshakeTimeout: settings.handshakeSeconds * 1000,
    });
    server.on("secureConnection", (socket) => this.#accept(socket));
    server.on("tlsClientError", (error, socket) => {
      const remoteAddress = withoutMapping(socket.remoteAddress ?? "");
      // The message is OpenSSL's own, with addresses and line ends in it.
      const { code, reason } = error as { code?: string; reason?: string };
      this.#connections.refused({ code: 0, reason: `the TLS handshake failed: ${reason ?? code ?? error.name}`, remoteAddress });
      // One that took too long would stay open otherwise.
      socket.destroy();
    });
    return server;
  }

  #connected(socket: Socket): void {
    this.#accepted++;
    if (this.connections >= this.#settings.maxConnections) {
      const reason = "there are too many connections";
      this.#connections.refused({ code: 503, reason, remoteAddress: withoutMapping(socket.remoteAddress ?? "") });
      socket.on("error", () => {});
      if (this.#tls === undefined && this.#protocol.turnAway !== undefined) this.#protocol.turnAway(socket, reason);
      else socket.destroy();
    } else if (this.#tls === undefined) {
      this.#accept(socket);
    } else {
      const client = addressOf(socket);
      this.#handshakes.set(client, { socket, since: this.#connections.now });
      socket.once("close", () => this.#handshakes.delete(client));
      // A client that leaves in the handshake has left; until it is done there is nothing that could be half-closed.
      socket.allowHalfOpen = false;
      this.#tls.emit("connection", socket);
    }
  }

  #accept(socket: Socket): void {
    const wanting = this.#wanting.shift();
    if (this.#isServing) void this.#serve(socket, false);
    else if (wanting === undefined) this.#waiting.push(socket);
    else wanting(socket);
  }

  #serve(socket: Socket, serveOne: boolean): Promise<void> {
    const closed = serveOne ? new Promise<void>((resolve) => socket.once("close", () => resolve())) : Promise.resolve();
    socket.allowHalfOpen = true;
    if (this.#listening.kind === "server") socket.setNoDelay(true);
    const accepted = { host: this.#connections, facts: this.#facts(socket), at: this.#acceptedAt(socket), serveOne };
    this.#connections.add(this.#protocol.open(socket, accepted));
    socket.resume();
    return closed;
  }

  /** When the handshake of a socket began; for one without that is now. */
  #acceptedAt(socket: Socket): number {
    const client = addressOf(socket);
    const since = this.#handshakes.get(client)?.since ?? this.#connections.now;
    this.#handshakes.delete(client);
    return since;
  }

  #facts(socket: Socket): SocketFacts {
    const tls = socket instanceof TLSSocket ? tlsFacts(socket) : undefined;
    if (this.#address?.kind !== "tcp") {
      return { serverName: "localhost", serverPort: "80", remoteAddress: "", remotePort: undefined, tls };
    }
    return {
      // Asking a socket for its own address makes it remember that: memory for every connection, where one answer would do.
      serverName: this.#serverName ?? withoutMapping(socket.localAddress ?? "localhost"),
      serverPort: this.#serverPort,
      remoteAddress: withoutMapping(socket.remoteAddress ?? ""),
      remotePort: socket.remotePort === undefined ? undefined : String(socket.remotePort),
      tls,
    };
  }

  async #stop(): Promise<void> {
    await this.#opened?.catch(() => {});
    if (this.#address === undefined) return;
    this.#connections.stop();
    if (this.#isServing) await this.#emptyBacklog();
    this.#server.close();
    for (const want of this.#wanting.splice(0)) want(undefined);
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    const grace = setTimeout(() => this.#cutHandshakes(), this.#settings.shutdownSeconds * 1000);
    await this.#closed;
    clearTimeout(grace);
    this.#connections.stopClock();
  }

  #cutHandshakes(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy();
  }

  /** Clients in the backlog were told that they are connected: takes them, until two turns of the loop bring no new one. */
  async #emptyBacklog(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      const before = this.#accepted;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#accepted === before ? quiet + 1 : 0;
    }
  }
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
