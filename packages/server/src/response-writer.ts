import type { Socket } from "node:net";
import type { HeaderList } from "@gateway/core";
import type { Head, Sink } from "@gateway/core/gateway";
import { fastPaths } from "./fast-paths.ts";
import { Framing, framingOf, headText } from "./response-head.ts";

/** What a writer asks of its connection. */
export interface WriterConnection {
  /** Milliseconds, as of the last second. */
  readonly now: number;
  readonly serverHeader: string;
  /** The head is about to go: may another request follow on this connection? */
  keepsAlive(framing: number): boolean;
  /** The whole response is with the system. */
  answered(): void;
  /** The response broke off. Where nothing in what was sent shows that, only a reset can. */
  brokenOff(needsReset: boolean): void;
}

/** Up to here a chunk is sent in one string with what goes around it: one copy is cheaper than one more write. */
const smallBytes = 4 * 1024;
/** Larger chunks are handed to the system piece by piece, so that it can be seen whether the client reads. */
const pieceBytes = 64 * 1024;

/** Writes the responses of one connection, one after the other: framing, back-pressure, and one write for a small one. */
export class ResponseWriter implements Sink {
  readonly #socket: Socket;
  readonly #connection: WriterConnection;
  #minor: 0 | 1 = 1;
  #head: Head | undefined = undefined;
  #headSent = false;
  #framing: number = Framing.length;
  /** A whole body in one chunk, held back until `end` so that all goes out together. */
  #held: Uint8Array | undefined = undefined;
  #bodyBytes = 0;
  /** What the socket is too full to take. */
  #queue: (string | Uint8Array)[] = [];
  #blocked: { promise: Promise<void>; resolve(): void } | undefined = undefined;
  /** Told when everything is with the system; set once `end` has to wait for that. */
  #handedOver: (() => void) | undefined = undefined;
  #progressAt = 0;

  constructor(socket: Socket, connection: WriterConnection) {
    this.#socket = socket;
    this.#connection = connection;
    socket.on("drain", () => this.#goOn());
  }

  /** A new response. */
  begin(minor: 0 | 1): void {
    this.#minor = minor;
    this.#head = undefined;
    this.#headSent = false;
    this.#bodyBytes = 0;
  }

  /** The head was given, if it is not sent yet. */
  get hasHead(): boolean {
    return this.#head !== undefined;
  }

  /** How much of the body was never handed to the system, as far as that can be known. */
  get unsentBytes(): number {
    const queued = this.#queue.reduce((sum, piece) => sum + (typeof piece === "string" ? 0 : piece.byteLength), 0);
    return Math.min(this.#bodyBytes, queued + (this.#held?.byteLength ?? 0) + this.#socket.writableLength);
  }

  /** Milliseconds since the client last took anything of what waits for it; 0 when nothing waits. */
  stalledFor(now: number): number {
    return this.#blocked === undefined && this.#handedOver === undefined ? 0 : now - this.#progressAt;
  }

  head(head: Head): void {
    this.#head = head;
    this.#framing = framingOf(head, this.#minor);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#bodyBytes += chunk.byteLength;
    if (!this.#headSent && this.#head?.length === chunk.byteLength) {
      this.#held = chunk;
      return;
    }
    const before = this.#headSent ? "" : this.#headText();
    if (this.#framing === Framing.chunked) this.#send(`${before}${chunk.byteLength.toString(16)}\r\n`, chunk, "\r\n");
    else this.#send(before, chunk, "");
    return this.#isFull() ? this.#whenUnblocked() : undefined;
  }

  end(): void | Promise<void> {
    if (this.#framing === Framing.chunked) this.#out(`${this.#headSent ? "" : this.#headText()}0\r\n\r\n`);
    else if (!this.#headSent) this.#sendHeld();
    if (this.#queue.length === 0 && this.#socket.writableLength === 0) return this.#answered();
    this.#progressAt = this.#connection.now;
    return new Promise((resolve) => {
      this.#handedOver = () => {
        this.#handedOver = undefined;
        resolve();
        this.#answered();
      };
      if (this.#queue.length === 0) this.#afterAll();
    });
  }

  #answered(): void {
    // A connection that waits for its next request keeps nothing of the last one.
    this.#head = undefined;
    this.#connection.answered();
  }

  abort(): void {
    this.#queue = [];
    if (!this.#headSent) this.#sendHeld();
    this.#connection.brokenOff(this.#framing === Framing.close);
  }

  earlyHints(headers: HeaderList): void {
    if (this.#minor === 0) return;
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#socket.write(`HTTP/1.1 103 Early Hints\r\n${lines}\r\n`, "latin1");
  }

  /** Nobody is there any more: lets go of what waits, and of who waits. */
  closed(): void {
    this.#queue = [];
    this.#held = undefined;
    this.#unblock();
    this.#handedOver?.();
  }

  #headText(): string {
    const head = this.#head;
    if (head === undefined) return "";
    this.#headSent = true;
    return headText(head, this.#minor, this.#connection.keepsAlive(this.#framing), this.#connection.serverHeader);
  }

  /** The head, and the body that was held back to go with it. */
  #sendHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) this.#out(this.#headText());
    else this.#send(this.#headText(), held, "");
  }

  #send(before: string, chunk: Uint8Array, after: string): void {
    if (chunk.byteLength <= smallBytes && fastPaths.oneString) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      return this.#out(before + bytes.toString("latin1") + after);
    }
    const isFull = this.#isFull();
    if (!isFull) this.#socket.cork();
    if (before !== "") this.#out(before);
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) this.#out(chunk.subarray(at, at + pieceBytes));
    if (after !== "") this.#out(after);
    if (!isFull) this.#socket.uncork();
  }

  #out(piece: string | Uint8Array): void {
    if (this.#queue.length > 0 || this.#socket.writableLength >= pieceBytes) this.#queue.push(piece);
    else this.#write(piece);
  }

  #write(piece: string | Uint8Array): void {
    if (typeof piece === "string") this.#socket.write(piece, "latin1");
    else this.#socket.write(piece);
  }

  #isFull(): boolean {
    return this.#queue.length > 0 || this.#socket.writableNeedDrain;
  }

  /** The socket has room again. */
  #goOn(): void {
    this.#progressAt = this.#connection.now;
    while (this.#queue.length > 0 && this.#socket.writableLength < pieceBytes) {
      const piece = this.#queue.shift();
      if (piece !== undefined) this.#write(piece);
    }
    if (this.#isFull()) return;
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

  #whenUnblocked(): Promise<void> {
    if (this.#blocked === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#blocked = { promise, resolve };
      this.#progressAt = this.#connection.now;
    }
    return this.#blocked.promise;
  }

  #unblock(): void {
    this.#blocked?.resolve();
    this.#blocked = undefined;
  }
}
