// Load in a process of its own that reads each answer by its own Content-Length, since a stack may answer one request otherwise than another.
import { connect, type Socket } from "node:net";
import { requests, type RequestSet } from "./requests.ts";

/** What to do; sent to this process. */
export interface StackOrder {
  readonly port: number;
  readonly connections: number;
  readonly milliseconds: number;
  readonly set: RequestSet;
}

/** What was measured; sent back. */
export interface StackResult {
  readonly requests: number;
  /** The first answer, as it came. */
  readonly answer: string;
}

const endOfHead = "\r\n\r\n";

async function load({ port, connections, milliseconds, set }: StackOrder): Promise<StackResult> {
  const texts = requests(set);
  const sockets: Socket[] = [];
  let done = 0;
  let answer = "";
  let isRunning = true;
  for (let i = 0; i < connections; i++) {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.push(socket);
    let turn = i;
    let received = "";
    const send = (): void => {
      socket.write(texts[turn++ % texts.length] ?? "", "latin1");
    };
    socket.on("connect", send);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const head = received.indexOf(endOfHead);
      if (head === -1 || !isRunning) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
      if (length === undefined) throw new Error(`an answer without a length: ${received.slice(0, head)}`);
      if (received.length < head + endOfHead.length + Number(length)) return;
      if (answer === "") answer = received;
      received = "";
      done++;
      send();
    });
    socket.on("error", (error) => {
      throw error;
    });
  }
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  isRunning = false;
  for (const socket of sockets) socket.destroy();
  return { requests: done, answer };
}

process.on("message", (order: StackOrder) => {
  void load(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
