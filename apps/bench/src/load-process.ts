// Load in a process of its own: each connection sends a request, waits for the whole answer, and sends the next. Says when all connections
// are under way ({ ready: true }), and then what was measured from there on.
import { connect, type Socket } from "node:net";
import { requests, type RequestSet } from "./requests.ts";

/** What to do; sent to this process. */
export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  readonly milliseconds: number;
  readonly set: RequestSet;
}

/** What was measured; sent back. */
export interface LoadResult {
  readonly requests: number;
  /** A sample of latencies, in milliseconds. */
  readonly latencies: readonly number[];
}

const endOfHead = Buffer.from("\r\n\r\n");
const maxSamples = 50_000;
const answersBefore = 10;

/** How long a whole answer is: the first one tells, all are alike. */
async function answerLength(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    const end = received.indexOf(endOfHead);
    const length = /content-length: (\d+)/i.exec(received.toString("latin1"))?.[1];
    if (end !== -1 && length !== undefined && received.length >= end + 4 + Number(length)) break;
  }
  socket.destroy();
  return received.length;
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const length = await answerLength(order.port);
  const texts = requests(order.set);
  let underWay = (): void => {};
  const allUnderWay = new Promise<void>((resolve) => {
    underWay = resolve;
  });
  const latencies: number[] = [];
  const sockets: Socket[] = [];
  let done = 0;
  let isRunning = true;
  let isMeasured = false;
  /** Answers still to come before it counts: connections are opened, and the first requests on them parsed, outside of it. */
  let toCome = order.connections * answersBefore;
  for (let i = 0; i < order.connections; i++) {
    const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true });
    sockets.push(socket);
    let turn = i;
    let missing = 0;
    let sentAt = 0;
    const send = (): void => {
      missing = length;
      sentAt = performance.now();
      socket.write(texts[turn++ % texts.length] ?? "", "latin1");
    };
    socket.on("connect", send);
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing > 0 || !isRunning) return;
      if (isMeasured) {
        done++;
        if (latencies.length < maxSamples) latencies.push(performance.now() - sentAt);
        else latencies[done % maxSamples] = performance.now() - sentAt;
      } else if (--toCome === 0) {
        underWay();
      }
      send();
    });
    socket.on("error", (error) => {
      throw error;
    });
  }
  await allUnderWay;
  process.send?.({ ready: true });
  isMeasured = true;
  await new Promise((resolve) => setTimeout(resolve, order.milliseconds));
  isRunning = false;
  for (const socket of sockets) socket.destroy();
  return { requests: done, latencies };
}

process.on("message", (order: LoadOrder) => {
  void load(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
