import type { Socket } from "node:net";

/** What may wait in memory while nobody pulls it: then the socket is paused, and the client has to wait. */
const maxWaitingBytes = 32 * 1024;
/** More than any stream holds by default before it stops reading. */
const filling = Buffer.alloc(64 * 1024);

/** What a connection has received and nobody has looked at yet: some of it, and then the client has to wait. */
export class SocketInput {
  readonly #socket: Socket;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether the client is made to wait. */
  get isHeldBack(): boolean {
    return this.#socket.isPaused();
  }

  push(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next chunk; lets the client go on when little is left. */
  shift(): Buffer | undefined {
    const chunk = this.#waiting.shift();
    this.#bytes -= chunk?.length ?? 0;
    if (this.#socket.isPaused() && this.#bytes <= maxWaitingBytes / 2) this.#socket.resume();
    return chunk;
  }

  /**
   * Makes the client wait when too much is here.
   *
   * @param elsewhere bytes that were taken from here, and still wait.
   * @returns how many bytes went back to the socket, which will be received again.
   */
  holdBack(elsewhere: number): number {
    if (this.#bytes + elsewhere <= maxWaitingBytes) return 0;
    this.#socket.pause();
    // A paused stream reads on until it is full, and this fills it.
    const last = this.#waiting.pop();
    if (last === undefined) return 0;
    this.#bytes -= last.length;
    this.#socket.unshift(last);
    return last.length;
  }

  /** Throws away what waits here. */
  drop(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }

  /**
   * Reads nothing more until the end. Not the end itself: what the client has not read of its answer would be lost to a reset.
   */
  stopReading(): void {
    this.#socket.pause();
    this.#socket.unshift(filling);
  }
}
