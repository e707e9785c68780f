import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Application } from "@gateway/core";
import type { GatewayServer, RefusedRequest } from "@gateway/sockets";
import { campaignTimeout, eventually, scaled, seededRandom, turns } from "@gateway/testing/campaign";
import { errorsTo } from "@gateway/testing/conformance";
import { validator } from "@gateway/validate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { scgiPacket } from "./client.ts";
import { makeServer, type ScgiOptions } from "./index.ts";

// The servers of SCGI and uwsgi are one but for their packets: what is tested here holds for both.

interface Served extends AsyncDisposable {
  readonly server: GatewayServer;
  readonly refused: RefusedRequest[];
  readonly errors: string[];
  /** The ends of the connections on the side of the server. */
  readonly sockets: Socket[];
  connect(): Promise<Front>;
}

/** A front server on one connection. */
class Front {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => (this.isClosed = true));
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** All that came, when the server has closed the connection. */
  async all(): Promise<string> {
    await eventually(() => this.isClosed);
    return this.received;
  }
}

const open: Served[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const served of open.splice(0)) await served[Symbol.asyncDispose]();
});

async function serve(app: Application, options: ScgiOptions = {}): Promise<Served> {
  const listener = createServer({ allowHalfOpen: true });
  const sockets: Socket[] = [];
  listener.on("connection", (socket) => sockets.push(socket));
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const refused: RefusedRequest[] = [];
  const errors: string[] = [];
  const server = makeServer(listener, 0, app, {
    shutdownSeconds: 0,
    stopIdleSeconds: 0,
    onRefused: (request) => refused.push(request),
    errors: errorsTo((text) => errors.push(text)),
    ...options,
  });
  await server.listen();
  void server.serveForever();
  const served: Served = {
    server,
    refused,
    errors,
    sockets,
    async connect() {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      await once(socket, "connect");
      return new Front(socket);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  open.push(served);
  return served;
}

function packet(variables: Readonly<Record<string, string>> = {}, body = ""): string {
  const all = { CONTENT_LENGTH: `${body.length}`, REQUEST_METHOD: body === "" ? "GET" : "POST", PATH_INFO: "/", ...variables };
  return scgiPacket(Object.entries(all).flat()).toString("latin1") + body;
}

async function exchange(served: Served, text: string): Promise<string> {
  const front = await served.connect();
  front.send(text);
  return front.all();
}

const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [body];
};

/** Streams until the client has left, and says how it ended. */
function streaming(endings: string[], closes: { count: number }): Application {
  return (environ, startResponse) => {
    const { signal } = environ["gateway.exchange"];
    const left = new Promise((resolve) => signal.addEventListener("abort", resolve));
    environ["gateway.exchange"].onEnd(({ outcome }) => endings.push(outcome));
    startResponse("200 OK", []);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("begun");
      await left;
    }
    return Object.assign(body(), { close: () => void closes.count++ });
  };
}

