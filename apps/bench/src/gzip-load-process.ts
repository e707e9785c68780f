// Load for coded answers in a process of its own: each connection asks, waits for the whole answer, with a length or in chunks, and asks again.
import { connect, type Socket } from "node:net";

/** What to do; sent to this process. */
export interface CodedLoadOrder {
  readonly port: number;
  readonly acceptEncoding: string;
  readonly connections: number;
  readonly milliseconds: number;
}

/** What was measured; sent back. */
export interface CodedLoadResult {
  readonly requests: number;
  /** A sample of latencies, in milliseconds. */
  readonly latencies: readonly number[];
  readonly coding: string;
}

const endOfHead = Buffer.from("\r\n\r\n");
const lastChunk = Buffer.from("\r\n0\r\n\r\n");

/** One answer as it comes: is it whole? */
class Answer {
  coding = "";
  #head = Buffer.alloc(0);
  /** How much of a body of known length is missing; -1 in the head, -2 where it comes in chunks. */
  #missing = -1;
  #tail = Buffer.alloc(0);

  received(chunk: Buffer): boolean {
    if (this.#missing === -1) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(endOfHead);
      if (end === -1) return false;
      const head = this.#head.toString("latin1", 0, end);
      this.coding = /content-encoding: (\S+)/i.exec(head)?.[1] ?? "none";
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      this.#missing = length === undefined ? -2 : Number(length);
      chunk = this.#head.subarray(end + 4);
    }
    if (this.#missing >= 0) {
      this.#missing -= chunk.length;
      return this.#missing <= 0;
    }
    // The server sends nothing behind the end until it is asked again.
    this.#tail = Buffer.concat([this.#tail.subarray(-8), chunk.subarray(-8)]);
    return this.#tail.subarray(-lastChunk.length).equals(lastChunk);
  }
}

async function load(order: CodedLoadOrder): Promise<CodedLoadResult> {
  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: ${order.acceptEncoding}\r\n\r\n`;
  const latencies: number[] = [];
  const sockets: Socket[] = [];
  let done = 0;
  let running = true;
  let coding = "";
  for (let i = 0; i < order.connections; i++) {
    const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true });
    sockets.push(socket);
    let answer = new Answer();
    let sentAt = 0;
    const ask = (): void => {
      answer = new Answer();
      sentAt = performance.now();
      socket.write(request, "latin1");
    };
    socket.on("connect", ask);
    socket.on("data", (chunk: Buffer) => {
      if (!answer.received(chunk) || !running) return;
      done++;
      coding = answer.coding;
      latencies.push(performance.now() - sentAt);
      ask();
    });
    socket.on("error", (error) => {
      throw error;
    });
  }
  await new Promise((resolve) => setTimeout(resolve, order.milliseconds));
  running = false;
  for (const socket of sockets) socket.destroy();
  return { requests: done, latencies, coding };
}

process.on("message", (order: CodedLoadOrder) => {
  void load(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
