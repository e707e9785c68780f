import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const mebibyte = 1024 * 1024;
const bodyBytes = 256 * mebibyte;
/** Half of what is sent: whoever kept it would be seen. */
const mostBytes = 128 * mebibyte;

/** Three proxies one before the other, and a server of each protocol between them; each says what has become of it when it is asked. */
const source = `
  import { makeServer as fastcgi } from "@gateway/fastcgi";
  import { fastcgiApp } from "@gateway/fastcgi/client";
  import { httpApp } from "@gateway/proxy";
  import { makeServer as http } from "@gateway/server";
  const chunk = Buffer.alloc(64 * 1024);
  const state = { pulled: 0, read: 0, most: 0 };
  const look = () => {
    const { rss, ...memory } = process.memoryUsage();
    state.most = Math.max(state.most, memory.heapUsed + memory.external);
  };
  function* large() {
    for (; state.pulled < ${bodyBytes}; state.pulled += chunk.length) {
      if (state.pulled % ${mebibyte} === 0) look();
      yield chunk;
    }
  }
  let mayRead;
  const reads = new Promise((resolve) => (mayRead = resolve));
  const app = async (environ, startResponse) => {
    if (environ.REQUEST_METHOD === "POST") {
      await reads;
      for await (const piece of environ["wsgi.input"]) {
        if (state.read % ${mebibyte} < piece.length) look();
        state.read += piece.length;
      }
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from("read " + state.read)];
    }
    startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
    return large();
  };
  const options = { writeStallSeconds: 600, bodyBytesPerSecond: 0 };
  const portOf = async (server) => {
    const { port } = await server.listen();
    void server.serveForever();
    return port;
  };
  const limits = { idleSeconds: 600, answerSeconds: 600 };
  const back = await portOf(http("127.0.0.1", 0, app, options));
  const second = await portOf(fastcgi("127.0.0.1", 0, httpApp({ origin: "http://127.0.0.1:" + back, ...limits }), options));
  const third = await portOf(http("127.0.0.1", 0, fastcgiApp({ socket: { port: second }, unknownLength: "stream", ...limits }), options));
  const port = await portOf(http("127.0.0.1", 0, httpApp({ origin: "http://127.0.0.1:" + third, ...limits }), options));
  process.on("message", (message) => {
    if (message === "read") mayRead();
    look();
    process.send({ port, ...state });
  });
  process.on("disconnect", () => process.exit(0));
  process.send({ port, ...state });
`;

interface State {
  readonly port: number;
  readonly pulled: number;
  readonly read: number;
  /** Of the heap and of buffers, in bytes, at any time it was looked at. */
  readonly most: number;
}

/** A chain of servers in a process with little room. */
class Chain implements AsyncDisposable {
  readonly #child: ChildProcess = spawn(process.execPath, ["--max-old-space-size=64", "--input-type=module", "--eval", source], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

  async started(): Promise<State> {
    const [state] = (await once(this.#child, "message")) as [State];
    return state;
  }

  async tell(message: "look" | "read"): Promise<State> {
    const answer = once(this.#child, "message");
    this.#child.send(message);
    const [state] = (await answer) as [State];
    return state;
  }

  /** Until nothing moves any more. */
  async stalled(): Promise<State> {
    let before = await this.tell("look");
    for (let quiet = 0; quiet < 20;) {
      const now = await this.tell("look");
      quiet = now.pulled === before.pulled && now.read === before.read ? quiet + 1 : 0;
      before = now;
    }
    return before;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Reads on until so many bytes more have come, and then no more. */
async function readMore(socket: Socket, bytes: number): Promise<number> {
  let received = 0;
  const take = (chunk: Buffer): void => {
    received += chunk.length;
    if (received >= bytes) socket.pause();
  };
  socket.on("data", take).resume();
  await Promise.race([once(socket, "pause"), once(socket, "end")]);
  socket.off("data", take);
  return received;
}

describe("the memory of a chain of proxies", () => {
  it("does not grow with a body of 256 MiB whose reader stops again and again until nothing moves", async () => {
    await using chain = new Chain();
    const { port } = await chain.started();
    const socket = connect(port, "127.0.0.1").pause();
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let received = 0;
    for (let part = 0; part < 8; part++) {
      received += await readMore(socket, 8 * mebibyte);
      const { pulled } = await chain.stalled();
      // What the system holds between five processes' worth of sockets, and little more.
      expect(pulled - received).toBeLessThan(64 * mebibyte);
    }
    received += await readMore(socket, Infinity);
    expect(received).toBeGreaterThan(bodyBytes);
    const { pulled, most } = await chain.tell("look");
    expect(pulled).toBe(bodyBytes);
    expect(most).toBeLessThan(mostBytes);
  });

  it("does not grow with an upload of 256 MiB that nobody reads for long", async () => {
    await using chain = new Chain();
    const { port } = await chain.started();
    const socket = connect(port, "127.0.0.1");
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bodyBytes}\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    const send = (): void => {
      while (sent < bodyBytes) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on("drain", send);
    send();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await chain.stalled();
    }
    expect(sent).toBeLessThan(64 * mebibyte);
    const answer = once(socket, "data");
    await chain.tell("read");
    const [text] = (await answer) as [Buffer];
    expect(text.toString()).toContain("HTTP/1.1 200 OK");
    const { read, most } = await chain.tell("look");
    expect(read).toBe(bodyBytes);
    expect(most).toBeLessThan(mostBytes);
    socket.destroy();
  });
});
