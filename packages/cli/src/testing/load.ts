import { connect, type Socket } from "node:net";

/** What is listened on. */
export type Where = { readonly port: number; readonly host: string } | { readonly path: string };

/** What a {@link Load} met. */
interface LoadResult {
  readonly answered: number;
  /** What went wrong, one line for each request; a connection that was closed after its request was sent, and before the answer, too. */
  readonly failures: readonly string[];
  /** How long answers took, in milliseconds, from the fastest to the slowest. */
  readonly milliseconds: readonly number[];
  /** How many answers each worker gave. */
  readonly byWorker: ReadonlyMap<string, number>;
}

/** One request of the mix. The head, and the body in pieces that are sent one after the other. */
interface Request {
  readonly head: string;
  readonly body: readonly string[];
}

const mix: readonly Request[] = [
  { head: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", body: [] },
  { head: "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", body: ["01234", "56789"] },
  { head: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", body: [] },
  { head: "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", body: [] },
];

/** The application that {@link Load} asks: it answers with the number of its process, and the body it was sent. */
export const loadedApplication = `export default async (environ, startResponse) => {
  let body = "";
  if (environ.REQUEST_METHOD === "POST") body = " " + Buffer.from(await environ["wsgi.input"].read()).toString();
  if (environ.PATH_INFO === "/slow") await new Promise((resolve) => setTimeout(resolve, 20));
  if (environ.PATH_INFO === "/block") {
    process.stderr.write("it blocks\\n");
    for (;;);
  }
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(process.pid + body)];
};
`;

/**
 * Clients that ask one request after the other on connections which they keep, and count strictly: only an answer that is whole counts, and a client
 * reconnects only where the answer said so, or where its connection was closed before it sent anything.
 */
export class Load {
  readonly #where: Where;
  readonly #connections: "kept" | "one for each request";
  readonly #failures: string[] = [];
  readonly #milliseconds: number[] = [];
  readonly #byWorker = new Map<string, number>();
  readonly #clients: Promise<void>[] = [];
  #answered = 0;
  #isStopped = false;
  readonly #waiting = new Map<number, () => void>();

  constructor(where: Where, clients: number, connections: "kept" | "one for each request" = "kept") {
    this.#where = where;
    this.#connections = connections;
    for (let i = 0; i < clients; i++) this.#clients.push(this.#client(i));
  }

  /** Resolves when so many requests have been answered. */
  answered(count: number): Promise<void> {
    if (this.#answered >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(count, resolve));
  }

  /** How many were answered until now. */
  get count(): number {
    return this.#answered;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Lets every request under way end. */
  async stop(): Promise<LoadResult> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
    return {
      answered: this.#answered,
      failures: this.#failures,
      milliseconds: this.#milliseconds.toSorted((a, b) => a - b),
      byWorker: this.#byWorker,
    };
  }

  async #client(offset: number): Promise<void> {
    let connection: Connection | undefined;
    for (let turn = offset; !this.#isStopped; turn++) {
      const request = mix[turn % mix.length] as Request;
      const begun = performance.now();
      try {
        connection = connection?.isOpen === true ? connection : await Connection.open(this.#where);
        const { body, keepsAlive } = await connection.ask(request);
        const [pid = "", echo] = body.split(" ");
        if (echo !== (request.body.length === 0 ? undefined : request.body.join(""))) throw new Error(`not the answer: ${body}`);
        if (!keepsAlive || this.#connections !== "kept") connection = connection.end();
        this.#count(pid, performance.now() - begun);
      } catch (error) {
        this.#failures.push(String(error));
        connection = connection?.end();
      }
    }
    connection?.end();
  }

  #count(worker: string, milliseconds: number): void {
    this.#milliseconds.push(milliseconds);
    this.#byWorker.set(worker, (this.#byWorker.get(worker) ?? 0) + 1);
    this.#answered++;
    this.#waiting.get(this.#answered)?.();
  }
}

/** One connection of a client. */
class Connection {
  readonly #socket: Socket;
  #isOpen = true;
  #received = "";
  /** Whoever answered on it last. */
  #server = "nobody known";
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => {
      this.#received += text;
      this.#wake();
    });
    for (const event of ["error", "end", "close"]) {
      socket.on(event, () => {
        this.#isOpen = false;
        this.#wake();
      });
    }
  }

  static open(where: Where): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...where, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new Connection(socket)));
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  end(): undefined {
    this.#isOpen = false;
    this.#socket.end();
    this.#socket.resume();
  }

  async ask({ head, body }: Request): Promise<{ readonly body: string; readonly keepsAlive: boolean }> {
    this.#socket.write(head, "latin1");
    for (const piece of body) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#socket.write(piece, "latin1");
    }
    for (;;) {
      const answer = this.#answer();
      if (answer !== undefined) return answer;
      if (!this.#isOpen) throw new Error(`closed by ${this.#server} before the answer: ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #answer(): { readonly body: string; readonly keepsAlive: boolean } | undefined {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return undefined;
    const head = this.#received.slice(0, end);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? "0");
    if (this.#received.length < end + 4 + length) return undefined;
    const body = this.#received.slice(end + 4, end + 4 + length);
    this.#received = this.#received.slice(end + 4 + length);
    this.#server = body.split(" ")[0] ?? "";
    if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(`refused: ${head} ${body}`);
    return { body, keepsAlive: !/^connection: close$/im.test(head) };
  }
}

/** One request on a connection of its own. @returns the body. */
export async function requestOnce(where: Where, path: string): Promise<string> {
  const connection = await Connection.open(where);
  try {
    return (await connection.ask({ head: `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, body: [] })).body;
  } finally {
    connection.end();
  }
}
