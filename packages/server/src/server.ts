import { createServer, type Server, type Socket } from "node:net";
import { ExchangeAborted, toApplication, type Application, type ApplicationLike } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { listenOptions, parseListening, serverAddress, withoutMapping, type Listening, type ServerAddress } from "./address.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import type { ConnectionFacts } from "./environ.ts";
import { settingsOf, type RefusedRequest, type ServerOptions, type Settings } from "./options.ts";
import { removeStaleSocket } from "./unix-socket.ts";

/** How often deadlines are looked at. */
const sweepMilliseconds = 1000;

/**
 * Makes an HTTP/1.1 server for one application, as `wsgiref.simple_server.make_server` does. It listens when it is told to serve.
 *
 * @param host a name or address, `""` for all interfaces, `unix:/path` for a Unix socket, `fd://N` for a listening socket that was
 *   inherited.
 * @param port 0 lets the system choose one; without meaning for `unix:` and `fd://`.
 * @throws {TypeError|RangeError} for a host, port, application or option that makes no sense.
 */
export function makeServer(host: string, port: number, app: ApplicationLike, options: ServerOptions = {}): GatewayServer {
  return new GatewayServer(parseListening(host, port), toApplication(app), settingsOf(options));
}

/** A server of one application: listens, holds the connections, and stops. See {@link makeServer}. */
export class GatewayServer implements AsyncDisposable {
  readonly #listening: Listening;
  readonly #server: Server;
  readonly #host: Host;
  #opened: Promise<ServerAddress> | undefined = undefined;
  #address: ServerAddress | undefined = undefined;
  /** Connections that came while nobody served: only {@link handleRequest} leaves any. */
  readonly #waiting: Socket[] = [];
  #isServing = false;
  #wanting: ((socket: Socket | undefined) => void)[] = [];
  #stopped: Promise<void> | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;

  constructor(listening: Listening, app: Application, settings: Settings) {
    this.#listening = listening;
    this.#host = new Host(app, settings);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
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
   * Stops: takes no more connections, closes the idle ones, lets the requests under way finish with `Connection: close`, and cuts those
   * that have not after `shutdownSeconds`. Every body's `close()` runs. Resolves when all connections are closed; the second call
   * waits for the same.
   */
  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** {@link shutdown}: `await using server = makeServer(...)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #open(): Promise<ServerAddress> {
    if (this.#stopped !== undefined) throw new Error("the server was shut down");
    if (this.#listening.kind === "unix") await removeStaleSocket(this.#listening.path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(listenOptions(this.#listening, this.#host.settings.backlog), () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#server.on("error", (error) => this.#host.report(error));
    this.#closed = new Promise((resolve) => this.#server.once("close", resolve));
    this.#address = serverAddress(this.#server.address());
    this.#host.startClock();
    return this.#address;
  }

  #accept(socket: Socket): void {
    const wanting = this.#wanting.shift();
    if (this.#isServing) void this.#serve(socket, false);
    else if (wanting === undefined) this.#waiting.push(socket);
    else wanting(socket);
  }

  #serve(socket: Socket, serveOne: boolean): Promise<void> {
    const closed = serveOne ? new Promise<void>((resolve) => socket.once("close", () => resolve())) : Promise.resolve();
    this.#host.add(new Connection(socket, this.#host, this.#facts(socket), serveOne));
    socket.resume();
    return closed;
  }

  #facts(socket: Socket): ConnectionFacts {
    const { errors } = this.#host.settings;
    const isUnix = this.#address?.kind === "unix" || socket.localPort === undefined;
    if (isUnix)
      return { serverName: "localhost", serverPort: "80", remoteAddress: "", remotePort: undefined, scheme: "http", errors };
    const given = this.#listening.kind === "tcp" ? this.#listening.host : "";
    const isEverywhere = given === "" || given === "::" || given === "0.0.0.0";
    return {
      serverName: isEverywhere ? withoutMapping(socket.localAddress ?? "localhost") : given,
      serverPort: String(socket.localPort),
      remoteAddress: withoutMapping(socket.remoteAddress ?? ""),
      remotePort: socket.remotePort === undefined ? undefined : String(socket.remotePort),
      scheme: "http",
      errors,
    };
  }

  async #stop(): Promise<void> {
    await this.#opened?.catch(() => {});
    if (this.#address === undefined) return;
    this.#server.close();
    for (const want of this.#wanting.splice(0)) want(undefined);
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#host.stop();
    await this.#closed;
    this.#host.stopClock();
  }
}

/** What the connections of a server have in common. */
class Host implements ConnectionHost {
  readonly app: Application;
  readonly settings: Settings;
  stopping = false;
  now: number = performance.now();
  readonly #connections = new Set<Connection>();
  #clock: NodeJS.Timeout | undefined = undefined;
  #grace: NodeJS.Timeout | undefined = undefined;

  constructor(app: Application, settings: Settings) {
    this.app = app;
    this.settings = settings;
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.stopping && this.#connections.size === 0) clearTimeout(this.#grace);
  }

  refused(request: RefusedRequest): void {
    try {
      this.settings.onRefused(request);
    } catch (error) {
      this.report(error);
    }
  }

  report(error: unknown): void {
    this.settings.errors.write(errorText(error));
    this.settings.errors.flush();
  }

  /** One timer for all deadlines of all connections. */
  startClock(): void {
    this.now = performance.now();
    this.#clock = setInterval(() => this.#sweep(), sweepMilliseconds).unref();
  }

  stopClock(): void {
    clearInterval(this.#clock);
  }

  stop(): void {
    this.stopping = true;
    for (const connection of this.#connections) connection.stop();
    if (this.#connections.size > 0) this.#grace = setTimeout(() => this.#cut(), this.settings.shutdownSeconds * 1000);
  }

  #cut(): void {
    for (const connection of this.#connections) connection.cut(new ExchangeAborted("SERVER_STOPPING"));
  }

  #sweep(): void {
    this.now = performance.now();
    for (const connection of this.#connections) if (connection.deadline < this.now) connection.expire();
  }
}
