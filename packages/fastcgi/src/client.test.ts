import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Application } from "@gateway/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeClient, type FastcgiClientOptions, type GatewayClient, type GatewayRequest } from "./client.ts";
import { makeServer } from "./fastcgi-server.ts";
import type { FastcgiOptions } from "./options.ts";
import { eventually, scaled, seededRandom, turns, campaignTimeout } from "./test-campaign.ts";
import { rec } from "./test-records.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0)) await stop();
});

/** A server of ours, and a client of it. */
async function served(
  app: Application,
  options: Partial<FastcgiClientOptions> = {},
  serverOptions: FastcgiOptions = {},
): Promise<{ client: GatewayClient; accepted: () => number; errors: string[] }> {
  const listener = createServer({ allowHalfOpen: true });
  let accepted = 0;
  listener.on("connection", () => accepted++);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const errors: string[] = [];
  const stream = { write: (text: string) => void errors.push(text), writelines() {}, flush() {} };
  const server = makeServer(listener, 0, app, { shutdownSeconds: 0, stopIdleSeconds: 0, errors: stream, ...serverOptions });
  await server.listen();
  void server.serveForever();
  const client = makeClient({ connect: { port: (listener.address() as AddressInfo).port }, ...options });
  stops.push(async () => {
    client.close();
    await server.shutdown();
  });
  return { client, accepted: () => accepted, errors };
}