describe("makeServer of SCGI", () => {
  it("answers with the headers of CGI, Status last, and closes the connection", async () => {
    const served = await serve(validator(hello));
    expect(await exchange(served, packet({ PATH_INFO: "/a" }))).toBe(
      "Content-Type: text/plain\r\nContent-Length: 8\r\nStatus: 200 OK\r\n\r\nhello /a",
    );
  });

  it("understands bytes that come one by one, and a body exactly as long as it is, without an end", async () => {
    const served = await serve(validator(echo));
    const front = await served.connect();
    for (const byte of packet({ HTTP_X: "y" }, "hello")) {
      front.send(byte);
      await turns(1);
    }
    // More than the length is no part of it.
    front.send("more");
    expect(await front.all()).toMatch(/\r\n\r\nhello$/);
  });

  it("takes a CONTENT_LENGTH that is none for no body", async () => {
    const served = await serve(echo);
    expect(await exchange(served, packet({ CONTENT_LENGTH: "-1" }))).toMatch(/Status: 200 OK\r\n\r\n$/);
  });

  it("fails the reading of a body that is cut short", async () => {
    const served = await serve(echo);
    const front = await served.connect();
    front.send(packet({ CONTENT_LENGTH: "9" }) + "hello");
    await turns();
    front.socket.end();
    expect(await front.all()).toContain("Status: 400 Bad Request");
  });

  it.each([
    ["what is no SCGI", "GET / HTTP/1.1\r\n\r\n", 400],
    ["variables that are too long", "70000:", 431],
    ["no method", packet({ REQUEST_METHOD: "" }), 400],
    ["a path that is none", packet({ PATH_INFO: "a" }), 400],
    ["a length that cannot be counted", packet({ CONTENT_LENGTH: "9".repeat(20) }), 413],
    ["a body that is too large", packet({}, "x".repeat(101)), 413],
    ["a place where it is not mounted", packet({ PATH_INFO: "/b" }), 404],
  ])("refuses %s with one report, and closes the connection", async (_name, text, code) => {
    const served = await serve(hello, { maxBodyBytes: 100, mounts: ["/a"] });
    const answer = await exchange(served, `${text}${"\xff".repeat(30)}`);
    expect(answer).toContain(`Status: ${code} `);
    expect(served.refused).toHaveLength(1);
    expect(served.refused[0]).toMatchObject({ code, remoteAddress: "127.0.0.1" });
  });

  it("refuses HEAD without a body", async () => {
    const served = await serve(hello, { mounts: ["/a"] });
    expect(await exchange(served, packet({ REQUEST_METHOD: "HEAD", PATH_INFO: "/b" }))).toMatch(/Status: 404 Not Found\r\n\r\n$/);
  });

  it("refuses addresses that are not allowed", async () => {
    const served = await serve(hello, { allowedAddresses: ["10.0.0.0/8"] });
    expect(await exchange(served, packet())).toBe("");
    expect(served.refused.map(({ code }) => code)).toEqual([403]);
  });

  it("resets the connection where a response without a length breaks off", async () => {
    const served = await serve((_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* broken() {
        yield Buffer.from("begun");
        throw new Error("on purpose");
      })();
    });
    const front = await served.connect();
    let isReset = false;
    // The runtime takes a reset close behind bytes for an orderly end; a write of nothing finds it out.
    front.socket.removeAllListeners("end");
    front.socket.on("error", () => (isReset = true));
    front.socket.on("end", () =>
      front.socket.write("", (error) => {
        isReset ||= error instanceof Error;
        front.socket.destroy();
      }),
    );
    front.send(packet());
    expect(await front.all()).toContain("begun");
    expect(isReset).toBe(true);
  });

  it("makes a front server wait whose body nobody reads, and holds little of it", async () => {
    let goOn = (): void => {};
    const served = await serve(async (environ, startResponse) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      let received = 0;
      for await (const chunk of environ["wsgi.input"]) received += chunk.length;
      startResponse("200 OK", []);
      return [Buffer.from(String(received))];
    });
    const front = await served.connect();
    const length = 30 * 1024 * 1024;
    front.send(packet({ CONTENT_LENGTH: `${length}` }));
    front.socket.write(Buffer.alloc(length));
    await eventually(() => (served.sockets[0]?.bytesRead ?? 0) > 0);
    let before = -1;
    while (served.sockets[0]?.bytesRead !== before) {
      before = served.sockets[0]?.bytesRead ?? 0;
      await turns(100);
    }
    expect(before).toBeLessThan(1024 * 1024);
    goOn();
    expect(await front.all()).toContain(`\r\n\r\n${length}`);
  });

  it("pulls no more than a slow front server takes", async () => {
    let pulled = 0;
    const served = await serve((_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* endless() {
        for (;;) {
          pulled++;
          yield Buffer.alloc(64 * 1024);
        }
      })();
    });
    const front = await served.connect();
    front.socket.pause();
    front.send(packet());
    await eventually(() => pulled > 0);
    let before = -1;
    while (pulled !== before) {
      before = pulled;
      await turns(100);
    }
    // The buffers of the system, and a few chunks.
    expect(pulled).toBeLessThan(400);
    front.socket.destroy();
  });

  it(
    "closes the body once when the front server goes away",
    async () => {
      const endings: string[] = [];
      const closes = { count: 0 };
      const served = await serve(streaming(endings, closes));
      const requests = scaled(500);
      const random = seededRandom(9);
      let next = 0;
      const abortOne = async (): Promise<void> => {
        while (next++ < requests) {
          const front = await served.connect();
          front.send(packet());
          await eventually(() => front.received.includes("begun"));
          if (random() < 0.5) await turns(1);
          front.socket.resetAndDestroy();
        }
      };
      await Promise.all(Array.from({ length: 10 }, abortOne));
      await eventually(() => endings.length === requests);
      await turns();
      expect(closes.count).toBe(requests);
      expect(new Set(endings)).toEqual(new Set(["gone"]));
      expect(served.errors).toEqual([]);
    },
    campaignTimeout,
  );

  it("drains a body that nobody read before the connection is closed, so that no reset eats the answer", async () => {
    const served = await serve(hello);
    for (let i = 0; i < 20; i++) {
      const front = await served.connect();
      front.send(packet({ CONTENT_LENGTH: "300000" }));
      front.socket.write(Buffer.alloc(300_000));
      expect(await front.all()).toContain("hello /");
    }
  });
});

