import { connect, type Socket } from "node:net";

/** A connection that is kept, and that knows which worker it came to. */
export class Connection {
  pid: number | undefined = undefined;
  readonly #socket: Socket;
  #text = "";
  #waiting: { resolve(answer: { status: number; closes: boolean }): void; reject(error: Error): void } | undefined = undefined;
  #isOver = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1").on("data", (text: string) => this.#received(text));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#isOver = true;
      this.#waiting?.reject(new Error("the connection was closed"));
    });
  }

  ask(request: string): Promise<{ status: number; closes: boolean }> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#isOver) reject(new Error("the connection had been closed without a word"));
      else this.#socket.write(request, "latin1");
    });
  }

  leave(): undefined {
    this.#socket.destroy();
  }

  #received(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end === -1) return;
    const head = this.#text.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + 4 + length) return;
    this.#text = "";
    const pid = /^x-pid: (\d+)/im.exec(head)?.[1];
    if (pid !== undefined) this.pid = Number(pid);
    this.#waiting?.resolve({ status: Number(head.slice(9, 12)), closes: /^connection: close/im.test(head) });
  }
}
