// Load for files in a process of its own: each connection asks for one path, waits for the whole answer, and asks again.
import { connect, type Socket } from "node:net";

/** What to do; sent to this process. */
export interface FileLoadOrder {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly milliseconds: number;
}

/** What was measured; sent back. */
export interface FileLoadResult {
  /** Whole answers. */
  readonly requests: number;
  readonly milliseconds: number;
  /** How long the answer is without its head, and what the head says. */
  readonly bodyBytes: number;
  readonly head: string;
}

const endOfHead = Buffer.from("\r\n\r\n");

function requestFor(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
}

/** The first answer tells how long it is: all are alike. */
async function firstAnswer(order: FileLoadOrder): Promise<{ head: string; bodyBytes: number; length: number }> {
  const socket = connect(order.port, "127.0.0.1");
  socket.write(requestFor(order.path));
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    const end = received.indexOf(endOfHead);
    if (end === -1) continue;
    const head = received.toString("latin1", 0, end);
    const bodyBytes = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (!head.startsWith("HTTP/1.1 200") || !(bodyBytes > 0)) throw new Error(`not the answer of a file: ${head}`);
    socket.destroy();
    return { head, bodyBytes, length: end + 4 + bodyBytes };
  }
  throw new Error("the server closed the connection");
}

async function load(order: FileLoadOrder): Promise<FileLoadResult> {
  const { head, bodyBytes, length } = await firstAnswer(order);
  const text = requestFor(order.path);
  const sockets: Socket[] = [];
  let done = 0;
  let running = true;
  const begun = performance.now();
  for (let i = 0; i < order.connections; i++) {
    let missing = 0;
    const socket = connect({
      port: order.port,
      host: "127.0.0.1",
      noDelay: true,
      // One buffer for what comes, so that the load is not busy with memory.
      onread: {
        buffer: Buffer.alloc(256 * 1024),
        callback: (bytes) => {
          missing -= bytes;
          if (missing > 0 || !running) return true;
          done++;
          ask();
          return true;
        },
      },
    });
    const ask = (): void => {
      missing = length;
      socket.write(text, "latin1");
    };
    sockets.push(socket);
    socket.on("connect", ask);
    socket.on("error", (error) => {
      throw error;
    });
  }
  await new Promise((resolve) => setTimeout(resolve, order.milliseconds));
  running = false;
  const milliseconds = performance.now() - begun;
  for (const socket of sockets) socket.destroy();
  return { requests: done, milliseconds, bodyBytes, head };
}

process.on("message", (order: FileLoadOrder) => {
  void load(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
