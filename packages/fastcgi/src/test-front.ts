import { Socket } from "node:net";
import { toApplication, type ApplicationLike, type ErrorStream } from "@gateway/core";
import type { ConnectionHost, RefusedRequest } from "@gateway/sockets";
import { FastcgiConnection } from "./connection.ts";
import { settingsOf, type FastcgiOptions } from "./options.ts";

/** A socket without a network: what is written is seen at once, or held back by a front server that does not read. */
class TestSocket extends Socket {
  sent = "";
  ended = false;
  /** Does not take what is written. */
  isSlow = false;
  #held: (() => void)[] = [];

  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk, encoding }], done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer | string; readonly encoding: BufferEncoding }[],
    done: () => void,
  ): void {
    const take = (): void => {
      for (const { chunk, encoding } of chunks)
        this.sent += (typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk).toString("latin1");
      done();
    };
    if (this.isSlow) this.#held.push(take);
    else take();
  }

  override _final(done: () => void): void {
    this.ended = true;
    done();
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    done(null);
    // A socket of the system does so when that has closed it.
    process.nextTick(() => this.emit("close", false));
  }

  /** Takes one write; @returns whether there was one. */
  takeOne(): boolean {
    const take = this.#held.shift();
    take?.();
    return take !== undefined;
  }

  /** Reads on. */
  catchUp(): void {
    this.isSlow = false;
    while (this.takeOne());
  }
}

/** A front server on a connection in memory, with a clock that stands still. */
export class TestFront {
  readonly socket: TestSocket = new TestSocket({ allowHalfOpen: true });
  readonly refused: RefusedRequest[] = [];
  readonly reported: unknown[] = [];
  errors = "";
  stopping = false;
  now = 1_000_000;
  closed = 0;
  readonly connection: FastcgiConnection;

  constructor(app: ApplicationLike, options: FastcgiOptions = {}, serveOne = false) {
    const errors: ErrorStream = {
      write: (text) => void (this.errors += text),
      writelines: (lines) => void (this.errors += [...lines].join("")),
      flush() {},
    };
    const facts = { serverName: "localhost", serverPort: "80", remoteAddress: "127.0.0.1", remotePort: "4000", tls: undefined };
    const settings = settingsOf({ errors, ...options }, {});
    this.connection = new FastcgiConnection(this.socket, toApplication(app), settings, {
      host: this.#host(),
      facts,
      at: this.now,
      serveOne,
    });
    this.socket.resume();
  }

  /** Sends bytes, which are looked at before it returns; what a paused socket would hold back, too. */
  send(text: string): void {
    this.socket.emit("data", Buffer.from(text, "latin1"));
  }

  /** Sends bytes as a network does: a paused socket is not told. */
  push(text: string): void {
    this.socket.push(Buffer.from(text, "latin1"));
  }

  /** Closes its side. */
  end(): void {
    this.socket.push(null);
  }

  get sent(): string {
    return this.socket.sent;
  }

  /** Time passes, a second at a time. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.now += 1000;
      this.connection.tick(1000);
    }
  }

  #host(): ConnectionHost {
    // Getters, since the test changes them.
    const front = (): TestFront => this;
    return {
      get stopping() {
        return front().stopping;
      },
      get now() {
        return front().now;
      },
      refused: (request) => void this.refused.push(request),
      report: (error) => void this.reported.push(error),
      closed: () => void this.closed++,
    };
  }
}
