// Load in a process of its own: each connection is a visitor that keeps its cookies, sends a request, waits for the whole answer, and sends the next.
import { connect, type Socket } from "node:net";

/** What to do; sent to this process. */
export interface VisitorsOrder {
  readonly port: number;
  readonly connections: number;
  readonly milliseconds: number;
  /** How many octets of a cookie a visitor sends that changes each time, as that of a session does: for a server that sets none. */
  readonly cookieBytes: number;
}

/** What was measured; sent back. */
export interface VisitorsResult {
  readonly requests: number;
  /** The counts that the visitors read last: what all requests together must have made. */
  readonly counted: number;
}

const endOfHead = "\r\n\r\n";

/** One visitor. Tells of each answer. */
function visit({ port, cookieBytes }: VisitorsOrder, answered: (count: number) => boolean): Socket {
  const cookies = new Map<string, string>();
  let turn = 0;
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let received = "";
  const send = (): void => {
    if (cookieBytes > 0) cookies.set("sid", String(turn++).padStart(cookieBytes, "x"));
    const pairs = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const cookie = pairs === "" ? "" : `Cookie: ${pairs}\r\n`;
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${cookie}\r\n`, "latin1");
  };
  socket.on("connect", send);
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
    const head = received.indexOf(endOfHead);
    if (head === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    if (Number.isNaN(length)) throw new Error(`an answer without a length:\n${received}`);
    if (received.length < head + 4 + length) return;
    for (const [, name = "", value = ""] of received.slice(0, head).matchAll(/set-cookie: ([^=]+)=([^;\r]*)/gi))
      cookies.set(name, value);
    const count = Number(received.slice(head + 4));
    received = "";
    if (answered(count)) send();
  });
  socket.on("error", (error) => {
    throw error;
  });
  return socket;
}

async function load(order: VisitorsOrder): Promise<VisitorsResult> {
  const counts = Array.from({ length: order.connections }, () => 0);
  let requests = 0;
  let running = true;
  const sockets = counts.map((_, visitor) =>
    visit(order, (count) => {
      if (!running) return false;
      requests++;
      counts[visitor] = count;
      return true;
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, order.milliseconds));
  running = false;
  for (const socket of sockets) socket.destroy();
  return { requests, counted: counts.reduce((sum, count) => sum + count, 0) };
}

process.on("message", (order: VisitorsOrder) => {
  void load(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));
