import { Duplex } from "node:stream";
import type { Environ } from "@gateway/core";

/** Takes what is written, and tells whether it was too much; it then calls `taken` when there is room again. */
type Receive = (bytes: Buffer, taken: () => void) => boolean;

/**
 * What handlers see as the socket of their request: its addresses, and a way to break off. Behind it is no connection; what `ServerResponse`
 * writes goes to whoever made it.
 */
export class ExchangeSocket extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string;
  readonly localPort: number;
  readonly connecting = false;
  readonly pending = false;
  readonly #receive: Receive;
  /** As `TLSSocket` has it, and other sockets have not. */
  declare readonly encrypted?: true;

  constructor(environ: Environ, receive: Receive) {
    // Whether a response has room for more is for its own `write` to say, so the socket always has.
    super({ writableHighWaterMark: Number.MAX_SAFE_INTEGER, allowHalfOpen: true });
    const { REMOTE_ADDR, REMOTE_PORT } = environ;
    this.remoteAddress = REMOTE_ADDR === "" ? undefined : REMOTE_ADDR;
    this.remotePort = REMOTE_PORT === undefined ? undefined : Number(REMOTE_PORT);
    this.remoteFamily = this.remoteAddress === undefined ? undefined : this.remoteAddress.includes(":") ? "IPv6" : "IPv4";
    this.localAddress = environ.SERVER_NAME;
    this.localPort = Number(environ.SERVER_PORT);
    this.#receive = receive;
    if (environ["wsgi.url_scheme"] === "https") this.encrypted = true;
    // An application that destroys its request with an error tells the response so; there is nobody else to tell.
    this.on("error", ignore);
  }

  override _read(): void {
    // Requests do not come this way.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    if (this.#receive(bytes, taken)) taken();
  }

  override _writev(chunks: { chunk: Buffer }[], taken: () => void): void {
    const bytes =
      chunks.length === 1 && chunks[0] !== undefined ? chunks[0].chunk : Buffer.concat(chunks.map(({ chunk }) => chunk));
    if (this.#receive(bytes, taken)) taken();
  }

  /** Where it listens, as sockets tell it. */
  address(): { address: string; port: number; family: string } {
    return { address: this.localAddress, port: this.localPort, family: this.localAddress.includes(":") ? "IPv6" : "IPv4" };
  }

  /** Time limits are the server's: this one never passes. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    this.destroy();
  }
}

function ignore(): void {}