describe("deadlines", () => {
  const tick = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      vi.advanceTimersByTime(1000);
      await turns(1);
    }
  };
  const faked = { toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] } as const;

  it("answers 408 to variables that take too long, and says nothing to a connection that says nothing", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    const served = await serve(hello, { headerSeconds: 3 });
    const slow = await served.connect();
    const silent = await served.connect();
    slow.send("70:");
    await eventually(() => served.sockets.length === 2 && served.sockets.some((socket) => socket.bytesRead > 0));
    await tick(4);
    expect(await slow.all()).toContain("Status: 408");
    expect(await silent.all()).toBe("");
    expect(served.refused.map(({ code }) => code)).toEqual([408]);
  });

  it("fails the reading of a body that comes by drops", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    let reads = 0;
    const served = await serve(
      async (environ, startResponse) => {
        reads++;
        return echo(environ, startResponse);
      },
      { bodyBytesPerSecond: 100, bodyGraceSeconds: 2 },
    );
    const front = await served.connect();
    front.send(packet({ CONTENT_LENGTH: "1000" }) + "x");
    await eventually(() => reads === 1);
    await tick(4);
    expect(await front.all()).toContain("Status: 408");
  });

  it("answers 503 after requestSeconds, or cuts the connection", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    let calls = 0;
    const endings: string[] = [];
    const closes = { count: 0 };
    const served = await serve(
      (environ, startResponse) => {
        calls++;
        if (environ.PATH_INFO === "/waits") return new Promise(() => {});
        return streaming(endings, closes)(environ, startResponse);
      },
      { requestSeconds: 3 },
    );
    const waits = await served.connect();
    const streams = await served.connect();
    waits.send(packet({ PATH_INFO: "/waits" }));
    streams.send(packet());
    await eventually(() => calls === 2 && streams.received.includes("begun"));
    await tick(5);
    expect(await waits.all()).toContain("Status: 503");
    expect(await streams.all()).not.toContain("503");
    expect(closes.count).toBe(1);
    expect(endings).toEqual(["gone"]);
  });

  it("cuts a front server that takes nothing for writeStallSeconds", async () => {
    vi.useFakeTimers({ toFake: [...faked.toFake] });
    let pulled = 0;
    const endings: string[] = [];
    const served = await serve(
      (environ, startResponse) => {
        environ["gateway.exchange"].onEnd(({ outcome }) => endings.push(outcome));
        startResponse("200 OK", []);
        return (function* endless() {
          for (;;) {
            pulled++;
            yield Buffer.alloc(64 * 1024);
          }
        })();
      },
      { writeStallSeconds: 3 },
    );
    const front = await served.connect();
    front.socket.pause();
    front.send(packet());
    let before = -1;
    await eventually(() => pulled > 0);
    while (pulled !== before) {
      before = pulled;
      await turns(100);
    }
    await tick(5);
    await eventually(() => endings.length === 1);
    expect(endings).toEqual(["gone"]);
    front.socket.destroy();
  });
});

describe("shutdown", () => {
  it("finishes what is under way, gives those a moment that have not begun, and takes no more", async () => {
    let goOn = (): void => {};
    let calls = 0;
    const served = await serve(
      async (environ, startResponse) => {
        calls++;
        if (environ.PATH_INFO === "/slow") await new Promise<void>((resolve) => (goOn = resolve));
        return hello(environ, startResponse);
      },
      { stopIdleSeconds: 10, shutdownSeconds: 10 },
    );
    const slow = await served.connect();
    const late = await served.connect();
    slow.send(packet({ PATH_INFO: "/slow" }));
    await eventually(() => calls === 1 && served.sockets.length === 2);
    const stopped = served.server.shutdown();
    await turns(10);
    late.send(packet({ PATH_INFO: "/late" }));
    expect(await late.all()).toContain("hello /late");
    goOn();
    expect(await slow.all()).toContain("hello /slow");
    await stopped;
    await expect(served.connect()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("cuts what does not end", async () => {
    const endings: string[] = [];
    const closes = { count: 0 };
    const served = await serve(streaming(endings, closes));
    const front = await served.connect();
    front.send(packet());
    await eventually(() => front.received.includes("begun"));
    await served.server.shutdown();
    expect(endings).toEqual(["gone"]);
    expect(closes.count).toBe(1);
  });

  it("serves one request with handleRequest", async () => {
    const server = makeServer("127.0.0.1", 0, hello);
    const address = await server.listen();
    const handled = server.handleRequest();
    const socket = connect({ port: "port" in address ? address.port : 0, host: "127.0.0.1", allowHalfOpen: true });
    const front = new Front(socket);
    front.send(packet());
    expect(await front.all()).toContain("hello /");
    await handled;
    await server.shutdown();
  });
});

describe("the options", () => {
  it.each([
    ['{"headerByte":1}', TypeError],
    ['{"headerBytes":-1}', RangeError],
    ['{"multiprocess":1}', TypeError],
    ['{"mounts":["a"]}', TypeError],
    ['{"allowedAddresses":["x"]}', TypeError],
  ])("%s is refused", (options, error) => {
    expect(() => makeServer("", 0, hello, JSON.parse(options) as ScgiOptions)).toThrow(error);
  });
});
