import { channel } from "node:diagnostics_channel";
import { Server, type AddressInfo, type Socket } from "node:net";
import type { ServerAddress } from "./address.ts";

/** Where `net.Server` tells of each connection. */
const accepted = channel("net.server.socket");

/**
 * Stands for a listening socket in another process, which hands over the connections that it accepts. A `makeServer` takes it in place of a
 * host, and serves every socket that {@link accept} is given.
 *
 * The other process must not have read from the connections (`pauseOnConnect`), and must have switched Nagle's algorithm off (`noDelay`).
 */
export class HandedConnections extends Server {
  /** What the other process listens on. */
  readonly listensOn: ServerAddress;
  /** The name that was listened on, for `SERVER_NAME`; `undefined` on all interfaces, where each connection has its own. */
  readonly serverName: string | undefined;
  #open = 0;
  #isClosing = false;
  #isClosed = false;

  constructor(listensOn: ServerAddress, serverName?: string) {
    super();
    this.listensOn = listensOn;
    this.serverName = serverName;
  }

  /** Serves a connection. While the server stops it is served like one from the backlog; after that it is closed. */
  accept(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    // What comes over a channel between processes has lost this: a client that closes its side still waits for its answer.
    socket.allowHalfOpen = true;
    this.#open++;
    socket.once("close", () => {
      this.#open--;
      this.#settle();
    });
    // As a server tells that accepts by itself.
    if (accepted.hasSubscribers) accepted.publish({ socket });
    this.emit("connection", socket);
  }

  override address(): AddressInfo | string {
    if (this.listensOn.kind === "unix") return this.listensOn.path;
    const { host, port } = this.listensOn;
    return { address: host, port, family: host.includes(":") ? "IPv6" : "IPv4" };
  }

  /** As of any server: "close" is emitted when the last connection has closed. */
  override close(callback?: (error?: Error) => void): this {
    if (callback !== undefined) this.once("close", callback);
    this.#isClosing = true;
    // Nobody is told in the middle of the call.
    setImmediate(() => this.#settle());
    return this;
  }

  #settle(): void {
    if (!this.#isClosing || this.#isClosed || this.#open > 0) return;
    this.#isClosed = true;
    this.emit("close");
  }
}
