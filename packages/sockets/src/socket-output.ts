import type { Socket } from "node:net";

/** More than this waits here and not in the socket, so that it can be seen whether the client reads. */
const pieceBytes = 64 * 1024;
/** What is handed over at once while nothing waits: most of it the system takes, and each further call costs. */
const firstPieceBytes = 128 * 1024;
/** After so much the other connections have their turn: the system takes some MiB of a large response at once, and a crowd that asks for them would hold up everybody. */
const turnBytes = 256 * 1024;

/** What a connection sends: in order, with back-pressure, and with an eye on a client that does not read. Strings are latin-1. */
export class SocketOutput {
  readonly #socket: Socket;
  readonly #clock: { readonly now: number };
  /** What the socket is too full to take, and who is to be told when all before it is with the system. */
  #queue: (string | Uint8Array | (() => void))[] = [];
  #blocked: { promise: Promise<void>; resolve(): void } | undefined = undefined;
  /** Not told yet. */
  readonly #waiting = new Set<() => void>();
  #progressAt = 0;
  #isClosed = false;
  /** What was sent since the others last had their turn. */
  #sentInTurn = 0;
  #isWaitingForTurn = false;

  constructor(socket: Socket, clock: { readonly now: number }) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("drain", () => this.#goOn());
  }

  /** Bytes that were sent and are not with the system yet; what waits as text is not counted. */
  get unsentBytes(): number {
    const queued = this.#queue.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.byteLength : 0), 0);
    return queued + this.#socket.writableLength;
  }

  /** Milliseconds since the client last took anything of what waits for it; 0 when nothing waits. */
  stalledFor(now: number): number {
    return this.#blocked === undefined && this.#waiting.size === 0 ? 0 : now - this.#progressAt;
  }

  /**
   * What is sent now would wait. A socket that is destroyed takes nothing: it stays full until {@link closed}, which comes a phase of the loop later.
   * Who writes without ever waiting would keep the loop from getting there.
   */
  get isFull(): boolean {
    if (this.#isClosed) return false;
    return this.#queue.length > 0 || this.#socket.writableNeedDrain || this.#socket.destroyed;
  }

  send(piece: string | Uint8Array): void {
    // Each write to a socket that is destroyed costs an error.
    if (this.#socket.destroyed) return;
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
    const { isFull, isHandedOver } = this;
    if (!isFull) this.#socket.cork();
    if (before !== "") this.send(before);
    let at = 0;
    if (isHandedOver) {
      this.send(chunk.byteLength <= firstPieceBytes ? chunk : chunk.subarray(0, firstPieceBytes));
      at = firstPieceBytes;
    }
    for (; at < chunk.byteLength; at += pieceBytes) this.send(chunk.subarray(at, at + pieceBytes));
    if (after !== "") this.send(after);
    if (!isFull) this.#socket.uncork();
  }

  /** When there is room again: resolves also when the socket has closed. Never rejects. */
  whenRoom(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
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
    return this.#queue.length === 0 && this.#socket.writableLength === 0 && !this.#socket.destroyed;
  }

  /** Calls back once, when all that was sent until now is with the system, or the socket has closed. */
  whenHandedOver(told: () => void): void {
    this.#progressAt = this.#clock.now;
    if (this.#isClosed) return told();
    this.#waiting.add(told);
    if (this.#queue.length === 0) this.#askFor(told);
    else this.#queue.push(told);
  }

  /** Forgets what waits here. */
  drop(): void {
    this.#queue = [];
  }

  /** The socket has closed: lets go of what waits, and of who waits. */
  closed(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#unblock();
    for (const told of this.#waiting) this.#tell(told);
  }

  #write(piece: string | Uint8Array | (() => void)): void {
    if (typeof piece !== "function") this.#sentInTurn += piece.length;
    if (typeof piece === "string") this.#socket.write(piece, "latin1");
    else if (typeof piece === "function") this.#askFor(piece);
    else this.#socket.write(piece);
  }

  /** The socket has room again. */
  #goOn(): void {
    this.#progressAt = this.#clock.now;
    if (this.#isWaitingForTurn) return;
    while (this.#queue.length > 0 && this.#socket.writableLength < pieceBytes && this.#sentInTurn < turnBytes) {
      const piece = this.#queue.shift();
      if (piece !== undefined) this.#write(piece);
    }
    if (this.#sentInTurn >= turnBytes) return this.#letOthersGo();
    if (this.#queue.length > 0 || this.#blocked === undefined) return;
    // What was just written may be less than what makes the socket full: it is not with the system all the same.
    if (this.#socket.writableLength === 0) this.#unblock();
    else this.#whenWritten(() => this.#unblock());
  }

  #letOthersGo(): void {
    this.#isWaitingForTurn = true;
    setImmediate(() => {
      this.#isWaitingForTurn = false;
      this.#sentInTurn = 0;
      if (!this.#isClosed) this.#goOn();
    });
  }

  #askFor(told: () => void): void {
    this.#whenWritten(() => this.#tell(told));
  }

  /** An empty write calls back when all before it is done. It also does where nothing of that will be, and then {@link closed} tells who waits. */
  #whenWritten(told: () => void): void {
    this.#socket.write("", (error) => {
      if (!error) told();
    });
  }

  #tell(told: () => void): void {
    if (this.#waiting.delete(told)) told();
  }

  #unblock(): void {
    this.#blocked?.resolve();
    this.#blocked = undefined;
  }
}
