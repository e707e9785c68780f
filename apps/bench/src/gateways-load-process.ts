// Load in a process of its own, as load-process.ts makes it: each connection sends a request, waits for the whole answer, and sends the next.
import { connect, type Socket } from "node:net";
import { makeClient } from "@gateway/fastcgi/client";

/** What to do; sent to this process. */
export interface GatewayLoad {
  readonly port: number;
  readonly connections: number;
  readonly milliseconds: number;
  /** The bytes of requests, latin-1, sent in turn by each connection. */
  readonly requests: readonly string[];
  /** For our client of FastCGI, in their place. */
  readonly variables: readonly string[] | undefined;
  /** Of the answer. */
  readonly length: number;
}

/** What was measured; sent back. */
export interface GatewayLoadResult {
  readonly requests: number;
}

const answersBefore = 10;

/** Counts answers from when all connections are under way. */
class Count {
  requests = 0;
  isRunning = true;
  #toCome: number;
  #isMeasured = false;
  readonly #underWay: () => void;

  constructor(connections: number, underWay: () => void) {
    this.#toCome = connections * answersBefore;
    this.#underWay = underWay;
  }

  answered(): void {
    if (this.#isMeasured) this.requests++;
    else if (--this.#toCome === 0) {
      this.#isMeasured = true;
      this.#underWay();
    }
  }
}

function rawLoad({ port, connections, length, requests }: GatewayLoad, count: Count): () => void {
  const sockets: Socket[] = [];
  for (let i = 0; i < connections; i++) {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.push(socket);
    let missing = 0;
    let turn = i;
    const send = (): void => {
      missing = length;
      socket.write(requests[turn++ % requests.length] ?? "", "latin1");
    };
    socket.on("connect", send);
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing > 0 || !count.isRunning) return;
      count.answered();
      send();
    });
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

function clientLoad({ port, connections }: GatewayLoad, variables: readonly string[], count: Count): () => void {
  const client = makeClient({ connect: { port }, maxConnections: connections });
  const one = async (): Promise<void> => {
    while (count.isRunning) {
      const { body } = await client.request({ variables });
      for await (const chunk of body) if (chunk.length === 0) throw new Error("an empty chunk");
      count.answered();
    }
  };
  for (let i = 0; i < connections; i++) void one();
  return () => client.close();
}

async function load(order: GatewayLoad): Promise<GatewayLoadResult> {
  let underWay = (): void => {};
  const allUnderWay = new Promise<void>((resolve) => {
    underWay = resolve;
  });
  const count = new Count(order.connections, underWay);
  const stop = order.variables === undefined ? rawLoad(order, count) : clientLoad(order, order.variables, count);
  await allUnderWay;
  process.send?.({ ready: true });
  await new Promise((resolve) => setTimeout(resolve, order.milliseconds));
  count.isRunning = false;
  const { requests } = count;
  stop();
  return { requests };
}

process.on("message", (order: GatewayLoad) => {
  void load(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
