import type { Socket } from "node:net";
import type { HeaderList } from "@gateway/core";
import type { Head, Sink } from "@gateway/core/gateway";
import { SocketOutput } from "@gateway/sockets";
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
/** Writes the responses of one connection, one after the other: framing, back-pressure, and one write for a small one. */
export class ResponseWriter implements Sink {
  readonly #socket: Socket;
  readonly #connection: WriterConnection;
  readonly #output: SocketOutput;
  #minor: 0 | 1 = 1;
  #head: Head | undefined = undefined;
  #headSent = false;
  #framing: number = Framing.length;
  /** A whole body in one chunk, held back until `end` so that all goes out together. */
  #held: Uint8Array | undefined = undefined;
  #bodyBytes = 0;
  /** The application has returned, and is not done. */
  #isLate = false;

  constructor(socket: Socket, connection: WriterConnection) {
    this.#socket = socket;
    this.#connection = connection;
    this.#output = new SocketOutput(socket, connection);
  }

  /** A new response. */
  begin(minor: 0 | 1): void {
    this.#minor = minor;
    this.#head = undefined;
    this.#headSent = false;
    this.#bodyBytes = 0;
    this.#isLate = false;
  }

  /** The run goes on after its call: its end may be far, also when every byte of its length was given. */
  goesOn(): void {
    this.#isLate = true;
    this.release();
  }

  /** The head was given, if it is not sent yet. */
  get hasHead(): boolean {
    return this.#head !== undefined;
  }

  /** How much of the body was never handed to the system, as far as that can be known. */
  get unsentBytes(): number {
    return Math.min(this.#bodyBytes, this.#output.unsentBytes + (this.#held?.byteLength ?? 0));
  }

  /** Milliseconds since the client last took anything of what waits for it; 0 when nothing waits. */
  stalledFor(now: number): number {
    return this.#output.stalledFor(now);
  }

  head(head: Head): void {
    this.#head = head;
    this.#framing = framingOf(head, this.#minor);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#bodyBytes += chunk.byteLength;
    if (!this.#headSent && this.#head?.length === chunk.byteLength) {
      this.#held = chunk;
      // The end mostly comes before the next tick.
      if (this.#isLate) process.nextTick(release, this);
      return;
    }
    const before = this.#headSent ? "" : this.#headText();
    if (this.#framing === Framing.chunked) this.#send(`${before}${chunk.byteLength.toString(16)}\r\n`, chunk, "\r\n");
    else this.#send(before, chunk, "");
    return this.#output.isFull ? this.#output.whenRoom() : undefined;
  }

  end(): void | Promise<void> {
    if (this.#framing === Framing.chunked) this.#output.send(`${this.#headSent ? "" : this.#headText()}0\r\n\r\n`);
    else if (!this.#headSent) this.#sendHeld();
    if (this.#output.isHandedOver) return this.#answered();
    return new Promise((resolve) => {
      this.#output.whenHandedOver(() => {
        resolve();
        this.#answered();
      });
    });
  }

  #answered(): void {
    // A connection that waits for its next request keeps nothing of the last one.
    this.#head = undefined;
    this.#connection.answered();
  }

  abort(): void {
    this.#output.drop();
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
    this.#held = undefined;
    this.#output.closed();
  }

  /** Sends what was held back, if it is there still. */
  release(): void {
    if (this.#held !== undefined && !this.#headSent) this.#sendHeld();
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
    if (held === undefined) this.#output.send(this.#headText());
    else this.#send(this.#headText(), held, "");
  }

  #send(before: string, chunk: Uint8Array, after: string): void {
    this.#output.sendChunk(before, chunk, after, fastPaths.oneString ? smallBytes : -1);
  }
}

function release(writer: ResponseWriter): void {
  writer.release();
}
