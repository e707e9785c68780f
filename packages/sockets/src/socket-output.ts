import type { Socket } from "node:net";

/** More than this waits here and not in the socket, so that it can be seen whether the client reads. */
const pieceBytes = 64 * 1024;

/** What a connection sends: in order, with back-pressure, and with an eye on a client that does not read. Strings are latin-1. */
export class SocketOutput {
  readonly #socket: Socket;
  readonly #clock: { readonly now: number };
  /** What the socket is too full to take. */
  #queue: (string | Uint8Array)[] = [];
  #blocked: { promise: Promise<void>; resolve(): void } | undefined = undefined;
  /** Told when everything is with the system. */
  #handedOver: (() => void) | undefined = undefined;
  #progressAt = 0;

  constructor(socket: Socket, clock: { readonly now: number }) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("drain", () => this.#goOn());
  }

  /** Bytes that were sent and are not with the system yet; what waits as text is not counted. */
  get unsentBytes(): number {
    const queued = this.#queue.reduce((sum, piece) => sum + (typeof piece === "string" ? 0 : piece.byteLength), 0);
    return queued + this.#socket.writableLength;
  }

  /** Milliseconds since the client last took anything of what waits for it; 0 when nothing waits. */
  stalledFor(now: number): number {
    return this.#blocked === undefined && this.#handedOver === undefined ? 0 : now - this.#progressAt;
  }

  get isFull(): boolean {
    return this.#queue.length > 0 || this.#socket.writableNeedDrain;
  }

  send(piece: string | Uint8Array): void {
    if (this.#queue.length > 0 || this.#socket.writableLength >= pieceBytes) this.#queue.push(piece);
    else this.#write(piece);
  }

  /**
   * A chunk, and what goes around it, in as few system calls as can be.
   *
   * @param joinBytes up to this length all goes in one string: one copy is cheaper than one more write.
   */
  sendChunk(before: string, chunk: Uint8Array, after: string, joinBytes: number): void {
    if (chunk.byteLength <= joinBytes) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      return this.send(before + bytes.toString("latin1") + after);
    }
    const { isFull } = this;
    if (!isFull) this.#socket.cork();
    if (before !== "") this.send(before);
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) this.send(chunk.subarray(at, at + pieceBytes));
    if (after !== "") this.send(after);
    if (!isFull) this.#socket.uncork();
  }

  /** When there is room again: resolves also when the socket has closed. Never rejects. */
  whenRoom(): Promise<void> {
    if (this.#blocked === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#blocked = { promise, resolve };
      this.#progressAt = this.#clock.now;
    }
    return this.#blocked.promise;
  }

  /** All that was sent is with the system. */
  get isHandedOver(): boolean {
    return this.#queue.length === 0 && this.#socket.writableLength === 0;
  }

  /** Calls back once, when all is with the system, or the socket has closed. One caller at a time. */
  whenHandedOver(told: () => void): void {
    this.#progressAt = this.#clock.now;
    this.#handedOver = () => {
      this.#handedOver = undefined;
      told();
    };
    if (this.#queue.length === 0) this.#afterAll();
  }

  /** Forgets what waits here. */
  drop(): void {
    this.#queue = [];
  }

  /** The socket has closed: lets go of what waits, and of who waits. */
  closed(): void {
    this.#queue = [];
    this.#unblock();
    this.#handedOver?.();
  }

  #write(piece: string | Uint8Array): void {
    if (typeof piece === "string") this.#socket.write(piece, "latin1");
    else this.#socket.write(piece);
  }

  /** The socket has room again. */
  #goOn(): void {
    this.#progressAt = this.#clock.now;
    while (this.#queue.length > 0 && this.#socket.writableLength < pieceBytes) {
      const piece = this.#queue.shift();
      if (piece !== undefined) this.#write(piece);
    }
    if (this.isFull) return;
    this.#unblock();
    if (this.#handedOver !== undefined) this.#afterAll();
  }

  /** Asks to be told when the socket has handed over all it has. */
  #afterAll(): void {
    const told = this.#handedOver;
    this.#socket.write("", () => {
      // Asked twice, or about a response that is long over.
      if (told !== undefined && told === this.#handedOver) told();
    });
  }

  #unblock(): void {
    this.#blocked?.resolve();
    this.#blocked = undefined;
  }
}
