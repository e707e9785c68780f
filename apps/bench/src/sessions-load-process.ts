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

/** How a server spells its headers: one look with a regular expression for all its answers, because a load that is slower than the server measures itself. */
interface Spelling {
  readonly length: string;
  readonly setCookie: string;
}

function spellingOf(answer: string): Spelling {
  const [length = ""] = /^content-length: /im.exec(answer) ?? [];
  const [setCookie = "Set-Cookie: "] = /^set-cookie: /im.exec(answer) ?? [];
  if (length === "") throw new Error(`an answer without a length:\n${answer}`);
  return { length: `\n${length}`, setCookie: `\n${setCookie}` };
}

/** One visitor. Tells of each answer. */
function visit({ port, cookieBytes }: VisitorsOrder, answered: (count: number) => boolean): Socket {
  const cookies = new Map<string, string>();
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let spelling: Spelling | undefined;
  let cookie = "";
  let received = "";
  let turn = 0;
  const send = (): void => {
    if (cookieBytes > 0) cookie = `Cookie: sid=${String(turn++).padStart(cookieBytes, "x")}\r\n`;
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${cookie}\r\n`, "latin1");
  };
  const keepCookies = (head: string, header: string): void => {
    let at = head.indexOf(header);
    if (at === -1) return;
    for (; at !== -1; at = head.indexOf(header, at + 1)) {
      const from = at + header.length;
      const pair = head.slice(from, head.indexOf(";", from));
      cookies.set(pair.slice(0, pair.indexOf("=")), pair);
    }
    cookie = `Cookie: ${[...cookies.values()].join("; ")}\r\n`;
  };
  socket.on("connect", send);
  socket.setEncoding("latin1").on("data", (text: string) => {
    received = received === "" ? text : received + text;
    const end = received.indexOf(endOfHead);
    if (end === -1) return;
    spelling ??= spellingOf(received);
    const at = received.indexOf(spelling.length) + spelling.length.length;
    if (received.length < end + endOfHead.length + Number.parseInt(received.slice(at, at + 10), 10)) return;
    if (cookieBytes === 0) keepCookies(received.slice(0, end), spelling.setCookie);
    const count = Number(received.slice(end + endOfHead.length));
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
