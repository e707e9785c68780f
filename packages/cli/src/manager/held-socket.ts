import { once } from "node:events";
import { createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from "node:net";
import { descriptorOf, type NativeHandle } from "./native-handle.ts";

/** Where connections go that this process accepts. */
export interface Acceptance {
  connected(socket: Socket): void;
  /** The system refuses to accept one. */
  failed(error: Error): void;
}

/** Accepted connections stay as they are until a worker has them: nothing is read, nothing is closed. */
const acceptOptions = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true } as const;

/** A listening socket that this process holds open: for workers which accept on it, or to accept on it here. */
export class HeldSocket {
  readonly #acceptance: Acceptance;
  readonly #handle: NativeHandle | undefined;
  #server: Server | undefined = undefined;
  #accepting: Promise<void> | undefined = undefined;
  #isClosed = false;

  /** @param handle a socket that is bound already; without one {@link listen} makes it. */
  constructor(acceptance: Acceptance, handle?: NativeHandle) {
    this.#acceptance = acceptance;
    this.#handle = handle;
  }

  /** Its number in this process, to be inherited by others. */
  get fd(): number {
    return this.#handle?.fd ?? (this.#server === undefined ? -1 : descriptorOf(this.#server));
  }

  /** What a server that {@link listen} made says of its address. */
  get address(): AddressInfo | string | null {
    return this.#server?.address() ?? null;
  }

  /** Makes the socket, and accepts on it from now on. */
  async listen(options: ListenOptions): Promise<void> {
    await this.#listen((server) => server.listen(options));
  }

  /** Accepts on it from now on, to its end: Node.js cannot leave a socket alone again without closing it. Others may accept there, too. */
  accept(backlog: number): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined || this.#isClosed) return Promise.resolve();
    // Of Unix sockets a server takes the descriptor only, and closes that.
    const listened = handle.getsockname === undefined ? { fd: handle.fd } : handle;
    this.#accepting ??= this.#listen((server) => server.listen(listened, backlog));
    return this.#accepting;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#server === undefined) this.#handle?.close();
    else if (this.#server.listening) this.#server.close();
  }

  async #listen(begin: (server: Server) => void): Promise<void> {
    const server = createServer(acceptOptions, (socket) => this.#acceptance.connected(socket));
    this.#server = server;
    begin(server);
    await once(server, "listening");
    server.on("error", (error) => this.#acceptance.failed(error));
  }
}