/** A server that says what it is told to, and a client of it. */
async function canned(
  answer: (socket: Socket, received: () => string) => void,
  options: Partial<FastcgiClientOptions> = {},
): Promise<{ client: GatewayClient; sockets: Socket[]; received: () => string }> {
  const sockets: Socket[] = [];
  let received = "";
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    let answered = false;
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (answered) return;
      answered = true;
      answer(socket, () => received);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = makeClient({ connect: { port: (server.address() as AddressInfo).port }, ...options });
  stops.push(async () => {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { client, sockets, received: () => received };
}

const get = (path = "/", more: Partial<GatewayRequest> = {}): GatewayRequest => ({
  variables: { REQUEST_METHOD: "GET", SCRIPT_NAME: "", PATH_INFO: path },
  ...more,
});

const post = (body: GatewayRequest["body"], length?: number): GatewayRequest => ({
  variables: {
    REQUEST_METHOD: "POST",
    SCRIPT_NAME: "",
    PATH_INFO: "/",
    CONTENT_LENGTH: length === undefined ? undefined : String(length),
  },
  body,
});

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

const ask = async (client: GatewayClient, request = get()): Promise<string> => text((await client.request(request)).body);

const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

const echo: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return environ["wsgi.input"];
};

const ok = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nbody";
const end = (id: number, appStatus = 0, protocolStatus = 0): string =>
  rec(3, id, `\0\0\0${String.fromCharCode(appStatus, protocolStatus)}\0\0\0`);

describe("makeClient of FastCGI", () => {
  it("gives status, headers and body", async () => {
    const { client } = await served(hello);
    const response = await client.request(get("/a"));
    expect(response.status).toBe("200 OK");
    expect(response.headers).toEqual([
      ["Content-Type", "text/plain"],
      ["Content-Length", "8"],
    ]);
    expect(await text(response.body)).toBe("hello /a");
  });

  it("keeps a connection for the next request, or none", async () => {
    const kept = await served(hello);
    for (let i = 0; i < 5; i++) await ask(kept.client);
    expect(kept.accepted()).toBe(1);
    const fresh = await served(hello, { keepAlive: false });
    for (let i = 0; i < 5; i++) await ask(fresh.client);
    expect(fresh.accepted()).toBe(5);
  });

  it("makes a connection for each request at once, up to maxConnections, and the rest waits", async () => {
    let running = 0;
    let most = 0;
    const app: Application = async (environ, startResponse) => {
      most = Math.max(most, ++running);
      await turns();
      running--;
      return hello(environ, startResponse);
    };
    const all = async (options: Partial<FastcgiClientOptions>): Promise<[number, number]> => {
      most = 0;
      const { client, accepted } = await served(app, options);
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(client, get(`/${i}`))));
      expect(answers).toEqual(Array.from({ length: 12 }, (_, i) => `hello /${i}`));
      return [accepted(), most];
    };
    expect((await all({}))[0]).toBe(12);
    expect(await all({ maxConnections: 3 })).toEqual([3, 3]);
    expect(await all({ maxConnections: 1, multiplex: 20 })).toEqual([1, 12]);
    expect((await all({ maxConnections: 2, multiplex: 3 }))[0]).toBe(2);
  });

  it(
    "loses and mixes up nothing while it multiplexes: bodies of any size both ways, and aborts between them",
    async () => {
      const { client, accepted, errors } = await served(echo, { maxConnections: 2, multiplex: 25 }, { multiplex: true });
      const random = seededRandom(5);
      const requests = scaled(3000);
      let next = 0;
      let aborted = 0;
      const work = async (): Promise<void> => {
        while (next < requests) {
          const mark = `${next++} `;
          const body = Buffer.from(mark.repeat(1 + Math.floor(random() ** 4 * 20_000)));
          const cut = 1 + Math.floor(random() * body.length);
          const isKnown = random() < 0.5;
          const request = post([body.subarray(0, cut), body.subarray(cut)], isKnown ? body.length : undefined);
          const controller = new AbortController();
          const isAborted = random() < 0.2;
          const response = client.request({ ...request, signal: controller.signal });
          if (isAborted) {
            const when = Math.floor(random() * 3);
            if (when > 0) await response.catch(() => {});
            if (when === 2) await turns(1);
            controller.abort(new Error("enough"));
            await response.then(
              async ({ body: rest }) => text(rest).catch((error: Error) => expect(error.message).toBe("enough")),
              (error: Error) => expect(error.message).toBe("enough"),
            );
            aborted++;
            continue;
          }
          const got = await text((await response).body);
          expect(got.length).toBe(body.length);
          expect(got).toBe(body.toString());
        }
      };
      await Promise.all(Array.from({ length: 40 }, work));
      console.log(`${requests} requests on ${accepted()} connections, ${aborted} of them aborted`);
      expect(accepted()).toBe(2);
      expect(errors).toEqual([]);
    },
    campaignTimeout,
  );

  it("sends ABORT_REQUEST where it multiplexes: close() runs, the connection and the other request go on", async () => {
    const outcomes: string[] = [];
    const { client, accepted } = await served(
      async function* waits(environ, startResponse) {
        environ["gateway.exchange"].onEnd(({ outcome }) => outcomes.push(outcome));
        startResponse("200 OK", []);
        yield Buffer.from("begun");
        const { signal } = environ["gateway.exchange"];
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      { multiplex: 4 },
    );
    const [first, second] = await Promise.all([client.request(get()), client.request(get())]);
    first.body.close();
    await eventually(() => outcomes.length === 1);
    expect(outcomes).toEqual(["gone"]);
    second.body.close();
    await eventually(() => outcomes.length === 2);
    (await client.request(get())).body.close();
    await eventually(() => outcomes.length === 3);
    expect(accepted()).toBe(1);
  });

  it("closes the connection where a request runs alone on it: close() runs", async () => {
    const outcomes: string[] = [];
    const { client, accepted } = await served(async function* waits(environ, startResponse) {
      environ["gateway.exchange"].onEnd(({ outcome }) => outcomes.push(outcome));
      startResponse("200 OK", []);
      yield Buffer.from("begun");
      const { signal } = environ["gateway.exchange"];
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    for (let i = 1; i <= 2; i++) {
      // Leaving the loop leaves the response.
      for await (const chunk of (await client.request(get())).body) {
        expect(Buffer.from(chunk).toString()).toBe("begun");
        break;
      }
      await eventually(() => outcomes.length === i);
    }
    expect(outcomes).toEqual(["gone", "gone"]);
    expect(accepted()).toBe(2);
  });

  it("rejects with the reason of a signal, before the connection, before the head and in the body", async () => {
    const { client } = await served(async function* waits(environ, startResponse) {
      const { signal } = environ["gateway.exchange"];
      const left = new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (environ.PATH_INFO === "/head") await left;
      startResponse("200 OK", []);
      yield Buffer.from("begun");
      await left;
    });
    const reason = new Error("enough");
    await expect(client.request(get("/", { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    const early = new AbortController();
    const connecting = client.request(get("/", { signal: early.signal }));
    early.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    const waiting = new AbortController();
    const head = client.request(get("/head", { signal: waiting.signal }));
    await turns(5);
    waiting.abort(reason);
    await expect(head).rejects.toBe(reason);
    const reading = new AbortController();
    const response = await client.request(get("/", { signal: reading.signal }));
    reading.abort(reason);
    await expect(text(response.body)).rejects.toBe(reason);
  });

  it("pulls a body as the server takes it, and makes the server wait for whoever reads", async () => {
    let pulled = 0;
    const chunk = Buffer.alloc(64 * 1024, "x");
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        yield chunk;
      }
    }
    let read = 0;
    let goOn = (): void => {};
    const { client } = await served(async function* slowly(environ, startResponse) {
      startResponse("200 OK", []);
      yield Buffer.from("x");
      await new Promise<void>((resolve) => (goOn = resolve));
      for await (const piece of environ["wsgi.input"]) {
        read += piece.length;
        yield piece;
      }
    });
    const response = await client.request(post(endless()));
    let before = -1;
    // Until nothing moves any more: the system has buffers of its own.
    while (pulled !== before) {
      before = pulled;
      await turns(200);
    }
    expect(pulled).toBeLessThan(400);
    goOn();
    await eventually(() => read > 0);
    let moved = -1;
    while (read !== moved) {
      moved = read;
      await turns(200);
    }
    // Nobody reads the response: the application is not asked for more.
    expect(read).toBeLessThan(30 * 1024 * 1024);
    let received = 0;
    for await (const piece of response.body) {
      received += piece.byteLength;
      if (received > read) break;
    }
  });

  it("stops pulling a body when the response is there", async () => {
    let returned = 0;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    const { client, accepted } = await served(hello);
    expect(await ask(client, post(body))).toBe("hello /");
    expect(returned).toBe(1);
    // What was cut off must not be taken for a part of the next request.
    expect(await ask(client)).toBe("hello /");
    expect(accepted()).toBe(2);
  });

  it("rejects with what the body throws, and for a body that is not as long as it should be", async () => {
    const { client } = await served(async (environ, startResponse) => {
      await environ["wsgi.input"].read();
      return hello(environ, startResponse);
    });
    function* throws(): Generator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("on purpose");
    }
    await expect(client.request(post(throws()))).rejects.toThrow("on purpose");
    await expect(client.request(post([Buffer.from("abc")], 4))).rejects.toThrow(RangeError);
    await expect(client.request(post([Buffer.from("abc")], 2))).rejects.toThrow(RangeError);
    await expect(client.request(post(["abc"] as unknown as Uint8Array[]))).rejects.toThrow(TypeError);
    expect(await ask(client)).toBe("hello /");
  });

  it.each([
    ["a variable beyond latin-1", { variables: { REQUEST_METHOD: "GET", A: "€" } }],
    ["a name without a value", { variables: ["REQUEST_METHOD", "GET", "A"] }],
    ["a length without a body", { variables: { REQUEST_METHOD: "POST", CONTENT_LENGTH: "3" } }],
    ["a length that is none", { variables: { REQUEST_METHOD: "POST", CONTENT_LENGTH: "x" }, body: [] }],
  ])("refuses %s", async (_name, request) => {
    const { client } = await served(hello);
    await expect(client.request(request)).rejects.toThrow(TypeError);
  });

  it("takes a response without STDERR for what it is, and hands STDERR on", async () => {
    const errors: string[] = [];
    const { client } = await canned(
      (socket) =>
        socket.write(
          rec(7, 1, "warning\n") + rec(6, 1, ok.slice(0, 9)) + rec(99, 0) + rec(6, 1, ok.slice(9), 7) + rec(7, 1) + end(1),
          "latin1",
        ),
      { onErrors: (text) => errors.push(text) },
    );
    expect(await ask(client)).toBe("body");
    expect(errors).toEqual(["warning\n"]);
  });

  it.each([
    ["an application that broke off", rec(6, 1, ok) + end(1, 1), "TRUNCATED"],
    ["a body shorter than its length", rec(6, 1, ok.replace("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n")) + end(1), "TRUNCATED"],
    ["a body longer than its length", rec(6, 1, ok.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n")) + end(1), "MALFORMED"],
    ["an end before the end of the head", rec(6, 1, "Status: 200 OK\r\n") + end(1), "TRUNCATED"],
    ["no head at all", end(1), "TRUNCATED"],
    ["a status line", rec(6, 1, "HTTP/1.1 200 OK\r\n\r\n") + end(1), "MALFORMED"],
    ["a header that goes on in the next line", rec(6, 1, "Status: 200 OK\r\nX-A: b\r\n c\r\n\r\n") + end(1), "MALFORMED"],
    ["a server with too much to do", end(1, 0, 2), "OVERLOADED"],
    ["a server that cannot multiplex", end(1, 0, 1), "REFUSED"],
    ["a server of another role", end(1, 0, 3), "REFUSED"],
    ["an END_REQUEST that is too short", rec(6, 1, ok) + rec(3, 1, "\0"), "MALFORMED"],
    ["records of another version", "HTTP/1.1 400 Bad Request\r\n\r\n", "MALFORMED"],
  ])("fails for %s", async (_name, bytes, code) => {
    const { client } = await canned((socket) => socket.write(bytes, "latin1"));
    await expect(ask(client)).rejects.toMatchObject({ name: "ClientError", code });
  });

  it("fails for a connection that ends in the middle, and never takes it for the end", async () => {
    for (const bytes of [rec(6, 1, ok), rec(6, 1, ok) + rec(6, 1), rec(6, 1, ok) + end(1).slice(0, 10)]) {
      const { client } = await canned((socket) => socket.end(bytes, "latin1"));
      const response = await client.request(get());
      await expect(text(response.body)).rejects.toMatchObject({ code: "TRUNCATED" });
    }
    const silent = await canned((socket) => socket.end());
    await expect(ask(silent.client)).rejects.toMatchObject({ code: "TRUNCATED" });
    const reset = await canned((socket) => socket.resetAndDestroy());
    await expect(ask(reset.client)).rejects.toMatchObject({ code: "TRUNCATED" });
  });

  it("sends a safe request again, once, where a connection that was kept turns out to be closed", async () => {
    let answers = 0;
    const { client, sockets } = await canned((socket) => {
      socket.write(rec(6, 1, ok) + end(1), "latin1");
      // The next request on it is lost.
      socket.on("data", () => socket.destroy());
      answers++;
    });
    expect(await ask(client)).toBe("body");
    expect(await ask(client)).toBe("body");
    expect(answers).toBe(2);
    // What must not be sent twice gets a connection of its own, for this server does not keep them.
    expect(await ask(client, post([]))).toBe("body");
    expect(sockets).toHaveLength(3);
  });

  it("does not send again what must not be sent twice", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, sockets } = await canned((socket) => {
      socket.write(rec(6, 1, ok) + end(1), "latin1");
      socket.on("data", () => socket.destroy());
    });
    expect(await ask(client)).toBe("body");
    // It was kept for so long that the server seems to keep it.
    vi.advanceTimersByTime(2000);
    await expect(ask(client, post([]))).rejects.toMatchObject({ code: "TRUNCATED" });
    expect(sockets).toHaveLength(1);
  });

  it("makes room for it among as many connections as there may be", async () => {
    const { client, sockets } = await canned((socket) => void socket.write(rec(6, 1, ok) + end(1), "latin1"), {
      maxConnections: 1,
    });
    expect(await ask(client)).toBe("body");
    expect(await ask(client, post([]))).toBe("body");
    expect(sockets).toHaveLength(2);
  });

  it("keeps connections for all once the server has answered twice on one", async () => {
    const { client, accepted } = await served(hello);
    for (const request of [get(), get(), post([]), post([])]) await ask(client, request);
    expect(accepted()).toBe(1);
  });

  it("closes a connection while another has not been answered at all: its worker may be the one that is waited for", async () => {
    let goOn = (): void => {};
    const slow: Application = async (environ, startResponse) => {
      if (environ.PATH_INFO === "/slow") await new Promise<void>((resolve) => (goOn = resolve));
      return hello(environ, startResponse);
    };
    const { client, accepted } = await served(slow);
    const first = ask(client, get("/slow"));
    await eventually(() => accepted() === 1);
    await ask(client);
    await ask(client);
    expect(accepted()).toBe(3);
    goOn();
    await first;
    await ask(client);
    await ask(client);
    expect(accepted()).toBe(3);
  });

  it("refuses what has waited too long for a connection, and what comes when too many wait", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, received } = await canned(() => {}, { maxConnections: 1, maxQueued: 1, queueSeconds: 5 });
    const first = client.request(get());
    first.catch(() => {});
    const second = client.request(get());
    second.catch(() => {});
    await eventually(() => received() !== "");
    await expect(client.request(get())).rejects.toMatchObject({ code: "OVERLOADED" });
    vi.advanceTimersByTime(6000);
    await expect(second).rejects.toMatchObject({ code: "OVERLOADED" });
    client.close();
  });

  it("forgets a connection that the server closed while it was idle", async () => {
    const { client, sockets } = await canned((socket) => socket.end(rec(6, 1, ok) + end(1), "latin1"));
    for (let i = 1; i <= 3; i++) {
      expect(await ask(client, post([]))).toBe("body");
      await eventually(() => sockets.length === i && sockets.every((socket) => socket.closed));
      await turns();
    }
  });

  it("fails where nobody listens, and where the client was closed", async () => {
    const nobody = makeClient({ connect: { path: "/nonexistent/socket" } });
    await expect(nobody.request(get())).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    nobody.close();
    await expect(nobody.request(get())).rejects.toMatchObject({ code: "CLOSED" });
    const { client } = await canned(() => {}, { maxConnections: 1 });
    const first = client.request(get());
    const queued = client.request(get());
    await turns();
    client.close();
    await expect(queued).rejects.toMatchObject({ code: "CLOSED" });
    first.catch(() => {});
  });

  it("finishes what is under way when it is closed", async () => {
    let goOn = (): void => {};
    const { client } = await served(async (environ, startResponse) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return hello(environ, startResponse);
    });
    const response = ask(client);
    await turns(10);
    client.close();
    await eventually(() => {
      goOn();
      return true;
    });
    goOn();
    expect(await response).toBe("hello /");
  });

  it("gives up on a server that does nothing for idleSeconds, and on nobody else", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, received } = await canned(() => {}, { idleSeconds: 10 });
    const response = client.request(get());
    response.catch(() => {});
    await eventually(() => received() !== "");
    vi.advanceTimersByTime(10_000);
    await turns();
    const raced = await Promise.race([response.catch(() => "failed"), turns(3)]);
    expect(raced).toBeUndefined();
    vi.advanceTimersByTime(1000);
    await expect(response).rejects.toMatchObject({ code: "TIME_LIMIT" });
    // Whoever makes the body may take his time.
    let pulls = 0;
    async function* slow(): AsyncGenerator<Uint8Array> {
      pulls++;
      await new Promise(() => {});
      yield Buffer.alloc(0);
    }
    const before = received().length;
    const slowly = client.request(post(slow()));
    let failed = false;
    slowly.catch(() => (failed = true));
    await eventually(() => pulls === 1 && received().length > before);
    vi.advanceTimersByTime(100_000);
    await turns();
    expect(failed).toBe(false);
    client.close();
  });

  it("gives up the place of a request that was aborted and that the server does not end", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, sockets, received } = await canned(() => {}, { multiplex: 2, idleSeconds: 5 });
    const controller = new AbortController();
    const response = client.request(get("/", { signal: controller.signal }));
    response.catch(() => {});
    await eventually(() => received() !== "");
    controller.abort();
    await eventually(() => received().includes(rec(2, 1)));
    vi.advanceTimersByTime(6000);
    await eventually(() => sockets[0]?.closed === true);
  });

  it("closes a connection that was idle for keepAliveSeconds", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, sockets } = await canned((socket) => socket.write(rec(6, 1, ok) + end(1), "latin1"), { keepAliveSeconds: 5 });
    await ask(client);
    vi.advanceTimersByTime(5000);
    await turns();
    expect(sockets[0]?.closed).toBe(false);
    vi.advanceTimersByTime(1000);
    await eventually(() => sockets[0]?.closed === true);
  });

  it.each([
    ['{"connect":{}}', TypeError],
    ['{"connect":{"port":0}}', TypeError],
    ['{"connect":{"port":80,"path":"/a"}}', TypeError],
    ['{"connect":{"path":""}}', TypeError],
    ['{"connect":{"port":80},"idleSecond":1}', TypeError],
    ['{"connect":{"port":80},"idleSeconds":-1}', RangeError],
    ['{"connect":{"port":80},"multiplex":0}', RangeError],
    ['{"connect":{"port":80},"multiplex":65536}', RangeError],
    ['{"connect":{"port":80},"maxConnections":0}', RangeError],
    ['{"connect":{"port":80},"keepAlive":1}', TypeError],
    ['{"connect":{"port":80},"onErrors":1}', TypeError],
  ])("refuses %s", (options, error) => {
    expect(() => makeClient(JSON.parse(options) as FastcgiClientOptions)).toThrow(error);
  });
});
